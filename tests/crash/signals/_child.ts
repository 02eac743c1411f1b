/**
 * A process with an engine on a store file. Arguments: store path and log path.
 *
 * Runs one notebook of twelve cells to its end; a run found in the store is gone on with. Each call of a cell's code
 * is a line in the log, written before the cell returns, so that the log says what ran however the process ended.
 */
import { openStore } from "../../../engine/store/open.ts";
import { FAN } from "../matrix/scenarios.ts";
import { ended, engineOf, notebookOf, ScriptedKind } from "../../engine/work/_harness.ts";

const [path, log] = Deno.args as [string, string];

if (import.meta.main) {
  const store = await openStore(path);
  const big = "x".repeat(20_000);
  const behaviour = Object.fromEntries(
    Object.keys(FAN).map((name) => [name, async ({ emit, clock }: Parameters<ScriptedKind["run"]>[0]) => {
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
  const run = known ??
    (await engine.submit({ notebook: "n", text: notebookOf(FAN), author: "t" })).run;
  const view = await ended(engine, run);
  await engine.close();
  await store.release();
  console.log(JSON.stringify(view));
}
