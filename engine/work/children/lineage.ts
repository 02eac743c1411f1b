/**
 * How deep runs may begin runs (EN-810). Owns: the limit, and that no notebook is run inside itself. Pure.
 */
import { EngineError } from "../../base/errors.ts";
import type { Lineage } from "../commit/live_run.ts";

/** Runs below a run that nobody's step has begun. */
export const MOST_DEPTH = 8;

/**
 * Where a run comes from that a step is about to begin.
 *
 * @param parent the run of the step
 * @throws {EngineError} `child_recursion` if the notebook is among those above it, `child_depth`
 *
 * @example
 * ```ts
 * const top = { id: "run_1", notebook: "all" };
 * const below = lineageOf(top, "a", "part");
 * if (below.above.join() !== "all") throw new Error("not below");
 * let code: unknown;
 * try {
 *   lineageOf({ id: "run_2", notebook: "part", parent: below }, "b", "all");
 * } catch (error) {
 *   code = (error as { code: unknown }).code;
 * }
 * if (code !== "child_recursion") throw new Error("a notebook inside itself");
 * ```
 */
export function lineageOf(
  parent: { id: string; notebook: string; parent?: Lineage },
  step: string,
  notebook: string,
): Lineage {
  const above = [...parent.parent?.above ?? [], parent.notebook];
  if (above.includes(notebook)) {
    const way = [...above.slice(above.indexOf(notebook)), notebook].join(" > ");
    throw new EngineError("child_recursion", `A notebook may not run itself: ${way}`);
  }
  if (above.length > MOST_DEPTH) {
    throw new EngineError(
      "child_depth",
      `Notebooks may run each other ${MOST_DEPTH} deep; ${notebook} would be at ${above.length}`,
    );
  }
  return { run: parent.id, step, above };
}
