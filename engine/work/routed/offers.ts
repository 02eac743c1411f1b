/**
 * Steps that a run's owner may not run itself, offered to other workers (EN-513, EN-1305). Owns: which of them are listed.
 * Never: who takes them (`claim_offers.ts`).
 *
 * What is listed follows from the run's state: its steps that are held for a capability while it may start them, for each
 * set at most as many as it may still have open. A new owner lists them all again.
 */
import type { Millis } from "../../base/clock.ts";
import { hit } from "../../base/faults.ts";
import type { Run } from "../../run/state.ts";
import { encodeRecord } from "../../store/codec.ts";
import { offerKey, offerSetKey } from "../../store/keys.ts";
import type { Key, Put } from "../../store/store.ts";
import { type LiveRun, rankOf } from "../commit/live_run.ts";
import { setOf } from "./set.ts";

/** Offers that a run has at a time. */
const MOST_OFFERS = 100;

/** What a run wants to have listed, by set: the steps in the order in which they were held. */
export function wantedOf(run: Run, covers: (requires: readonly string[]) => boolean): Map<string, string[]> {
  const bySet = new Map<string, string[]>();
  const room = run.plan.concurrency - run.open.size;
  if (run.phase === "ended" || run.intent !== "go" || run.halted || room <= 0) return bySet;
  for (const name of run.parked) {
    const { wait, plan: { requires } } = run.steps.get(name)!;
    if (wait !== "capability" || requires === undefined || covers(requires)) continue;
    const set = setOf(requires);
    const names = bySet.get(set);
    if (names === undefined) bySet.set(set, [name]);
    else if (names.length < room) names.push(name);
  }
  // So that sets which nobody serves leave room for the others.
  const most = Math.max(1, Math.floor(MOST_OFFERS / Math.max(1, bySet.size)));
  for (const [set, names] of bySet) bySet.set(set, names.slice(0, most));
  return bySet;
}

/** Steps that were held for what this worker has. */
export function heldForThis(run: Run, covers: (requires: readonly string[]) => boolean): string[] {
  return [...run.parked].filter((name) => {
    const { wait, plan: { requires } } = run.steps.get(name)!;
    return wait === "capability" && requires !== undefined && covers(requires);
  });
}

/** What listing needs. */
export interface OfferPorts {
  covers(requires: readonly string[]): boolean;
  /** Writes under the worker's session. */
  write(puts: Put[], deletes: Key[]): Promise<unknown>;
  /** A set is offered that was not, or once more. */
  offered(requires: readonly string[]): void;
}

/** Brings what is listed of a run in line with its state. Reads nothing; writes only where that changes. */
export async function listOffers(
  { covers, write, offered }: OfferPorts,
  live: LiveRun,
  now: Millis,
): Promise<void> {
  const { run, head } = live;
  const before = live.offers ?? new Map<string, Key>();
  const rank = rankOf({ ...head, priority: run.priority });
  const after = new Map<string, Key>();
  const puts: Put[] = [];
  const sets = new Map<string, string[]>();
  for (const [set, names] of wantedOf(run, covers)) {
    for (const name of names) {
      const step = run.steps.get(name)!;
      const key = offerKey(set, rank, run.id, name);
      const text = JSON.stringify(key);
      after.set(text, key);
      if (before.has(text)) continue;
      const attempt = step.attempt === "held" ? step.attempts : step.attempts + 1;
      puts.push({ key, value: encodeRecord({ attempt }) });
      sets.set(set, step.plan.requires!);
    }
  }
  const deletes = [...before].filter(([text]) => !after.has(text)).map(([, key]) => key);
  live.offers = after;
  if (puts.length === 0 && deletes.length === 0) return;
  live.offeredAt = now;
  for (const [set, requires] of sets) {
    puts.push({ key: offerSetKey(set), value: encodeRecord({ requires }) });
  }
  await write(puts, deletes);
  if (sets.size === 0) return;
  hit("route.offered");
  for (const requires of sets.values()) offered(requires);
}
