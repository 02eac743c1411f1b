/**
 * Which contents a run names, and the records that say so. Owns: where in events and plans a hash can stand.
 *
 * C3 A hold is written in the commit that names the content, or before it; it goes with the run.
 */
import type { Plan, StoredValue } from "../../plan/types.ts";
import type { RunEvent } from "../../run/event.ts";
import { encodeRecord } from "../../store/codec.ts";
import { holdKey } from "../../store/keys.ts";
import type { Put, Store } from "../../store/store.ts";

/** Hashes that an event names. */
export function namesOfEvent(event: RunEvent): string[] {
  if (event.type === "run.queued") return [event.version, ...hashOf(event.plan), ...hashOf(event.params)];
  if ("value" in event) return hashOf(event.value);
  if ("items" in event) return hashOf(event.items);
  if (event.type === "signal.received") return hashOf(event.signal.payload);
  if (event.type === "effect.intended") return hashOf(event.parameters);
  if (event.type === "effect.done") return hashOf(event.result);
  const { saved, about, own } = event as {
    saved?: StoredValue;
    about?: StoredValue;
    own?: { payload?: StoredValue };
  };
  return [...hashOf(saved), ...hashOf(about), ...hashOf(own?.payload)];
}

/** Whether a holder is an effect, whose entries stay when its run has gone (EF-008). */
export function isEffect(holder: string): boolean {
  return holder.startsWith("eff_");
}

/** Hashes of the values that a plan has: taken from earlier runs, given by hand, or for when a cell fails. */
export function namesOfPlan({ steps }: Plan): string[] {
  return steps.flatMap(({ reuse, fallback }) => [...hashOf(reuse?.value), ...hashOf(fallback)]);
}

/** The hash by which a value is named, if it is. */
export function hashOf(value: StoredValue | undefined): string[] {
  return value !== undefined && "sha256" in value ? [value.sha256] : [];
}

/** The records that say so of a run, made at `createdAt`: one for each hash. */
export function holdsOf(run: string, names: Iterable<string>, createdAt: number): Put[] {
  const value = encodeRecord({ at: createdAt });
  return Array.from(new Set(names), (sha) => ({ key: holdKey(sha, run), value }));
}

/** Holds written in one operation. */
const HOLDS_A_WRITE = 500;

/**
 * Says of a run that is about to appear which values its plan has: ahead of it, because there may be more than fit the
 * operation that makes it appear. If it never does, they are found to have no run and go.
 */
export async function holdPlanned(
  store: Store,
  { id, createdAt }: { id: string; createdAt: number },
  plan: Plan,
): Promise<void> {
  const puts = holdsOf(id, namesOfPlan(plan), createdAt);
  for (let i = 0; i < puts.length; i += HOLDS_A_WRITE) {
    await store.submit(puts.slice(i, i + HOLDS_A_WRITE), []);
  }
}
