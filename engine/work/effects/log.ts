/**
 * The effect log as the store has it. Owns: what is written of it in the commit of the journal events that name effects,
 * and reading it.
 *
 * EF-006 EF-007 An entry is of a journal event and goes with it, in a commit that the session fences.
 * EF-008 Entries, their places in lists and the contents they name do not go with the run.
 */
import type { Millis } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import type { RunEvent } from "../../run/event.ts";
import { encodeRecord } from "../../store/codec.ts";
import { effectKey, type EffectList, effectPrefix, effectsKey } from "../../store/keys.ts";
import type { Key, Put, Store } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import { hashOf, holdsOf } from "../upkeep/names.ts";
import { type Effect, type EffectEntry, foldEntries, readEntry } from "./entry.ts";

/** What one turn writes of effects. A run that has none costs a look at the types of its events. */
export class EffectWrites {
  readonly puts: Put[] = [];
  readonly deletes: Key[] = [];

  constructor(
    private readonly at: Millis,
    private readonly session: { worker: string; epoch: number },
  ) {}

  /** Adds what the events of a run say; they are those of its journal record `live.run.seq`. */
  add(live: LiveRun, events: readonly RunEvent[]): void {
    for (const [n, event] of events.entries()) {
      if (!("effect" in event)) continue;
      const { run, head } = live;
      const id = event.effect;
      const value = encodeRecord(this.#entryOf(live, event));
      this.puts.push({ key: effectKey(id, run.seq, n), value });
      const names = event.type === "effect.intended"
        ? hashOf(event.parameters)
        : event.type === "effect.done"
        ? hashOf(event.result)
        : [];
      // They have a holder of their own, because the log stays when the run goes.
      if (names.length > 0) this.puts.push(...holdsOf(id, names, head.createdAt));
      if (event.type === "effect.intended") {
        for (const list of [{ run: run.id }, { notebook: run.notebook }, "all"] satisfies EffectList[]) {
          this.puts.push({ key: effectsKey(list, id), value: encodeRecord(null) });
        }
      } else if (event.type === "effect.in-doubt") {
        this.puts.push({ key: effectsKey("in-doubt", id), value: encodeRecord(null) });
      } else if (event.type !== "effect.noted") this.#settled(effectsKey("in-doubt", id));
    }
  }

  /** A key is written or deleted in a commit, not both. */
  #settled(key: Key): void {
    const written = this.puts.findIndex((put) => String(put.key) === String(key));
    if (written >= 0) this.puts.splice(written, 1);
    this.deletes.push(key);
  }

  #entryOf({ run, head }: LiveRun, event: Extract<RunEvent, { effect: string }>): EffectEntry {
    const { effect: effectId, step: stepId, attempt, ...rest } = event;
    const base = { effectId, seq: run.seq, at: this.at };
    if (rest.type !== "effect.intended") return { ...rest, ...base, by: rest.by ?? "engine" };
    const { key: idempotencyKey, hash: requestHash, ...intent } = rest;
    return {
      ...base,
      ...intent,
      by: "engine",
      idempotencyKey,
      requestHash,
      notebookId: run.notebook,
      version: head.version,
      runId: run.id,
      cell: run.steps.get(stepId)!.plan.item?.of ?? stepId,
      stepId,
      attempt,
      sessionId: this.session.worker,
      epoch: this.session.epoch,
    };
  }
}

/** Records that an event of an effect writes besides its run's: its entry, its places, a hold. */
export const MUTATIONS_AN_EFFECT = 6;

/** An effect as its entries tell. @throws {EngineError} `effect_not_found` */
export async function readEffect(store: Store, id: string): Promise<Effect> {
  const entries: EffectEntry[] = [];
  for await (const entry of store.list(effectPrefix(id))) entries.push(readEntry(entry));
  if (entries.length === 0) {
    throw new EngineError("effect_not_found", `Effect not found: ${id.slice(0, 60)}`);
  }
  return foldEntries(entries);
}
