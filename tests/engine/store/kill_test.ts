import { assert, assertEquals } from "@std/assert";
import { decodeRecord } from "../../../engine/store/codec.ts";
import { eventPrefix, runKey } from "../../../engine/store/keys.ts";
import { openStore } from "../../../engine/store/open.ts";
import type { Store } from "../../../engine/store/store.ts";
import { startChild } from "./process.ts";

const KILLS = 6;

Deno.test("C1 after kill -9 nothing acknowledged is lost and no turn is torn", async () => {
  const folder = await Deno.makeTempDir({ prefix: "weft-kill-" });
  try {
    let acknowledged = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = startChild("commit", `${folder}/k.db`);
      // A different number of turns each time; the kill then falls somewhere in the turns that follow.
      for (let turns = 5 + 23 * kill; turns > 0; turns--) acknowledged = Number(await child.line());
      child.process.kill("SIGKILL");
      for (let line = await child.line(); line !== undefined; line = await child.line()) {
        acknowledged = Number(line);
      }
      await child.kill().catch(() => {});
      const { store, release } = await openStore(`${folder}/k.db`);
      const last = await assertWhole(store);
      assert(
        last >= acknowledged,
        `turn ${acknowledged} was acknowledged, ${last} is the last that is there`,
      );
      assert(last <= acknowledged + 1, "one turn is in flight at most");
      await release();
    }
    assert(acknowledged > 100);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Checks that both journals have the turns 1 to n, each whole, and that the head says n; gives n. */
async function assertWhole(store: Store): Promise<number> {
  const lasts: number[] = [];
  for (const journal of ["r", "copy"]) {
    let expected = 0;
    for await (const entry of store.list(eventPrefix(journal))) {
      expected++;
      const { turn, filler } = decodeRecord(entry, (json) => json as { turn: number; filler: string });
      assertEquals([turn, filler.length], [expected, expected * 37 % 20_000]);
    }
    lasts.push(expected);
  }
  const [head] = await store.get([runKey("r")]);
  const said = Number(new TextDecoder().decode(head?.value));
  assertEquals(lasts, [said, said]);
  return said;
}
