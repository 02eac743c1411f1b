/**
 * Which signals a step may take. Owns: that question. Pure.
 *
 * Y4 A signal to a waitpoint is for its step alone, and an approval or a child run is answered at its waitpoint alone: a
 * signal to the run cannot pass for one.
 */
import type { Run, Step } from "../state.ts";
import type { Signal, WaitKind } from "./types.ts";

/** Signals that nobody has taken and that count for a step, in their order, and `another` after them. */
export function offered(
  run: Run,
  step: Step,
  wait: WaitKind | undefined = step.suspension?.wait,
  another?: Signal,
): Signal[] {
  const { cell } = step.plan;
  const all = another === undefined ? run.signals ?? [] : [...run.signals ?? [], another];
  return all.filter((signal) => signal.step === undefined ? wait === "signal" : signal.step === cell);
}
