/**
 * What a run may use, before it begins (EN-209). Owns: the sum, and what is said of one that is over a limit. Pure.
 * Never: a guess where a price is not known; the sum is not known then.
 */
import { configProblem } from "../notebook/problem.ts";
import type { Limits } from "../notebook/spend/limits.ts";
import type { Cell, Problem } from "../notebook/types.ts";
import type { PlanInput } from "./plan.ts";
import type { Plan } from "./types.ts";

/** The sum over cells that are to run; absent if none of them uses what is counted. */
export function estimateOf(
  cells: readonly Cell[],
  { kinds, notebook }: Pick<PlanInput, "kinds" | "notebook">,
): Plan["estimate"] {
  let sum: Plan["estimate"];
  for (const cell of cells) {
    const one = kinds(cell.kind)?.estimate?.(cell, notebook.frontMatter);
    if (one === undefined) continue;
    const { tokens, usdMicros } = sum ?? { tokens: 0, usdMicros: 0 };
    const both = usdMicros !== null && one.usdMicros !== null;
    sum = { tokens: tokens + one.tokens, usdMicros: both ? usdMicros + one.usdMicros! : null };
  }
  return sum;
}

const usd = (micros: number) => (micros / 1_000_000).toFixed(2);

/** A problem `estimate_over_limit` for each limit that the estimate is over: an error if `strict`, else a warning. */
export function overLimit(
  estimate: Plan["estimate"],
  limits: Limits | undefined,
  { strict }: Pick<PlanInput, "strict">,
): Problem[] {
  const found: string[] = [];
  const { tokens, usdMicros } = limits ?? {};
  if (estimate !== undefined && tokens !== undefined && estimate.tokens > tokens) {
    found.push(`Estimated token usage (${estimate.tokens}) exceeds limit (${tokens})`);
  }
  if (usdMicros !== undefined && (estimate?.usdMicros ?? 0) > usdMicros) {
    found.push(`Estimated cost ($${usd(estimate!.usdMicros!)}) exceeds limit ($${usd(usdMicros)})`);
  }
  const severity = strict ? "error" : "warning";
  return found.map((message) =>
    configProblem("estimate_over_limit", { line: 1, column: 1 }, message, { severity })
  );
}
