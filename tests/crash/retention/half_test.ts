/** kill -9 of a process that deletes, on a real file: the next one finishes, and in between it is no run. */
import { assert, assertEquals } from "@std/assert";
import { artifacts as openArtifacts } from "../../../engine/artifacts/artifacts.ts";
import { byTimePrefix, lastText } from "../../../engine/store/keys.ts";
import { openStore } from "../../../engine/store/open.ts";
import type { Store } from "../../../engine/store/store.ts";
import { journals } from "../../../engine/work/journal.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { benchOf, keysWith, make } from "../../engine/work/upkeep/_harness.ts";

const PROCESS = new URL("./_process.ts", import.meta.url).pathname;

async function deleting(path: string, ...passing: string[]): Promise<Deno.CommandOutput> {
  const args = ["run", "-A", "--no-check", PROCESS, path, ...passing];
  return await new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).output();
}

async function inStore<T>(path: string, act: (store: Store) => Promise<T>): Promise<T> {
  const { store, release } = await openStore(path);
  try {
    return await act(store);
  } finally {
    await release();
  }
}

for (const passing of [1, 2, 4]) {
  Deno.test(`EN-1902 killed at retention.half, passing ${passing}: the next pass finishes, and in between it is no run`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "weft-retention-" });
    const path = `${folder}/weft.db`;
    try {
      await inStore(path, async (store) => {
        const clock = new ManualClock();
        const bench = await benchOf(store, clock, { keepRuns: 0, keepDays: 0, keepFramesDays: 0 });
        const at = clock.now();
        await make(bench, { id: "run_1", createdAt: at, endedAt: at, value: "x".repeat(9_000), frames: 700 });
        await make(bench, { id: "run_2", createdAt: at + 1, endedAt: at + 1, value: "x".repeat(9_000) });
      });
      assertEquals((await deleting(path, String(passing))).signal, "SIGKILL");
      await inStore(path, async (store) => {
        const read = journals(store, openArtifacts({ store }));
        assert((await keysWith(store, "run_1")).length > 0, "it was half way");
        assertEquals(await read.head("run_1"), undefined);
        const listed = (await Array.fromAsync(store.list(byTimePrefix))).map(({ key }) => lastText(key));
        assertEquals(listed, ["run_2"]);
        assertEquals((await read.load((await read.head("run_2"))!)).outcome, "succeeded");
      });
      const { signal, stdout } = await deleting(path);
      assertEquals(signal, null);
      assertEquals(JSON.parse(new TextDecoder().decode(stdout)).deleted, 2);
      await inStore(path, async (store) => {
        assertEquals([...await keysWith(store, "run_1"), ...await keysWith(store, "run_2")], []);
        assertEquals((await keysWith(store, '["due"')).length, 2, "value and text wait for their hour");
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
