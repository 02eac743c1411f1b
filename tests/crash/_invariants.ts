/**
 * The invariants, by their numbers, over what a store holds and what processes said they did. Owns: what each means in
 * terms of records. It judges from the outside: it uses the engine's fold, which is the definition of a run's state,
 * and none of the code that decides, writes or claims.
 */
import { sha256 } from "../../engine/base/hash.ts";
import type { JournalRecord, RunEvent } from "../../engine/run/event.ts";
import { foldEvent, foldRecord, newRun } from "../../engine/run/fold.ts";
import { fromSnapshot, takeSnapshot } from "../../engine/run/snapshot.ts";
import { illegal, type Run } from "../../engine/run/state.ts";
import { idleUntil } from "../../engine/run/timers.ts";
import { runLabel, stepLabel } from "../../engine/run/words/label.ts";
import type { Store } from "../../engine/store/store.ts";
import { narrate } from "../../engine/wire/narrate.ts";
import { headOf, liveRun } from "../../engine/work/commit/live_run.ts";
import type { Line } from "./matrix/evidence.ts";
import { type Left, type LeftRun, readLeft } from "./matrix/left.ts";

/** The state of a run after each of its records; `before` each event, as far as the journal can be folded. */
function replayed(
  id: string,
  { plan, journal }: LeftRun,
  before: (run: Run, event: RunEvent, record: JournalRecord) => void = () => {},
): Run {
  const run = newRun(id, plan);
  for (const record of journal) {
    run.seq = record.seq;
    for (const event of record.events) {
      before(run, event, record);
      foldEvent(run, event, record.at);
    }
  }
  return run;
}

type Check = (id: string, left: LeftRun, lines: readonly Line[]) => Iterable<string>;
const same = (a: unknown, b: unknown) => canonical(a) === canonical(b);
const canonical = (value: unknown) =>
  JSON.stringify(
    value,
    (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => a < b ? -1 : 1))
        : part,
  );

/** fold(journal) = snapshot + tail, and the head says the same; the journal has no gap. */
function* S1(id: string, left: LeftRun): Iterable<string> {
  const { plan, journal, snapshot, head } = left;
  for (const [i, { seq }] of journal.entries()) if (seq !== i + 1) yield `record ${i + 1} has number ${seq}`;
  const whole = replayed(id, left);
  if (snapshot !== undefined) {
    const run = fromSnapshot(id, plan, snapshot.state);
    for (const record of journal.filter(({ seq }) => seq > snapshot.seq)) foldRecord(run, record);
    if (!same(takeSnapshot(run), takeSnapshot(whole))) {
      yield `snapshot ${snapshot.seq} and tail are not the journal`;
    }
  }
  const { phase, intent, outcome, endedAt } = headOf(liveRun(head, whole, head.epoch ?? 0));
  // An adoption changes no head, and a suspended run is its queued head's word.
  if (!same({ phase, intent, outcome, endedAt }, pick(head))) {
    yield `the head says ${canonical(pick(head))}, the journal ${
      canonical({ phase, intent, outcome, endedAt })
    }`;
  }
}

const pick = ({ phase, intent, outcome, endedAt }: LeftRun["head"]) => ({ phase, intent, outcome, endedAt });

/** Every vector is legal and has one label. */
function* S2(id: string, left: LeftRun): Iterable<string> {
  const found = new Set<string>();
  const look = (run: Run) => {
    const wrong = illegal(run);
    if (wrong !== undefined) found.add(wrong);
    if (typeof runLabel(run) !== "string") found.add("the run has no label");
    for (const step of run.steps.values()) if (typeof stepLabel(step) !== "string") found.add("no label");
  };
  look(replayed(id, left, look));
  yield* found;
}

const ENDS = ["step.succeeded", "step.failed", "step.cancelled", "step.declined"];
const ENDS_ATTEMPT = new Set([...ENDS, "step.retried"]);
const ENDS_STEP = new Set([...ENDS, "step.supplied"]);

/** Attempt, step and run end once; only a reopening opens again. Told by the events and the plan alone. */
function* S3(_: string, { journal, plan }: LeftRun): Iterable<string> {
  let over = false;
  const ended = new Map<string, boolean>();
  /** Which steps had ended at the end of each record, for a run that goes back to one. */
  const then = new Map<number, Map<string, boolean>>();
  const attempts = new Set<string>();
  let last = 0;
  for (
    const { seq, event } of journal.flatMap(({ seq, events }) => events.map((event) => ({ seq, event })))
  ) {
    if (seq !== last) then.set(last, new Map(ended));
    last = seq;
    if (event.type === "run.restored") {
      over = false;
      ended.clear();
      for (const [step, well] of then.get(event.seq) ?? []) ended.set(step, well);
      continue;
    }
    if (event.type === "run.reopened") {
      over = false;
      const again = new Set(event.from ?? [...ended].flatMap(([step, well]) => well ? [] : [step]));
      for (const { cell, needs } of plan.steps) {
        if (needs.some((need) => again.has(need.cell))) again.add(cell);
      }
      for (const step of again) ended.delete(step);
      continue;
    }
    if (
      over && event.type !== "run.changed" && event.type !== "run.marked"
    ) yield `${event.type} after the end of the run`;
    if (event.type === "run.ended") over = true;
    if (!("step" in event)) continue;
    // What became of what was sent may be found out, and be undone, after that.
    if (event.type.startsWith("effect.") && event.type !== "effect.intended") continue;
    if (ended.has(event.step)) yield `${event.type} after the end of ${event.step}`;
    if (ENDS_STEP.has(event.type)) ended.set(event.step, !/failed|cancelled|declined/.test(event.type));
    if (!ENDS_ATTEMPT.has(event.type) || !("attempt" in event) || event.attempt === 0) continue;
    const name = `${event.step}#${event.attempt}`;
    if (attempts.has(name)) yield `${event.type} ends ${name} again`;
    attempts.add(name);
  }
}

/** No step runs before what it needs has settled. */
function* S4(id: string, left: LeftRun): Iterable<string> {
  const found: string[] = [];
  replayed(id, left, (run, event) => {
    if (event.type !== "step.started") return;
    const { plan, join } = run.steps.get(event.step)!;
    if (plan.join !== undefined && join !== "met") {
      found.push(`${event.step} started before its join had settled`);
    }
    for (const { cell, join } of plan.needs) {
      if (!join && run.steps.get(cell)?.phase !== "ended") {
        found.push(`${event.step} started before ${cell} had ended`);
      }
    }
  });
  yield* found;
}

/** A join settles once, until its step is opened again. */
function* S6(id: string, left: LeftRun): Iterable<string> {
  const found: string[] = [];
  const settled = new Set<string>();
  replayed(id, left, (_, event) => {
    if (event.type === "run.reopened" || event.type === "run.restored") settled.clear();
    if (event.type !== "join.settled") return;
    if (settled.has(event.step)) found.push(`the join of ${event.step} settled again`);
    settled.add(event.step);
  });
  yield* found;
}

/** While a run is active its writer changes only by an adoption; and lease numbers only grow, as seen by their owners. */
function* L1(id: string, left: LeftRun): Iterable<string> {
  const found: string[] = [];
  let last: JournalRecord | undefined;
  replayed(id, left, (run, event, record) => {
    if (record === last) return;
    const [before, other] = [last, last?.session !== record.session || last?.epoch !== record.epoch];
    last = record;
    if (before === undefined || !other || run.phase !== "active" || event.type === "run.adopted") return;
    found.push(
      `record ${record.seq} is by ${record.session}@${record.epoch}, amid those of ${before.session}@${before.epoch}`,
    );
  });
  yield* found;
}

/** Epochs only grow: of a session in the journal, and of a lease. */
function* L2(id: string, { journal, lease }: LeftRun, lines: readonly Line[]): Iterable<string> {
  const epochs = new Map<string, number>();
  for (const { session, epoch, seq } of journal) {
    // A session whose record was deleted, by itself or by who took its place, begins at 1 again.
    if (epoch < (epochs.get(session) ?? 0) && epoch !== 1) {
      yield `record ${seq} goes back to epoch ${epoch} of ${session}`;
    }
    epochs.set(session, epoch);
  }
  const leased = lines.flatMap((line) => line.at === "leased" && line.run === id ? [line.epoch] : []);
  if (new Set(leased).size < leased.length) yield `two owners have one number: ${leased}`;
  if (lease !== undefined && leased.length > 0 && lease.epoch < Math.max(...leased)) {
    yield `the lease has ${lease.epoch} after ${Math.max(...leased)}`;
  }
}

/** Nothing starts when its session's time is over. */
function* L4(id: string, _: LeftRun, lines: readonly Line[]): Iterable<string> {
  for (const line of lines) {
    if (line.at === "ran" && line.run === id && line.late) {
      yield `${line.step}#${line.attempt} began too late`;
    }
  }
}

/** What was answered is in the journal, once. */
function* C1(id: string, left: LeftRun, lines: readonly Line[]): Iterable<string> {
  const events = left.journal.flatMap(({ events }) => events);
  for (const line of lines) {
    if (line.at !== "commanded" || line.run !== id) continue;
    if (left.answers.get(line.command)?.state !== "applied") yield `${line.type} has no answer`;
    if (line.type === "retryStep" && !events.some(({ type }) => type === "step.woken")) {
      yield "retryStep has no event";
    }
    if (line.type === "retryStep" || line.type === "cancelStep") continue;
    const own = events.filter((event) =>
      event.type === "signal.received"
        ? event.signal.source === line.key
        : "by" in event && event.by === line.key
    );
    if (own.length !== 1) yield `${line.type} has ${own.length} events`;
  }
}

/** A cell's code ran only after its start was durable, as often as it says; a watcher was told only what is durable. */
function* C2(id: string, left: LeftRun, lines: readonly Line[]): Iterable<string> {
  const begun = new Map<string, number>();
  for (const { session, epoch, events } of left.journal) {
    for (const event of events) {
      // One that finds what it waits for there keeps its slot and is called again.
      const atOnce = event.type === "step.resumed" && event.frames !== undefined;
      if (event.type !== "step.started" && event.type !== "step.continued" && !atOnce) continue;
      const by = "on" in event && event.on !== undefined ? event.on : { worker: session, epoch };
      const name = `${event.step}#${event.attempt} under ${by.worker}@${by.epoch}`;
      begun.set(name, (begun.get(name) ?? 0) + 1);
    }
  }
  const narrated = new Set<string>();
  const run = newRun(id, left.plan);
  for (const record of left.journal) {
    for (const { seq, n, type } of narrate(run, record).flat()) narrated.add(`${seq}.${n} ${type}`);
  }
  for (const line of lines) {
    if (!("run" in line) || line.run !== id) continue;
    if (line.at === "ran") {
      const name = `${line.step}#${line.attempt} under ${line.session}@${line.epoch}`;
      const times = begun.get(name) ?? 0;
      if (times === 0) yield `${name} ran, and no record says so`;
      begun.set(name, times - 1);
    } else if (line.at === "event") {
      const name = `${line.seq}.${line.n} ${line.type}`;
      if (!narrated.has(name)) yield `a watcher was told ${name}, and no record says so`;
    } else if (line.at === "frame") {
      const batches = left.frames.get(`${line.step} ${line.attempt}`) ?? [];
      if (batches.some(({ frames }) => frames.some(({ seq }) => seq === line.seq))) continue;
      yield `a watcher was told frame ${line.seq} of ${line.step}#${line.attempt}, and no record has it`;
    }
  }
}

/** No timer fires early. */
function* T1(id: string, left: LeftRun): Iterable<string> {
  const found: string[] = [];
  const early = (what: string, due: number | undefined, at: number) => {
    if (due !== undefined && due > at) found.push(`${what} ${due - at} ms too early`);
  };
  replayed(id, left, (run, event, { at }) => {
    if (event.type === "run.started") early("the run began", run.startAt, at);
    if (event.type === "run.expiring") early("the run expired", run.deadline, at);
    const step = "step" in event ? run.steps.get(event.step) : undefined;
    if (event.type === "step.started" || event.type === "step.continued") {
      early(`${event.step} went on`, step?.due, at);
    }
    if (event.type === "step.woken" && step?.phase === "suspended") early(`${event.step} woke`, step.due, at);
  });
  yield* found;
}

/** Frames of an attempt are 1, 2, 3 and so on, and as many as the event that ended it says. */
function* T2(_: string, { journal, frames }: LeftRun): Iterable<string> {
  const counted = new Map<string, number>();
  for (const event of journal.flatMap(({ events }) => events)) {
    if (!ENDS_ATTEMPT.has(event.type) || !("frames" in event)) continue;
    if (event.type === "step.failed" && event.problem.code === "recovery_limit") continue;
    if (event.attempt > 0 && event.frames !== undefined) {
      counted.set(`${event.step} ${event.attempt}`, event.frames);
    }
  }
  for (const [name, batches] of frames) {
    const seqs = batches.flatMap(({ frames }) => frames.map(({ seq }) => seq));
    const wrong = seqs.find((seq, i) => seq !== i + 1);
    if (wrong !== undefined) yield `the frames of ${name} are ${seqs}`;
    for (const { key, frames } of batches) {
      if (frames.at(-1)?.seq !== key.at(-1)) {
        yield `a batch of ${name} is not under the number of its last frame`;
      }
    }
  }
  for (const [name, count] of counted) {
    const there = frames.get(name)?.flatMap(({ frames }) => frames).length ?? 0;
    if (there !== count) yield `${name} ended after frame ${count} and has ${there}`;
  }
}

/** A run that has not ended is owned, or in exactly one of the queue and the timers, or waits for a command alone. */
function* Q1(id: string, left: LeftRun): Iterable<string> {
  const { lease, ready, timers, journal } = left;
  const run = replayed(id, left);
  const places = (lease === undefined ? 0 : 1) + ready.length + timers.length;
  if (run.phase === "ended") {
    // A lease of its own: somebody has claimed it for what it is told.
    if (ready.length + timers.length > 0) yield "it has ended and may be claimed";
  } else if (places > 1) yield `it is in ${places} places`;
  else if (places === 0 && idleUntil(run, journal.at(-1)!.at) !== Infinity) {
    yield "nobody owns it or will find it";
  } else if (timers.length === 1 && Number(timers[0]![1]) > idleUntil(run, journal.at(-1)!.at)) {
    yield "its timer is too late";
  }
}

/** Slots of quotas are those of open attempts, and each is told of twice alike. */
function* Q2(id: string, left: LeftRun): Iterable<string> {
  const { slots, holders } = left;
  if (!same(slots.toSorted(), holders.toSorted())) {
    yield `slots ${slots} are not those of its holders ${holders}`;
  }
  const run = replayed(id, left);
  const open = [...run.open].map((name) => `${name}#${run.steps.get(name)!.attempts}`);
  for (const slot of slots) {
    if (!open.includes(slot.split(" ")[1]!)) yield `${slot} holds a slot and is not at work`;
  }
}

/** Nothing was sent but what was durable as intended before, as often as the journal says that it is sent. */
function* E1(id: string, { journal }: LeftRun, lines: readonly Line[]): Iterable<string> {
  const keys = new Map<string, string>();
  const allowed = new Map<string, number>();
  const allow = (key: string) => allowed.set(key, (allowed.get(key) ?? 0) + 1);
  for (const event of journal.flatMap(({ events }) => events)) {
    if (event.type === "effect.intended") {
      keys.set(event.effect, event.key);
      allow(event.key);
    } else if (event.type.startsWith("effect.")) {
      const { effect } = event as { effect: string };
      if (!keys.has(effect)) yield `${event.type} of ${effect}, which was not intended`;
      else if (event.type === "effect.noted" && event.resend === "sent") allow(keys.get(effect)!);
    }
  }
  for (const line of lines) {
    if (line.at !== "acted" || line.run !== id) continue;
    const left = allowed.get(line.key) ?? 0;
    if (left === 0) yield `${line.step} sent ${line.key}, and no record says so`;
    allowed.set(line.key, left - 1);
  }
}

/** What may have happened is intended or sent again only if it is known not to have, or is declared safe, or asked for. */
function* E2(_: string, { journal }: LeftRun): Iterable<string> {
  interface Known {
    effect: string;
    open: boolean;
    again: boolean;
    asked: boolean;
  }
  const byKey = new Map<string, Known>();
  const byEffect = new Map<string, Known>();
  for (const event of journal.flatMap(({ events }) => events)) {
    if (event.type === "effect.intended") {
      const { key, effect, again = false } = event;
      if (byKey.get(key)?.open) yield `${key} is intended again, and may have happened`;
      const known = { effect, open: true, again, asked: false };
      byKey.set(key, known);
      byEffect.set(effect, known);
      continue;
    }
    const known = "effect" in event ? byEffect.get(event.effect as string) : undefined;
    if (known === undefined) continue;
    if (event.type === "effect.failed") known.open = false;
    if (event.type !== "effect.noted" || event.resend === undefined) continue;
    if (event.resend === "asked") known.asked = true;
    else if (!known.again && !known.asked) {
      yield `${known.effect} is sent again, and nobody said that it may be`;
    } else known.asked = false;
  }
}

/** What is set aside in shared budgets is by open attempts, and what is settled there is what the run has spent. */
function* E4(id: string, left: LeftRun): Iterable<string> {
  const run = replayed(id, left);
  const open = [...run.open].map((name) => `${name}#${run.steps.get(name)!.attempts}`);
  for (const name of left.aside) {
    if (!open.includes(name)) yield `${name} has set something aside and is not at work`;
  }
  // What was lost between the run's own budget and the ledger counts as called in the run alone: it errs on that side.
  const lost = [...run.steps.values()].reduce((sum, { uncounted }) => sum + uncounted, 0);
  const short = run.spent.calls - left.settled;
  if (left.settled > 0 && run.phase === "ended" && (short < 0 || short > lost)) {
    yield `${left.settled} calls are settled, and the run has spent ${run.spent.calls}`;
  }
}

const CHECKS: Record<string, Check> = { S1, S2, S3, S4, S6, L1, L2, L4, C1, C2, T1, T2, Q1, Q2, E1, E2, E4 };

/** Every breach of an invariant, each with its number. */
export async function breaches(store: Store, lines: readonly Line[], folder?: string): Promise<string[]> {
  const left = await readLeft(store, folder);
  const found = [...left.missing.map((what) => `C3 ${what}`), ...await overall(left, lines)];
  for (const [id, run] of left.runs) {
    for (const [number, check] of Object.entries(CHECKS)) {
      try {
        for (const what of check(id, run, lines)) found.push(`${number} ${run.head.notebook}: ${what}`);
      } catch (error) {
        found.push(`${number} ${run.head.notebook} cannot be judged: ${(error as Error).message}`);
      }
    }
  }
  return found;
}

/**
 * What concerns no run alone: that every answered submission is there (C1), that nothing was done for a run that is not
 * (C2), and that a refusal left nothing (L3).
 */
async function overall(left: Left, lines: readonly Line[]): Promise<string[]> {
  const found: string[] = [];
  for (const line of lines) {
    if (line.at === "submitted" && !left.runs.has(line.run)) {
      found.push(`C1 ${line.run} was answered and is not there`);
    }
    if ((line.at === "ran" || line.at === "event") && !left.runs.has(line.run)) {
      found.push(`C2 ${line.at} of ${line.run}, which is not there`);
    }
    if (line.at !== "refused") continue;
    const value = await left.bytes(line.key);
    if (value !== undefined && sha256(value) === line.hash) {
      found.push(`L3 what was refused is there: ${line.key.join("/")}`);
    }
  }
  return found;
}
