/**
 * Who works on a store, as whoever looks after it sees it (AP-1001, AP-1008 to AP-1010). Owns: putting that together from
 * sessions, registrations and leases, and ending a worker's session. Never: taking its runs up; whoever looks for
 * orphans does.
 */
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import {
  lastText,
  leasePrefix,
  sessionKey,
  sessionPrefix,
  workerKey,
  workerPrefix,
} from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { readSessionRecord } from "../../store/table/session_chain.ts";
import { readLease, readWorker } from "../records.ts";
import type { Worker } from "../worker.ts";
import type { Registration } from "./registration.ts";

const TTL_MS = 15_000;

/** A worker that has a session. */
export interface WorkerState extends Omit<Registration, "session"> {
  id: string;
  epoch: number;
  /** `expired`: it has been silent beyond its time, and its runs are about to be taken up by another. */
  label: "live" | "expired";
  /** Runs that it has. */
  runs: number;
  /** Attempts that it runs; known only of this process's own. */
  running?: number;
  /** By the store's clock, epoch ms. */
  expiresAt: number;
}

/** Whose a run is. */
export interface LeaseState {
  run: string;
  worker: string;
  epoch: number;
  lane?: string;
  /** When the owner's session ends unless it is renewed; absent: the session has ended. */
  expiresAt?: number;
}

/** What the front doors may ask. */
export interface Workers {
  /** By id. */
  list(): Promise<WorkerState[]>;
  /** Throws `worker_not_found`. */
  get(id: string): Promise<WorkerState>;
  /** Leases, those that expire first at the front; with `expired`, only those whose time is over. */
  leases(options?: { expired?: boolean; limit?: number }): Promise<LeaseState[]>;
  /**
   * Ends a worker's session, so that its runs are taken up anew, by another or by itself; what it runs counts as lost.
   * Throws `worker_not_found`.
   */
  end(id: string): Promise<void>;
}

/** What is needed for that. */
export interface WorkersPorts {
  store: Store;
  clock: Clock;
  worker?: Worker;
}

/** See {@link Workers}. */
export function openWorkers({ store, clock, worker }: WorkersPorts): Workers {
  const sessions = async () => {
    const found = new Map<string, { epoch: number; expiresAt: number }>();
    for await (const entry of store.list(sessionPrefix)) {
      found.set(lastText(entry.key), readSessionRecord(entry));
    }
    return found;
  };
  const list = async () => {
    const offers = new Map<string, Registration>();
    for await (const entry of store.list(workerPrefix)) offers.set(lastText(entry.key), readWorker(entry));
    const runs = new Map<string, number>();
    for await (const entry of store.list(leasePrefix)) {
      const { session } = readLease(entry);
      runs.set(session, (runs.get(session) ?? 0) + 1);
    }
    const now = clock.now();
    // Whoever has a session and no registration is no worker: it only writes something.
    return [...await sessions()].filter(([id]) => offers.has(id)).map(([id, { epoch, expiresAt }]) => {
      const { session: _, ...offer } = offers.get(id)!;
      return {
        id,
        epoch,
        label: expiresAt < now ? "expired" as const : "live" as const,
        ...offer,
        runs: runs.get(id) ?? 0,
        ...(worker?.id === id ? { running: worker.running } : {}),
        expiresAt,
      };
    });
  };
  const missing = (id: string) =>
    new EngineError("worker_not_found", `No worker has this id: ${id.slice(0, 60)}`);
  return {
    list,
    async get(id) {
      const found = (await list()).find((worker) => worker.id === id);
      if (found === undefined) throw missing(id);
      return found;
    },
    async leases({ expired = false, limit = 100 } = {}) {
      const alive = await sessions();
      const now = clock.now();
      const found: LeaseState[] = [];
      for await (const entry of store.list(leasePrefix)) {
        const { session, epoch, lane } = readLease(entry);
        const expiresAt = alive.get(session)?.expiresAt;
        if (expired && (expiresAt ?? 0) >= now) continue;
        found.push({
          run: lastText(entry.key),
          worker: session,
          epoch,
          ...(lane === undefined ? {} : { lane }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        });
      }
      return found.sort((a, b) => (a.expiresAt ?? 0) - (b.expiresAt ?? 0)).slice(0, limit);
    },
    async end(id) {
      const [session, offer] = await store.get([sessionKey(id), workerKey(id)]);
      if (session === undefined || offer === undefined) throw missing(id);
      if (worker?.id === id) return worker.giveUp();
      const taken = await store.openSession(id, TTL_MS, "");
      if (taken === undefined) return;
      await store.commit(taken, [], [], [workerKey(id)]);
      await store.closeSession(taken);
      worker?.lookForOrphans();
    },
  };
}
