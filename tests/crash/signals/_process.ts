/**
 * A process with an engine on a store file, which closes in good order on SIGTERM. Arguments: store path, log path,
 * a session's time to live in ms, and what the cell c6 does at its first attempt: `holds` until it is aborted, or
 * `pauses` for 300 ms.
 *
 * As `_child.ts` otherwise: one notebook of twelve cells, a line in the log for each call.
 */
import { openStore } from "../../../engine/store/open.ts";
import type { Attempt, Outcome } from "../../../engine/kinds/kind.ts";
import { ended, engineOf, notebookOf, ScriptedKind, untilAborted } from "../../engine/work/_harness.ts";
import { FAN as CELLS } from "../matrix/scenarios.ts";

const [path, log, ttlMs, first] = Deno.args as [string, string, string, "holds" | "pauses"];

async function act(attempt: Attempt): Promise<Outcome> {
  const name = attempt.cell.name!;
  Deno.writeTextFileSync(log, `${name}#${attempt.attempt}\n`, { append: true });
  if (name === "c6" && attempt.attempt === 1) {
    if (first === "holds") return await untilAborted(attempt);
    attempt.emit({ type: "text", text: "before\n" });
    await attempt.clock.sleep(300);
    attempt.emit({ type: "text", text: "late\n" });
  } else attempt.emit({ type: "text", text: `${name}\n` });
  return { type: "succeeded", value: `${name}#${attempt.attempt}` };
}

const { store, release } = await openStore(path);
const kind = new ScriptedKind(Object.fromEntries(Object.keys(CELLS).map((name) => [name, act])));
const engine = await engineOf(store, kind, { sessionTtlMs: Number(ttlMs) });

async function leave(): Promise<void> {
  await engine.close();
  await release();
}

let told = false;
Deno.addSignalListener("SIGTERM", async () => {
  told = true;
  await leave();
  Deno.exit(0);
});

const known = (await engine.runs({}))[0]?.id;
const run = known ?? (await engine.submit({ notebook: "n", text: notebookOf(CELLS), author: "t" })).run;
try {
  const view = await ended(engine, run);
  await leave();
  console.log(JSON.stringify(view));
  Deno.exit(0);
} catch (error) {
  if (!told) throw error;
}
