/**
 * Where each record lives. Owns: every key of the store; no other file spells one.
 * Never: what the records hold.
 *
 * A prefix function gives what `Store.list` walks. Numbers in keys sort as numbers.
 */
import { EngineError } from "../base/errors.ts";
import type { Key } from "./store.ts";

/** A worker's session, rewritten by each of its commits. */
export const sessionKey = (worker: string): Key => ["session", worker];
/** All sessions. */
export const sessionPrefix: Key = ["session"];

/** Which session owns a run; changed on claim, adoption and release. */
export const leaseKey = (run: string): Key => ["lease", run];
/** All leases. */
export const leasePrefix: Key = ["lease"];

/** A run's head: what a list shows of it, and what claims it. */
export const runKey = (run: string): Key => ["run", run];
/** All heads, by run id, which is the order of their making. */
export const runPrefix: Key = ["run"];

/** One journal record; never rewritten. */
export const eventKey = (run: string, seq: number): Key => ["event", run, seq];
/** A run's journal, by seq. */
export const eventPrefix = (run: string): Key => ["event", run];

/** Frames of one attempt that became durable together; `seq` is that of the last. */
export const frameKey = (run: string, cell: string, attempt: number, seq: number): Key => [
  "frame",
  run,
  cell,
  attempt,
  seq,
];
/** Frames of a run, of one of its cells, or of one attempt. */
export const framePrefix = (run: string, cell?: string, attempt?: number): Key => {
  if (cell === undefined) return ["frame", run];
  return attempt === undefined ? ["frame", run, cell] : ["frame", run, cell, attempt];
};

/** A command to a run. `id` sorts by time. */
export const inboxKey = (run: string, id: string): Key => ["in", run, id];
/** Commands to one run in the order of their ids, or, without `run`, to all. */
export const inboxPrefix = (run?: string): Key => run === undefined ? ["in"] : ["in", run];

/** The lane of runs for which nobody names one; it is there without a record. */
export const LANE = "default";

/** What holds for the runs of a lane. */
export const laneKey = (lane: string): Key => ["lane", lane];
/** All lanes that somebody has made. */
export const lanePrefix: Key = ["lane"];
/** Rewritten by each claim in a lane that has a limit, so that of several that count its runs one wins. */
export const laneGateKey = (lane: string): Key => ["gate", lane];

/**
 * A step that wants what its run's owner lacks, by the set of what it wants and in the order of ranks.
 * `set` is a name for that set.
 */
export const offerKey = (set: string, rank: number, run: string, step: string): Key => [
  "offer",
  set,
  rank,
  run,
  step,
];
/** Offers of a set, those that come first at the front, or, without `set`, all. */
export const offerPrefix = (set?: string): Key => set === undefined ? ["offer"] : ["offer", set];
/** A set that something was offered for. */
export const offerSetKey = (set: string): Key => ["offers", set];
/** All such sets. */
export const offerSetPrefix: Key = ["offers"];
/** Which session runs an attempt for the owner of its run. */
export const stepLeaseKey = (run: string, step: string): Key => ["steplease", run, step];
/** Those of a run, or, without `run`, of all. */
export const stepLeasePrefix = (run?: string): Key => run === undefined ? ["steplease"] : ["steplease", run];
/** That such an attempt is to end. */
export const stepStopKey = (run: string, step: string): Key => ["stepstop", run, step];
/** Those of a run. */
export const stepStopPrefix = (run: string): Key => ["stepstop", run];

/** What a worker offers, for as long as its session lasts. */
export const workerKey = (worker: string): Key => ["worker", worker];
/** All workers that have a session, and those whose session has ended without them. */
export const workerPrefix: Key = ["worker"];

/** A run that may be claimed; lower `rank` first. */
export const readyKey = (lane: string, rank: number, run: string): Key => ["ready", lane, rank, run];
/** What may be claimed in a lane, in order, or, without `lane`, in all. */
export const readyPrefix = (lane?: string): Key => lane === undefined ? ["ready"] : ["ready", lane];

/** A run that nobody owns and that has something to do from `due` on, epoch ms. */
export const timerKey = (due: number, run: string): Key => ["timer", due, run];
/** Runs that wait for the clock, the earliest first. */
export const timerPrefix: Key = ["timer"];

/** What became of a command to a run. */
export const answerKey = (run: string, command: string): Key => ["answer", run, command];
/** Answers to the commands of a run, or, without `run`, of all. */
export const answerPrefix = (run?: string): Key => run === undefined ? ["answer"] : ["answer", run];

/** One waitpoint of a run; it stays when the waitpoint is closed, and an approval's when its run is gone. */
export const waitpointKey = (run: string, id: string): Key => ["waitpoint", run, id];
/** Waitpoints of a run, or, without `run`, of all. */
export const waitpointPrefix = (run?: string): Key => run === undefined ? ["waitpoint"] : ["waitpoint", run];
/** A waitpoint that is open, by what it waits for. */
export const openWaitpointKey = (wait: string, createdAt: number, id: string): Key => [
  "waiting",
  wait,
  createdAt,
  id,
];
/** Open waitpoints that wait for one thing, oldest first. */
export const openWaitpointPrefix = (wait: string): Key => ["waiting", wait];

/** An entry of an effect: by the number of the journal record that names it, and its place there. */
export const effectKey = (effect: string, seq: number, n: number): Key => ["effect", effect, seq, n];
/** Entries of an effect, oldest first. */
export const effectPrefix = (effect: string): Key => ["effect", effect];
/** What a list of effects is of: a run, a notebook, or all; or those of which nobody knows whether they happened. */
export type EffectList = { run: string } | { notebook: string } | "all" | "in-doubt";
/** Effects of a list, by id, which is the order of their making. */
export const effectsPrefix = (of: EffectList): Key =>
  typeof of === "string"
    ? ["effects", of]
    : "run" in of
    ? ["effects", "run", of.run]
    : ["effects", "notebook", of.notebook];
/** The place of an effect in a list. */
export const effectsKey = (of: EffectList, effect: string): Key => [...effectsPrefix(of), effect];

/** The state of a run at some record of its journal. */
export const snapshotKey = (run: string): Key => ["snapshot", run];
/** All snapshots. */
export const snapshotPrefix: Key = ["snapshot"];

/** Index of runs by their notebook and time; walk it in reverse for newest first. */
export const byNotebookKey = (notebook: string, createdAt: number, run: string): Key => [
  "index",
  "notebook",
  notebook,
  createdAt,
  run,
];
/** Runs of a notebook, oldest first. */
export const byNotebookPrefix = (notebook: string): Key => ["index", "notebook", notebook];

/** Index of all runs by time. */
export const byTimeKey = (createdAt: number, run: string): Key => ["index", "time", createdAt, run];
/** All runs, oldest first. */
export const byTimePrefix: Key = ["index", "time"];
/** All places of runs in lists. */
export const indexPrefix: Key = ["index"];

/** The last value that a cell of a notebook had. */
export const pastKey = (notebook: string, cell: string): Key => ["past", notebook, cell];
/** Last values of a notebook, by cell, or, without `notebook`, of all. */
export const pastPrefix = (notebook?: string): Key => notebook === undefined ? ["past"] : ["past", notebook];

/** What the request of a name made, by the day on which it was asked for. */
export const requestKey = (day: number, name: string): Key => ["request", day, name];
/** Names of requests, the oldest first. */
export const requestPrefix: Key = ["request"];

/** That a run is kept whatever its age. */
export const pinKey = (run: string): Key => ["pin", run];
/** All pins. */
export const pinPrefix: Key = ["pin"];

/** What is looked at again at a time, each kind in an order of its own so that none holds up another. */
export type DueClass = "frames" | "run" | "blob" | "version";
/** When something is looked at again: a run by its id, a manifest by its hash. */
export const dueKey = (what: DueClass, at: number, id: string): Key => ["due", what, at, id];
/** What is due of one kind, earliest first, or, without `what`, of all. */
export const duePrefix = (what?: DueClass): Key => what === undefined ? ["due"] : ["due", what];

/** That a run names the content of a hash. */
export const holdKey = (sha: string, run: string): Key => ["hold", sha, run];
/** Who names a content, or, without `sha`, all that is named. */
export const holdPrefix = (sha?: string): Key => sha === undefined ? ["hold"] : ["hold", sha];

/** Who does a duty that one worker at a time does. */
export const roleKey = (role: string): Key => ["role", role];

/** What a quota allows. */
export const quotaKey = (quota: string): Key => ["quota", quota];
/** All quotas that somebody has made. */
export const quotaPrefix: Key = ["quota"];
/** Rewritten by each admission under a quota, so that of two who have counted the same one wins. */
export const quotaGateKey = (quota: string): Key => ["quotagate", quota];
/** A slot of a quota that a step's open attempt holds. */
export const quotaSlotKey = (quota: string, run: string, step: string): Key => [
  "quotaslot",
  quota,
  run,
  step,
];
/** Slots of a quota that are held, or, without `quota`, of all. */
export const quotaSlotPrefix = (quota?: string): Key =>
  quota === undefined ? ["quotaslot"] : ["quotaslot", quota];
/** The same slot by its holder, for whoever takes a run over. */
export const quotaHolderKey = (run: string, step: string, quota: string): Key => [
  "quotaholder",
  run,
  step,
  quota,
];
/** Slots that a run's attempts hold, or, without `run`, all runs'. */
export const quotaHolderPrefix = (run?: string): Key =>
  run === undefined ? ["quotaholder"] : ["quotaholder", run];
/** That an attempt began under a quota, by its time. */
export const quotaUseKey = (quota: string, at: number, run: string, step: string): Key => [
  "quotause",
  quota,
  at,
  run,
  step,
];
/** What began under a quota, the earliest first; with `at`, where the walk goes on behind what was before it. */
export const quotaUsePrefix = (quota: string, at?: number): Key =>
  at === undefined ? ["quotause", quota] : ["quotause", quota, at];
/** A step that asked a quota and was refused, by the time at which it first did. */
export const quotaWaitKey = (quota: string, since: number, run: string, step: string): Key => [
  "quotawait",
  quota,
  since,
  run,
  step,
];
/** Steps that wait for a quota, the first to come first. */
export const quotaWaitPrefix = (quota: string): Key => ["quotawait", quota];

/** A budget that runs share. */
export const budgetKey = (budget: string): Key => ["budget", budget];
/** All budgets that somebody has made. */
export const budgetPrefix: Key = ["budget"];
/** What is settled of it; rewritten by whoever sets something aside, so that of two who have counted the same one wins. */
export const budgetSumKey = (budget: string): Key => ["ledger", budget];
/** What a call of an attempt has set aside, or used and the ledger has not taken yet. */
export const budgetEntryKey = (
  budget: string,
  run: string,
  step: string,
  attempt: number,
  n: number,
): Key => [
  "ledgerentry",
  budget,
  run,
  step,
  attempt,
  n,
];
/** Such entries of a budget. */
export const budgetEntryPrefix = (budget: string): Key => ["ledgerentry", budget];
/** The same by who has set it aside, for whoever takes a run over; gone once it is settled. */
export const budgetHolderKey = (
  run: string,
  step: string,
  attempt: number,
  n: number,
  budget: string,
): Key => [
  "ledgerholder",
  run,
  step,
  attempt,
  n,
  budget,
];
/** What a run's attempts have set aside. */
export const budgetHolderPrefix = (run: string): Key => ["ledgerholder", run];
/** A line of what the ledger has taken. */
export const budgetLogKey = (
  budget: string,
  at: number,
  run: string,
  step: string,
  attempt: number,
  n: number,
): Key => ["ledgerlog", budget, at, run, step, attempt, n];
/** Lines of a ledger, the oldest first. */
export const budgetLogPrefix = (budget: string): Key => ["ledgerlog", budget];
/** A step that a budget has no room for. */
export const budgetWaitKey = (
  budget: string,
  run: string,
  step: string,
): Key => ["budgetwait", budget, run, step];
/** Steps that wait for a budget. */
export const budgetWaitPrefix = (budget: string): Key => ["budgetwait", budget];
/** That something used outside was told of, by its key. */
export const budgetToldKey = (budget: string, key: string): Key => ["budgettold", budget, key];

/** Manifest of a notebook's text, by the text's hash. */
export const versionKey = (sha: string): Key => ["version", sha];
/** Manifest of a value, by the hash of its canonical JSON. */
export const blobKey = (sha: string): Key => ["blob", sha];
/** All manifests of texts, and of values. */
export const versionPrefix: Key = ["version"];
export const blobPrefix: Key = ["blob"];
/** A part of what a manifest names. */
export const chunkKey = (sha: string, index: number): Key => ["chunk", sha, index];

/** The id that a listed key ends with: a run's, a cell's or a command's. Throws `store_corrupt` if it is a number. */
export function lastText(key: Key): string {
  const last = key.at(-1);
  if (typeof last === "string") return last;
  throw new EngineError("store_corrupt", `A stored key does not end with a name: ${JSON.stringify(key)}`);
}
