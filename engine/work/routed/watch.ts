/**
 * What becomes of attempts that are with other workers (EN-515). Owns: finding those that are lost, and telling those that
 * are to end. Done by the owner of their run, now and then.
 */
import type { RunCommand } from "../../run/command.ts";
import type { Run, Step } from "../../run/state.ts";
import { encodeRecord } from "../../store/codec.ts";
import { inboxPrefix, stepLeaseKey, stepStopKey } from "../../store/keys.ts";
import type { Key, Put, Store } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import { readStepLease } from "../records.ts";
import { isAlive } from "./claim_offers.ts";

/** What watching needs. */
export interface WatchPorts {
  store: Store;
  /** Tells the run, and deletes records with that. */
  tell(live: LiveRun, command: RunCommand, deletes: Key[]): void;
  /** Writes under the worker's session. */
  write(puts: Put[], deletes: Key[]): Promise<unknown>;
}

/** Looks after the attempts of one run that are away. */
export async function watchAway(ports: WatchPorts, live: LiveRun): Promise<void> {
  const { store, tell, write } = ports;
  const { run } = live;
  for (const name of [...run.away]) {
    const { attempts: attempt, away } = run.steps.get(name)!;
    const keys = [stepLeaseKey(run.id, name), stepStopKey(run.id, name)];
    const [entry, stop] = await store.get(keys);
    const lease = entry && readStepLease(entry);
    const lost = lease === undefined ? await isQuiet(store, run.id) : !await isAlive(store, lease);
    const now = run.steps.get(name)!;
    // What was said meanwhile has been heard.
    if (live.released || now.away !== away || now.attempts !== attempt) continue;
    if (lost) tell(live, { type: "loseAttempt", step: name, attempt, lost: true }, keys);
    else if (lease !== undefined && stop === undefined && isToEnd(run, now)) {
      await write([stopPut(run.id, name, attempt)], []);
    }
  }
}

/** Tells an attempt to end. */
export function stopPut(run: string, step: string, attempt: number): Put {
  return { key: stepStopKey(run, step), value: encodeRecord({ attempt }) };
}

/** A lease goes with the report, so that without one and without a report nobody will say anything any more. */
async function isQuiet(store: Store, run: string): Promise<boolean> {
  for await (const _ of store.list(inboxPrefix(run), { limit: 1 })) return false;
  return true;
}

function isToEnd({ intent }: Run, { told, skipped }: Step): boolean {
  return intent === "cancel" || told !== undefined || skipped === "not_needed";
}
