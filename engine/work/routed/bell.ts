/**
 * News between workers of one process that have the same store: what is offered, and that a run was told something.
 * Owns: who hears it. Others find the same by looking at the store now and then.
 */
/** Somebody who wants to hear. */
export interface Listener {
  /** A step is offered that requires this. */
  offered(requires: readonly string[]): void;
  /** Something was posted to a run. */
  posted(run: string): void;
}

const listeners = new WeakMap<object, Set<Listener>>();

/** Listens from now on; returns the function that ends it. */
export function listen(bell: object, listener: Listener): () => void {
  const all = listeners.get(bell) ?? new Set();
  listeners.set(bell, all.add(listener));
  return () => all.delete(listener);
}

/** Tells everybody who listens. */
export function tellAll(bell: object, tell: (listener: Listener) => void): void {
  for (const listener of listeners.get(bell) ?? []) tell(listener);
}
