/**
 * A run as whoever watches over it sees it: its owner, its plan, each of its steps. Owns: putting that together.
 * Never: what the run has put out; that is its journal, narrated.
 */
import type { Plan } from "../../plan/types.ts";
import type { Limits } from "../../notebook/spend/limits.ts";
import { type Amounts, nothing, type Scope, type Spent } from "../../run/spend/amounts.ts";
import type { Run } from "../../run/state.ts";
import { leaseKey, sessionKey } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { readSessionRecord } from "../../store/table/session_chain.ts";
import type { RunHead } from "../commit/live_run.ts";
import { readLease } from "../records.ts";
import { type RunState, stateOf, type StepState, stepStateOf } from "./explain.ts";

/** Who owns a run. */
export interface Lease {
  /** Id of the worker; absent if nobody has the run. */
  worker?: string;
  /** How often the run has changed owner. */
  epoch: number;
  /** When the owner's session ends unless it is renewed, by the store's clock, epoch ms. */
  expiresAt?: number;
}

/** What `Engine.inspect` says besides what a list says. */
export interface Details {
  author: string;
  state: RunState;
  /** Times it was restarted. */
  restarts: number;
  plan: Plan;
  /** In run order. */
  steps: Record<string, StepState>;
  lease: Lease;
  /** What was used and is set aside, by the run and by each step that used anything. */
  usage: { run: ScopeUsage; steps: Record<string, ScopeUsage> };
}

/** One budget, and what of it is used. */
export interface ScopeUsage {
  limits?: Limits;
  settled: Spent;
  reserved: Amounts;
}

/** The details of a run. */
export async function detailsOf(store: Store, run: Run, head: RunHead): Promise<Details> {
  return {
    author: head.author,
    state: stateOf(run),
    restarts: run.restarts,
    plan: run.plan,
    steps: Object.fromEntries([...run.steps.keys()].map((name) => [name, stepStateOf(run, name)])),
    lease: await leaseOf(store, head),
    usage: usageOf(run),
  };
}

function usageOf(run: Run): Details["usage"] {
  const of = ({ limits, spent = nothing(), reserved = {} }: Scope): ScopeUsage => ({
    settled: { ...spent },
    reserved,
    ...(limits === undefined ? {} : { limits }),
  });
  const used = [...run.steps].filter(([, { spent, reserved, limits }]) => spent ?? reserved ?? limits);
  return { run: of(run), steps: Object.fromEntries(used.map(([name, step]) => [name, of(step)])) };
}

async function leaseOf(store: Store, { id, epoch = 0 }: RunHead): Promise<Lease> {
  const [entry] = await store.get([leaseKey(id)]);
  if (entry === undefined) return { epoch };
  const lease = readLease(entry);
  const [session] = await store.get([sessionKey(lease.session)]);
  return {
    worker: lease.session,
    epoch: lease.epoch,
    ...(session === undefined ? {} : { expiresAt: readSessionRecord(session).expiresAt }),
  };
}
