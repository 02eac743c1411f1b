import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../../engine/base/errors.ts";
import * as keys from "../../../engine/store/keys.ts";
import { packKey, unpackKey } from "../../../engine/store/pack_key.ts";
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
  [keys.laneKey("lane"), [keys.lanePrefix]],
  [keys.laneGateKey("lane"), []],
  [keys.offerKey("gpu", 5, "r", "c"), [keys.offerPrefix("gpu"), keys.offerPrefix()]],
  [keys.offerSetKey("gpu"), [keys.offerSetPrefix]],
  [keys.stepLeaseKey("r", "c"), [keys.stepLeasePrefix("r"), keys.stepLeasePrefix()]],
  [keys.stepStopKey("r", "c"), [keys.stepStopPrefix("r")]],
  [keys.workerKey("w"), [keys.workerPrefix]],
  [keys.byNotebookKey("n", 5, "r"), [keys.byNotebookPrefix("n"), keys.indexPrefix]],
  [keys.byTimeKey(5, "r"), [keys.byTimePrefix, keys.indexPrefix]],
  [keys.pastKey("n", "c"), [keys.pastPrefix("n"), keys.pastPrefix()]],
  [keys.requestKey(20_000, "k"), [keys.requestPrefix]],
  [keys.timerKey(5, "run_1"), [keys.timerPrefix]],
  [keys.answerKey("run_1", "cmd_1"), [keys.answerPrefix("run_1"), keys.answerPrefix()]],
  [keys.waitpointKey("run_1", "wp_1"), [keys.waitpointPrefix("run_1"), keys.waitpointPrefix()]],
  [keys.openWaitpointKey("approval", 5, "wp_1"), [keys.openWaitpointPrefix("approval")]],
  [keys.effectKey("eff_1", 1, 0), [keys.effectPrefix("eff_1")]],
  [keys.effectsKey({ run: "r" }, "eff_1"), [keys.effectsPrefix({ run: "r" })]],
  [keys.snapshotKey("run_1"), [keys.snapshotPrefix]],
  [keys.pinKey("r"), [keys.pinPrefix]],
  [keys.dueKey("run", 5, "r"), [keys.duePrefix("run"), keys.duePrefix()]],
  [keys.holdKey("sha", "r"), [keys.holdPrefix("sha"), keys.holdPrefix()]],
  [keys.roleKey("reaper"), []],
  [keys.budgetKey("b"), [keys.budgetPrefix]],
  [keys.budgetSumKey("b"), []],
  [keys.budgetEntryKey("b", "r", "c", 1, 2), [keys.budgetEntryPrefix("b")]],
  [keys.budgetHolderKey("r", "c", 1, 2, "b"), [keys.budgetHolderPrefix("r")]],
  [keys.budgetLogKey("b", 5, "r", "c", 1, 2), [keys.budgetLogPrefix("b")]],
  [keys.budgetWaitKey("b", "r", "c"), [keys.budgetWaitPrefix("b")]],
  [keys.budgetToldKey("b", "k"), []],
  [keys.quotaKey("q"), [keys.quotaPrefix]],
  [keys.quotaGateKey("q"), []],
  [keys.quotaSlotKey("q", "r", "c"), [keys.quotaSlotPrefix("q"), keys.quotaSlotPrefix()]],
  [keys.quotaHolderKey("r", "c", "q"), [keys.quotaHolderPrefix("r"), keys.quotaHolderPrefix()]],
  [keys.quotaUseKey("q", 5, "r", "c"), [keys.quotaUsePrefix("q"), keys.quotaUsePrefix("q", 5)]],
  [keys.quotaWaitKey("q", 5, "r", "c"), [keys.quotaWaitPrefix("q")]],
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

Deno.test("each list of effects has a place of its own", () => {
  const lists: keys.EffectList[] = [{ run: "n" }, { notebook: "n" }, "all", "in-doubt"];
  const places = lists.map((list) => packKey(keys.effectsKey(list, "eff_1")));
  for (const [i, list] of lists.entries()) {
    const under = places.map((place) => place.startsWith(packKey(keys.effectsPrefix(list))));
    assertEquals(under, lists.map((_, k) => k === i));
  }
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

const bytesOf = (packed: string) => Uint8Array.from(packed, (character) => character.charCodeAt(0));

Deno.test("EN-112 a key is read back from its bytes, whatever its parts are", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.maxSafeNat(),
    fc.constantFrom(
      "",
      "\0",
      "\0\0",
      "a\0",
      "\u00ff",
      "\u{10ffff}",
      "\ufeff",
      0,
      255,
      Number.MAX_SAFE_INTEGER,
    ),
  );
  fc.assert(fc.property(fc.array(part), (key) => assertEquals(unpackKey(bytesOf(packKey(key))), key)));
});

Deno.test("bytes that are no key are store_corrupt", () => {
  for (const packed of ["\x01a\x00", "\x02a", "\x02a\x00\xff", "\x21\x00\x00", "\x02\x80\x00", "\xff"]) {
    const error = assertThrows(() => unpackKey(bytesOf(packed)), EngineError, "stored key cannot be read");
    assertEquals(error.code, "store_corrupt");
  }
});
