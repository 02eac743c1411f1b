/** Engines with the kinds that wait, and an evaluator that only knows names. */
import type { Clock } from "../../../../engine/base/clock.ts";
import { systemClock } from "../../../../engine/base/clock.ts";
import { systemIds } from "../../../../engine/base/ids.ts";
import { noLog } from "../../../../engine/base/log.ts";
import type { ExpressionEvaluator } from "../../../../engine/kinds/agent/prompt.ts";
import { approvalKind } from "../../../../engine/kinds/approval.ts";
import type { Kind } from "../../../../engine/kinds/kind.ts";
import { waitKind } from "../../../../engine/kinds/wait.ts";
import { createEngine, type Engine } from "../../../../engine/mod.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { type Behaviour, happened, noFiles, ScriptedKind, soon } from "../_harness.ts";

const evaluator: ExpressionEvaluator = {
  evaluate: ({ expression, input }) => Promise.resolve({ ok: true, value: input[expression] ?? null }),
};

/** An engine that can wait. */
export async function waitingEngine(
  { store, clock = systemClock, behaviour = {} }: { store?: Store; clock?: Clock; behaviour?: Behaviour } =
    {},
): Promise<Engine> {
  const kinds = new Map<string, Kind>(
    [new ScriptedKind(behaviour), approvalKind({ evaluator }), waitKind({ evaluator })].map((
      kind,
    ) => [kind.name, kind]),
  );
  return await createEngine({
    store: store ?? memoryStore({ clock }),
    kinds,
    workspace: noFiles,
    clock,
    ids: systemIds(clock),
    log: noLog,
    worker: "w1",
  });
}

/** A notebook of one waiting cell, and one that reads it. */
export function waitingNotebook(kind: string, header: string): string {
  return "```ts draft\nreturn 1;\n```\n\n```" + kind + " ok\n" + header +
    "\n```\n\n```ts last\nreturn ok;\n```\n";
}

/** Starts such a notebook and waits until it waits. */
export async function suspendedRun(engine: Engine, kind: string, header: string, author = "rita") {
  const { run } = await engine.submit({ notebook: "n", text: waitingNotebook(kind, header), author });
  await soon(happened(engine, run, "step.suspended", "ok"));
  const [waitpoint] = await engine.waitpoints.list({ run });
  return { run, waitpoint: waitpoint! };
}
