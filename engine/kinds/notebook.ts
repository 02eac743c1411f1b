/**
 * The kind `notebook`: a cell that is a run of another notebook (EN-810). Owns: what that run is asked for, and how its
 * end reads as the cell's. Never: making the run; that is `engine/work/children`.
 *
 * The value is that of the notebook's last cell, or, if nothing follows on several, an object of their values by name. The
 * cell fails as its run fails, with the same category; null where its time was over and `onTimeout` is `auto-resume`.
 */
import { isObject, type Json } from "../base/json.ts";
import type { StepProblem, Usage } from "../run/event.ts";
import type { ExpressionEvaluator } from "./agent/prompt.ts";
import { type Attempt, type ChildResult, failed, type Kind, type Outcome } from "./kind.ts";
import { filled } from "./wait/filled.ts";
import { timeoutOf } from "./wait/timeout.ts";

/** The kind, with the evaluator for its placeholders. */
export function notebookKind({ evaluator }: { evaluator: ExpressionEvaluator }): Kind {
  return {
    name: "notebook",
    title: "Notebook",
    description: "Runs another notebook",
    attempts: 1,
    async run(attempt) {
      const { signals, saved } = attempt;
      if (signals === undefined || !isObject(saved) || typeof saved.run !== "string") {
        return await begin(attempt, evaluator);
      }
      const own = signals.findLast(({ type }) => type !== undefined);
      if (own !== undefined) return { type: "succeeded", value: own.payload ?? null };
      const result = await attempt.children.result(saved.run);
      // Somebody has opened it again before this attempt saw its end.
      return result === undefined ? suspended(attempt, saved.run) : outcomeOf(attempt, saved.run, result);
    },
  };
}

async function begin(attempt: Attempt, evaluator: ExpressionEvaluator): Promise<Outcome> {
  const { header, name } = attempt.cell;
  if (typeof header.notebook !== "string") {
    return failed("invalid_input", `'${name}' does not say which notebook: add notebook: NAME`);
  }
  const params = await filled(header.params ?? {}, attempt, evaluator);
  if (!params.ok) return params.outcome;
  if (!isObject(params.value)) return failed("invalid_input", `'params' of '${name}' must be values by name`);
  const started = await attempt.children.start({ notebook: header.notebook, params: params.value });
  return started.ok ? suspended(attempt, started.run) : started.outcome;
}

function suspended({ cell }: Attempt, run: string): Outcome {
  const timeout = timeoutOf(cell, undefined);
  return {
    type: "suspended",
    wait: "children",
    condition: { type: "signal", name: run },
    saved: { run },
    ...(timeout === undefined ? {} : { timeout }),
  };
}

function outcomeOf({ cell }: Attempt, run: string, { outcome, value, problem, usage }: ChildResult): Outcome {
  const used: { usage?: Usage } = usage === undefined ? {} : { usage };
  if (outcome === "succeeded") return { type: "succeeded", value, ...used };
  if (outcome === "partial") {
    const message = `Not every cell of run ${run} succeeded`;
    return {
      type: "succeeded",
      value,
      ...used,
      warnings: [{ type: "quality", severity: "medium", message }],
    };
  }
  const why = problem === undefined ? `Run ${run} was ${outcome}` : problem.message;
  return {
    type: "failed",
    problem: {
      category: problem?.category ?? "refused",
      code: problem?.code ?? `child_${outcome}`,
      message: `${notebookOf(cell.header.notebook)}: ${why}`,
    } satisfies StepProblem,
    ...used,
  };
}

function notebookOf(name: Json | undefined): string {
  return typeof name === "string" ? name : "notebook";
}
