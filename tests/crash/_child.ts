/**
 * A process with an engine on a store file, which dies where it is told to. Arguments: store path, log path, and
 * optionally a fault point and at which passing of it to die by SIGKILL.
 *
 * Runs one notebook of twelve cells to its end; a run found in the store is gone on with. Each call of a cell's code
 * is a line in the log, written before the cell returns, so that the log says what ran however the process ended.
 */
import { type FaultPoint, onFault } from "../../engine/base/faults.ts";
import { openStore } from "../../engine/store/open.ts";
import { ended, engineOf, notebookOf, ScriptedKind } from "../engine/work/_harness.ts";

const [path, log, point, passing = "1"] = Deno.args as [string, string, FaultPoint?, string?];

/** A layer of three, four times: fan-out, fan-in and a chain in one. */
export const CELLS: Record<string, string[]> = Object.fromEntries(
  Array.from({ length: 12 }, (_, i) => {
    const layer = Math.floor(i / 3);
    return [`c${i}`, layer === 0 ? [] : [0, 1, 2].map((k) => `c${(layer - 1) * 3 + k}`)];
  }),
);

if (import.meta.main) {
  const store = await openStore(path);
  let left = Number(passing);
  onFault((hit) => {
    if (hit === point && --left === 0) Deno.kill(Deno.pid, "SIGKILL");
  });
  const big = "x".repeat(20_000);
  const behaviour = Object.fromEntries(
    Object.keys(CELLS).map((name) => [name, async ({ emit, clock }: Parameters<ScriptedKind["run"]>[0]) => {
      Deno.writeTextFileSync(log, `${name}\n`, { append: true });
      for (let i = 0; i < 3; i++) {
        emit({ type: "text", text: `${name} says ${i}\n` });
        await clock.sleep(1);
      }
      return { type: "succeeded" as const, value: name === "c4" ? big : name };
    }]),
  );
  const engine = await engineOf(store.store, new ScriptedKind(behaviour));
  const known = (await engine.runs({}))[0]?.id;
  // With a key a run is made first and claimed then; without, both are one commit.
  const key = point === "claim.after" ? "k" : undefined;
  const run = known ??
    (await engine.submit({ notebook: "n", text: notebookOf(CELLS), author: "t", key })).run;
  const view = await ended(engine, run);
  await engine.close();
  await store.release();
  console.log(JSON.stringify(view));
}
