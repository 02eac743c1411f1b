import { assert, assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import * as keys from "../../../engine/store/keys.ts";
import { packKey } from "../../../engine/store/pack_key.ts";
import type { Key } from "../../../engine/store/store.ts";

const { lastText } = keys;

/** One key of each kind, and the prefixes under which it must be listed. */
const LAYOUT: [Key, Key[]][] = [
  [keys.sessionKey("w"), [keys.sessionPrefix]],
  [keys.leaseKey("r"), [keys.leasePrefix]],
  [keys.runKey("r"), [keys.runPrefix]],
  [keys.eventKey("r", 1), [keys.eventPrefix("r")]],
  [keys.frameKey("r", "c", 1, 2), [
    keys.framePrefix("r"),
    keys.framePrefix("r", "c"),
    keys.framePrefix("r", "c", 1),
  ]],
  [keys.inboxKey("r", "cmd"), [keys.inboxPrefix("r"), keys.inboxPrefix()]],
  [keys.readyKey("lane", 5, "r"), [keys.readyPrefix("lane"), keys.readyPrefix()]],
  [keys.byNotebookKey("n", 5, "r"), [keys.byNotebookPrefix("n"), keys.indexPrefix]],
  [keys.byTimeKey(5, "r"), [keys.byTimePrefix, keys.indexPrefix]],
  [keys.pastKey("n", "c"), [keys.pastPrefix("n"), keys.pastPrefix()]],
  [keys.requestKey(20_000, "k"), [keys.requestPrefix]],
  [keys.timerKey(5, "run_1"), [keys.timerPrefix]],
  [keys.answerKey("run_1", "cmd_1"), [keys.answerPrefix("run_1"), keys.answerPrefix()]],
  [keys.snapshotKey("run_1"), [keys.snapshotPrefix]],
  [keys.pinKey("r"), [keys.pinPrefix]],
  [keys.dueKey("run", 5, "r"), [keys.duePrefix("run"), keys.duePrefix()]],
  [keys.holdKey("sha", "r"), [keys.holdPrefix("sha"), keys.holdPrefix()]],
  [keys.roleKey("reaper"), []],
  [keys.versionKey("sha"), [keys.versionPrefix]],
  [keys.blobKey("sha"), [keys.blobPrefix]],
  [keys.chunkKey("sha", 0), []],
];

Deno.test("every key is listed under its own prefixes and under no other kind's", () => {
  const prefixes = LAYOUT.flatMap(([, own]) => own);
  for (const [key, own] of LAYOUT) {
    for (const prefix of prefixes) {
      const under = packKey(key).startsWith(packKey(prefix)) && key.length > prefix.length;
      assertEquals(
        under,
        own.some((other) => packKey(other) === packKey(prefix)),
        `${JSON.stringify(key)} under ${JSON.stringify(prefix)}`,
      );
    }
  }
});

Deno.test("no two kinds of record share a key, and all kinds are here", () => {
  const packed = LAYOUT.map(([key]) => packKey(key));
  assertEquals(new Set(packed).size, packed.length);
  const named = Object.keys(keys).filter((name) => name.endsWith("Key"));
  assertEquals(named.length, LAYOUT.length);
});

Deno.test("the run, the command or the seq is read from the end of a key", () => {
  assertEquals(lastText(keys.readyKey("lane", 5, "r")), "r");
  for (const act of [() => lastText(keys.eventKey("r", 1)), () => lastText(keys.frameKey("r", "c", 1, 2))]) {
    assertEquals(assertThrows(act, EngineError).code, "store_corrupt");
  }
});

Deno.test("ready entries stand in the order of their ranks, lists in the order of time", () => {
  assert(packKey(keys.readyKey("d", 9, "z")) < packKey(keys.readyKey("d", 10, "a")));
  assert(packKey(keys.byTimeKey(999, "z")) < packKey(keys.byTimeKey(1_700_000_000_000, "a")));
});
