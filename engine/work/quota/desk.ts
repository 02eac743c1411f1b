/**
 * Where a worker's attempts ask whether they may begin. Owns: taking slots, the order of those who wait, and waking them.
 *
 * Q2 An attempt has all slots of its quotas or none, by one operation that rests on what was counted (EN-1204); taking them
 * again is taking them once. Where no quota concerns an attempt, nothing is read or written.
 *
 * ```
 *   ask ─▶ count ─▶ room in all ──▶ take ──▶ begin
 *            ▲        └─ else wait: held until the window has room, or a slot is free here
 *            └── somebody was faster
 * ```
 */
import type { Clock, Millis } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { hit } from "../../base/faults.ts";
import type { Ids } from "../../base/ids.ts";
import { type Attempt, failed, type Outcome } from "../../kinds/kind.ts";
import { readQuotas } from "../../notebook/spend/quotas.ts";
import { freeAt } from "../../run/spend/window.ts";
import { encodeRecord } from "../../store/codec.ts";
import {
  quotaGateKey,
  quotaHolderKey,
  quotaPrefix,
  quotaSlotKey,
  quotaSlotPrefix,
  quotaUseKey,
  quotaUsePrefix,
  quotaWaitKey,
  quotaWaitPrefix,
} from "../../store/keys.ts";
import type { Key, Put, Store } from "../../store/store.ts";
import type { Committer } from "../commit/committer.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Journals } from "../journal.ts";
import { concerns, isRule, type Quota, readQuota, readSlot, readWait } from "./quota.ts";
import { slotKeys } from "./slots.ts";

/** How long what was read of the quotas holds. */
const FRESH_MS = 1_000;
/** How long a step waits for a slot of which nobody tells it. */
const ASK_AGAIN_MS = 10_000;
/** How long a step that should have come back keeps its place. */
const GRACE_MS = 2_000;
/** Most by which a wait is lengthened, as a part of it. Never shortened: it would come too early. */
const JITTER = 0.1;
/** What is over is cleared away so much at a time. */
const CLEARED = 20;
/** How often somebody is looked for who is about to wait. */
const LOOK_MS = 10;
const LOOKS = 100;
/** Of those who wait, how many more are looked at than may begin: some are gone, or paused. */
const LOOKED_AT = 50;
/** How long a slot is held before somebody who is refused looks whether its holder is still at work, and how often. */
const SWEPT_AFTER_MS = 30_000;

/** What a desk needs of its worker. */
export interface DeskPorts {
  store: Store;
  clock: Clock;
  ids: Ids;
  journals: Journals;
  committer: Pick<Committer, "claim" | "submit">;
  /** Runs that the worker has. */
  runs: ReadonlyMap<string, LiveRun>;
}

/** What one quota says to one who asks. */
interface Word {
  quota: Quota;
  /** The step has its slot already. */
  has: boolean;
  /** Nothing: there is room. */
  at?: Millis;
  /** When the step first asked, if it has a place among those that wait. */
  since?: Millis;
  over: Key[];
}

/** See the module comment. */
export class QuotaDesk {
  #quotas: Quota[] = [];
  #readAt = -Infinity;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #sweptAt = new Map<string, number>();

  constructor(private readonly ports: DeskPorts) {}

  /** Reads the quotas again unless that was done a moment ago; `now`: in any case. */
  async refresh(now = false): Promise<void> {
    const { store, clock } = this.ports;
    if (!now && clock.monotonic() - this.#readAt < FRESH_MS) return;
    this.#readAt = clock.monotonic();
    const found: Quota[] = [];
    for await (const entry of store.list(quotaPrefix)) {
      try {
        found.push(readQuota(entry));
      } catch (error) {
        // One that cannot be read must not end the worker; cells that name it say that it is not there.
        if (!(error instanceof EngineError) || error.code !== "store_corrupt") throw error;
      }
    }
    this.#quotas = found;
  }

  /** Nothing if the attempt may begin: it has its slots. Else what becomes of it. */
  async admit(live: LiveRun, step: string, own: Attempt): Promise<Outcome | undefined> {
    const quotas = this.#quotasOf(own);
    if (!Array.isArray(quotas)) return quotas;
    if (quotas.length === 0) return undefined;
    // One at a time: of several that count at once all but one would count again.
    const asked = this.#turn.then(() => this.#ask(live, step, own, quotas));
    this.#turn = asked.catch(() => {});
    return await asked;
  }

  /** Slots are free: those who wait longest for them ask again, whoever has their runs. */
  freed(names: string[]): void {
    const counts = new Map<string, number>();
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    // What is not told here asks by itself before long.
    for (const [name, count] of counts) this.#wakeFirst(name, count).catch(() => {});
  }

  async #wakeFirst(name: string, count: number): Promise<void> {
    const { store, clock, ids, runs } = this.ports;
    let left = count;
    for await (const entry of store.list(quotaWaitPrefix(name), { limit: count + LOOKED_AT })) {
      if (left === 0) return;
      if (readWait(entry).until < clock.now()) continue;
      const [, , , run, step] = entry.key as [string, string, number, string, string];
      const here = runs.get(run);
      if (here === undefined) {
        await store.post(run, ids.next("cmd"), encodeRecord({ type: "wakeStep", step, wait: "quota" }));
      } else if (here.run.intent !== "go" || !stillWaits(here, step)) continue;
      else void this.#wake(here, step);
      left--;
    }
  }

  #quotasOf(own: Attempt): Quota[] | Outcome {
    const header = own.cell.kind === "invalid" ? {} : own.cell.header;
    const found = new Map(this.#quotas.filter((quota) => concerns(quota, own)).map((it) => [it.name, it]));
    for (const said of readQuotas(header.quotas)) {
      const made = this.#quotas.find(({ name }) => name === said.name);
      if (made === undefined && !isRule(said)) {
        const why =
          `There is no quota '${said.name}'; make it, or say what it allows, such as { name: ${said.name}, maxConcurrent: 1 }`;
        return failed("invalid_input", why, "quota_not_found");
      }
      found.set(said.name, made ?? said);
    }
    return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1).slice(0, MOST_TOGETHER);
  }

  async #ask(live: LiveRun, step: string, own: Attempt, quotas: Quota[]): Promise<Outcome | undefined> {
    const { store, clock, committer } = this.ports;
    const { run } = live;
    for (;;) {
      if (own.signal.aborted || !isOpen(live, step, own.attempt)) return { type: "cancelled" };
      const now = clock.now();
      // The gates before the counts: whoever takes a slot after that has changed them.
      const gates = await store.get(quotas.map(({ name }) => quotaGateKey(name)));
      const words: Word[] = [];
      for (const quota of quotas) words.push(await this.#count(quota, run.id, step, own.attempt, now));
      if (words.some(({ at }) => at !== undefined)) return await this.#wait(live, step, own, words, now);
      const taken = words.filter(({ has }) => !has).map(({ quota }) => quota.name);
      const uses = words.filter(({ has, quota }) => !has && quota.windowMs !== undefined)
        .map(({ quota }) => quotaUseKey(quota.name, now, run.id, step));
      const checks = quotas.map(({ name }, i) => ({
        key: quotaGateKey(name),
        version: gates[i]?.version ?? null,
      }));
      const value = encodeRecord({ attempt: own.attempt, at: now });
      const puts: Put[] = [
        ...checks.map(({ key }) => ({ key, value: encodeRecord(now) })),
        ...taken.flatMap((name) => [
          { key: quotaSlotKey(name, run.id, step), value },
          { key: quotaHolderKey(run.id, step, name), value },
        ]),
        ...uses.map((key) => ({ key, value: encodeRecord(null) })),
      ];
      const answer = await committer.claim(checks, puts, words.flatMap((word) => passed(word, run.id, step)));
      if (answer === "fenced") return { type: "cancelled" };
      if (answer === "conflict") continue;
      hit("quota.taken");
      if (isOpen(live, step, own.attempt)) {
        const names = quotas.map(({ name }) => name);
        (live.slots ??= new Map()).set(step, { attempt: own.attempt, quotas: names });
        if (!own.signal.aborted) return undefined;
        // EN-1203 It does not begin, so that nothing of it counts; the slot goes with the attempt.
        await committer.claim([], [], uses);
        return { type: "cancelled" };
      }
      await committer.claim([], [], [...uses, ...taken.flatMap((name) => slotKeys(name, run.id, step))]);
      return { type: "cancelled" };
    }
  }

  async #count(quota: Quota, run: string, step: string, attempt: number, now: Millis): Promise<Word> {
    const { store } = this.ports;
    const { name, windowMs, max } = quota;
    let holders = 0;
    let has = false;
    for await (const entry of store.list(quotaSlotPrefix(name))) {
      const mine = entry.key[2] === run && entry.key[3] === step;
      if (!mine) holders++;
      else has = readSlot(entry).attempt === attempt;
    }
    const word: Word = { quota, has, over: [] };
    let ahead = 0;
    for await (const entry of store.list(quotaWaitPrefix(name))) {
      const mine = entry.key[3] === run && entry.key[4] === step;
      if (mine) word.since = entry.key[2] as Millis;
      else if (readWait(entry).until < now) word.over.push(entry.key);
      else if (word.since === undefined) ahead++;
    }
    const begun: Millis[] = [];
    if (windowMs !== undefined) {
      const opens = Math.max(0, now - windowMs + 1);
      const prefix = quotaUsePrefix(name);
      for await (
        const { key } of store.list(prefix, { after: quotaUsePrefix(name, opens), reverse: false })
      ) {
        begun.push(key[2] as Millis);
        if (begun.length > max!) begun.shift();
      }
      for await (const { key } of store.list(prefix, { limit: CLEARED })) {
        if ((key[2] as Millis) < opens) word.over.push(key);
      }
    }
    const at = has ? undefined : freeAt(quota, { now, begun, holders, ahead });
    return { ...word, over: word.over.slice(0, CLEARED), ...(at === undefined ? {} : { at }) };
  }

  /** Keeps the step's place with each quota that has no room, and gives its attempt's slot of the worker back. */
  async #wait(
    live: LiveRun,
    step: string,
    { saved }: Attempt,
    words: Word[],
    now: Millis,
  ): Promise<Outcome> {
    const { committer, ids } = this.ports;
    const short = words.filter(({ at }) => at !== undefined);
    const until = Math.max(...short.map(({ at }) => at === Infinity ? now + ASK_AGAIN_MS : at!));
    const due = now + Math.ceil((until - now) * (1 + JITTER * ids.random()));
    const value = encodeRecord({ until: due + GRACE_MS });
    const puts = short.map(({ quota, since = now }) => ({
      key: quotaWaitKey(quota.name, since, live.run.id, step),
      value,
    }));
    await committer.claim([], puts, words.flatMap(({ over }) => over));
    for (const { quota, at } of short) if (at === Infinity) this.#sweep(quota.name).catch(() => {});
    const names = short.map(({ quota }) => `'${quota.name}'`).join(" and ");
    const why = short.some(({ at }) => at === Infinity)
      ? `All slots of the quota ${names} are taken`
      : `The quota ${names} is used up for now`;
    return { type: "held", wait: "quota", due, why, ...(saved === undefined ? {} : { saved }) };
  }

  /**
   * Frees slots whose attempts are over: of one that another worker made and was lost with it, or where a process died
   * between an admission that came too late and giving it back.
   */
  async #sweep(name: string): Promise<void> {
    const { store, clock, committer, journals, runs } = this.ports;
    if (clock.monotonic() - (this.#sweptAt.get(name) ?? -Infinity) < SWEPT_AFTER_MS) return;
    this.#sweptAt.set(name, clock.monotonic());
    for await (const entry of store.list(quotaSlotPrefix(name))) {
      const { attempt, at } = readSlot(entry);
      if (at > clock.now() - SWEPT_AFTER_MS) continue;
      const [, , id, step] = entry.key as [string, string, string, string];
      const head = !runs.has(id) ? await journals.head(id) : undefined;
      const run = runs.get(id)?.run ?? (head && await journals.load(head));
      const found = run?.steps.get(step);
      if (found?.attempt === "open" && found.attempts === attempt) continue;
      // Rests on the record as it was read: its step may have begun again since.
      const checks = [{ key: entry.key, version: entry.version }];
      if (await committer.claim(checks, [], slotKeys(name, id, step)) === "ok") this.freed([name]);
    }
  }

  /** Its hold may not be durable yet. */
  async #wake(live: LiveRun, step: string): Promise<void> {
    for (let look = 0; look < LOOKS && stillWaits(live, step); look++) {
      if (live.run.steps.get(step)!.wait === "quota") {
        const command = { type: "wakeStep", step, wait: "quota" } as const;
        return this.ports.committer.submit({ live, command, settle: () => {} });
      }
      await this.ports.clock.sleep(LOOK_MS);
    }
  }
}

/** Quotas of one attempt, so that one operation may check them all. */
const MOST_TOGETHER = 8;

/** Whether a step that was refused has neither gone on nor ended since; its hold may not be durable yet. */
function stillWaits({ run, released }: LiveRun, name: string): boolean {
  const step = run.steps.get(name);
  return !released && step !== undefined && (step.wait === "quota" || step.attempt === "open");
}

function isOpen({ run, released }: LiveRun, name: string, attempt: number): boolean {
  const step = run.steps.get(name);
  return !released && step?.attempt === "open" && step.attempts === attempt;
}

/** What a step leaves behind that waits no more. */
function passed({ quota, since, over }: Word, run: string, step: string): Key[] {
  return since === undefined ? over : [...over, quotaWaitKey(quota.name, since, run, step)];
}
