/**
 * Named places where a process may die. Owns: their list and the one call that marks them.
 *
 * In production `hit` is an empty function. A crash test installs a handler before the engine starts, which
 * kills the process at the point under test; `FAULT_POINTS` lets it walk all of them.
 */

/** Every fault point, in the order in which a run passes them; the last four are of whoever comes, goes and clears up. */
export const FAULT_POINTS = [
  "submit.before",
  "submit.after",
  "claim.after",
  "attempt.started",
  "frame.flush",
  "artifact.written",
  "attempt.result",
  /** An attempt is about to give its slot back; what it saves is stored. */
  "suspend.opened",
  /** An attempt has its slots of its quotas, and has not begun. */
  "quota.taken",
  /** What a call may use is set aside, and the call is not made. */
  "budget.reserved",
  /** The run that a step is to wait for is there, and the step does not wait yet. */
  "child.submitted",
  /** What is to be sent is written down, and not sent; it was sent, and what came of it is not known here; that is durable. */
  "effect.intended",
  "effect.called",
  "effect.done",
  "commit.before",
  "commit.after",
  /** An attempt has given its slot back, and that is durable. */
  "suspend.released",
  /** So is when its step is tried again. */
  "retry.scheduled",
  /** Something is due, and nothing has been made of it. */
  "timer.fired",
  /** A posted command was taken up, and is not applied yet. */
  "command.accepted",
  /** Steps are listed for other workers; one has claimed a step; what came of it is in the inbox of its run. */
  "route.offered",
  "route.claimed",
  "route.reported",
  /** A signal was taken, and that is durable; whoever waits for it has not been called. */
  "signal.accepted",
  /** An item of a map has succeeded, and that is durable. */
  "map.item",
  /** A join has settled, and what runs on without need is not aborted yet. */
  "join.settled",
  /** A run has gone back to a checkpoint, and that is durable. */
  "restore.rewound",
  "snapshot.written",
  /** A run that was given back is about to leave memory. */
  "run.released",
  /** A dead worker's session is taken, and none of its runs. */
  "takeover.bumped",
  /** A worker that closes has aborted its attempts; and again: has given its runs back and still has its session. */
  "drain.half",
  "retention.half",
  /** Another secret signs from here on, and that is on disk. */
  "key.rotated",
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
