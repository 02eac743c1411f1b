/**
 * Named places where a process may die. Owns: their list and the one call that marks them.
 *
 * In production `hit` is an empty function. A crash test installs a handler before the engine starts, which
 * kills the process at the point under test; `FAULT_POINTS` lets it walk all of them.
 */

/** Every fault point, in the order in which a run passes them; the last one after its end. */
export const FAULT_POINTS = [
  "submit.before",
  "submit.after",
  "claim.after",
  "attempt.started",
  "attempt.result",
  "commit.before",
  "commit.after",
  "frame.flush",
  "artifact.written",
  "retention.half",
] as const;

/** A place where a process may die. */
export type FaultPoint = typeof FAULT_POINTS[number];

const off: (point: FaultPoint) => void = () => {};
let handler = off;

/** Marks a fault point. Costs one call of an empty function unless a test installed a handler. */
export function hit(point: FaultPoint): void {
  handler(point);
}

/** Installs what a test does at each point; returns the function that removes it. */
export function onFault(handle: (point: FaultPoint) => void): () => void {
  handler = handle;
  return () => {
    handler = off;
  };
}
