/**
 * Finding and claiming steps that others offer (EN-513, EN-1305). Owns: the order, and the step leases.
 *
 * L7 An attempt has one lease at a time: a claim checks that there is none, or that its session has ended.
 */
import { hit } from "../../base/faults.ts";
import type { Ids } from "../../base/ids.ts";
import { encodeRecord } from "../../store/codec.ts";
import {
  inboxKey,
  lastText,
  offerPrefix,
  offerSetPrefix,
  runKey,
  sessionKey,
  stepLeaseKey,
  workerKey,
} from "../../store/keys.ts";
import type { Check, Entry, Put, Store } from "../../store/store.ts";
import type { Committer } from "../commit/committer.ts";
import { headIn } from "../journal.ts";
import { readOffer, readOfferSet, readStepLease, readWorker } from "../records.ts";
import type { WorkerSession } from "../../run/state.ts";

/** An attempt that this worker has claimed, and the command that tells its run so. */
export interface Routed {
  run: string;
  step: string;
  attempt: number;
  command: string;
  /** Version of the lease. */
  version: string;
}

/** What claiming needs. */
export interface OfferClaimPorts {
  store: Store;
  ids: Ids;
  committer: Committer;
  session: WorkerSession;
  covers(requires: readonly string[]): boolean;
}

/** Offers that this worker can take, those of lowest rank first and equal ones in any order; at most so many. */
export async function findOffers(
  { store, ids, covers }: OfferClaimPorts,
  most: number,
): Promise<Entry[]> {
  const found: { entry: Entry; rank: number; lot: number }[] = [];
  for await (const entry of store.list(offerSetPrefix)) {
    // Only sets that it covers are read, so that what others are to do delays nothing here.
    if (!covers(readOfferSet(entry).requires)) continue;
    for await (const offer of store.list(offerPrefix(lastText(entry.key)), { limit: most })) {
      found.push({ entry: offer, rank: offer.key[2] as number, lot: ids.random() });
    }
  }
  found.sort((a, b) => a.rank - b.rank || a.lot - b.lot);
  return found.slice(0, most).map(({ entry }) => entry);
}

/** Claims one; nothing if another was faster or it is not to be had any more. */
export async function claimOffer(ports: OfferClaimPorts, offer: Entry): Promise<Routed | undefined> {
  const { store, ids, committer, session } = ports;
  const [, , , run, step] = offer.key as [string, string, number, string, string];
  const { attempt } = readOffer(offer);
  const key = stepLeaseKey(run, step);
  const [lease, head] = await store.get([key, runKey(run)]);
  const taken = { key: offer.key, version: offer.version };
  if (head === undefined || (headIn(head)?.phase ?? "ended") === "ended") {
    await committer.claim([taken], [], [offer.key]);
    return undefined;
  }
  if (lease !== undefined && await isAlive(store, readStepLease(lease))) return undefined;
  const command = ids.next("cmd");
  const puts: Put[] = [
    { key, value: encodeRecord({ ...session, attempt }) },
    {
      key: inboxKey(run, command),
      value: encodeRecord({ type: "routeAttempt", step, attempt, on: session }),
    },
  ];
  const checks: Check[] = [taken, { key, version: lease?.version ?? null }];
  if (await committer.claim(checks, puts, [offer.key]) !== "ok") return undefined;
  hit("route.claimed");
  const [own] = await store.get([key]);
  return own && { run, step, attempt, command, version: own.version };
}

/** Whether a session is still the one that a lease names. One that is only late is. */
export async function isAlive(store: Store, { worker, session }: WorkerSession): Promise<boolean> {
  const [held, own] = await store.get([sessionKey(worker), workerKey(worker)]);
  return held !== undefined && own !== undefined && readWorker(own).session === session;
}
