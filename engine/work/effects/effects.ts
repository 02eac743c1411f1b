/**
 * The effects of all runs, for the front doors. Owns: what lists show, and the way of what a person says of an effect to
 * its run. Never: what that means; that is `engine/run/effects`.
 */
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { Resolution } from "../../run/command.ts";
import { type EffectState, mayBecome } from "../../run/effects/types.ts";
import { notDoneText } from "../../run/effects/undo.ts";
import { effectsKey, effectsPrefix, lastText } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import type { Instruction, TellOptions, Told } from "../control/tell.ts";
import type { Effect, EffectEntry } from "./entry.ts";
import { readEffect } from "./log.ts";
import { type CompensationResult, wayOf } from "./way.ts";

/** Which effects; absent fields leave none out. */
export interface EffectFilter {
  run?: string;
  notebook?: string;
  cell?: string;
  state?: EffectState;
  /** Only those that were intended in this time, epoch ms; the end is not part of it. */
  from?: number;
  to?: number;
  /** Only those that a journal record after this one names; with `run`. */
  afterSeq?: number;
  /** The id after which to go on. */
  after?: string;
  /** At most; default and most 100. */
  limit?: number;
}

/** A page of effects, in the order of their making. */
export interface EffectPage {
  items: Effect[];
  /** Where to go on; absent at the end. */
  next?: string;
}

/** What a person says of an effect. */
export interface EffectAnswer {
  as: Resolution;
  /** With `done`: what came of it, which its cell gets. */
  result?: Json;
  note: string;
}

/** See the module comment. Methods throw `EngineError` with the codes named. */
export interface EffectLog {
  /** Oldest first. `query_invalid`. */
  list(filter: EffectFilter): Promise<EffectPage>;
  /** With all entries. `effect_not_found`. */
  get(effect: string): Promise<Effect>;
  /**
   * A person says what became of an effect, or that it is to be sent again; its step goes on. `effect_not_found`,
   * `effect_settled`, `attempt_open`, `step_ended`, `run_not_found` once its run has gone.
   */
  resolve(effect: string, by: string, answer: EffectAnswer): Promise<Told>;
  /**
   * Undoes an effect whose step has ended, as its descriptor says, and says how that went; with `dry` nothing is sent, and
   * the answer says what would be. `effect_not_found`, `effect_not_done`, `not_ready`, `run_busy`, `run_not_found`.
   */
  compensate(effect: string, by: string, options?: { dry?: boolean }): Promise<CompensationResult>;
}

/** What they stand on. */
export interface EffectLogPorts {
  store: Store;
  clock: Clock;
  tell(run: string, instruction: Instruction, options?: TellOptions): Promise<Told>;
}

/** Most effects of a page. */
const MOST = 100;
/** How long the answer of a run that another process owns is waited for. */
const WAIT_MS = 10_000;

/** How long undoing is waited for; it goes on after that. */
const UNDONE_WITHIN_MS = 90_000;
/** How often is looked whether it is over. */
const LOOK_MS = 50;

/** Opens it. */
export function openEffectLog({ store, clock, tell }: EffectLogPorts): EffectLog {
  return {
    async list({ run, notebook, after, limit = MOST, ...filter }) {
      if (after !== undefined && !/^eff_[0-9a-z]{1,40}$/.test(after)) {
        throw new EngineError("query_invalid", `Not the id of an effect: ${after.slice(0, 60)}`);
      }
      const most = Math.min(Math.max(1, limit), MOST);
      const of = run !== undefined
        ? { run }
        : filter.state === "in-doubt"
        ? "in-doubt"
        : notebook !== undefined
        ? { notebook }
        : "all";
      const options = after === undefined ? {} : { after: effectsKey(of, after) };
      const items: Effect[] = [];
      for await (const { key } of store.list(effectsPrefix(of), options)) {
        const effect = await readEffect(store, lastText(key));
        if (notebook !== undefined && effect.notebookId !== notebook || !matches(effect, filter)) continue;
        if (items.length === most) return { items, next: items.at(-1)!.id };
        items.push(effect);
      }
      return { items };
    },

    get: (effect) => readEffect(store, effect.slice(0, 64)),

    async resolve(id, by, { as, result, note }) {
      const { runId, stepId: step, id: effect } = await readEffect(store, id.slice(0, 64));
      const value = result === undefined ? {} : { result };
      return await tell(runId, { type: "resolveEffect", step, effect, as, ...value, by, note }, {
        waitMs: WAIT_MS,
      });
    },

    async compensate(id, by, { dry = false } = {}) {
      const effect = await readEffect(store, id.slice(0, 64));
      const { id: effectId, runId, stepId: step, state } = effect;
      if (!mayBecome(state, "compensation-failed")) {
        throw new EngineError("effect_not_done", notDoneText(state));
      }
      const way = wayOf(effect);
      if (way.type === "answer") return way.result;
      const { method, url } = way.request;
      const message = `Would send ${method} ${url}`;
      if (dry) return { effectId, success: true, outcome: "not-attempted", message };
      const known = effect.entries.length;
      await tell(runId, { type: "compensateEffect", step, effect: effectId, by }, { waitMs: WAIT_MS });
      const until = clock.monotonic() + UNDONE_WITHIN_MS;
      while (clock.monotonic() < until) {
        const { entries } = await readEffect(store, effectId);
        const end = entries.slice(known).map((entry) => resultOf(entry)).find((found) => found !== undefined);
        if (end !== undefined) return end;
        await clock.sleep(LOOK_MS);
      }
      throw new EngineError("run_busy", `Effect ${effectId} is still being undone; look at it again later`);
    },
  };
}

/** What an entry says that undoing came to; nothing if it says nothing of that. */
function resultOf(entry: EffectEntry): CompensationResult | undefined {
  const { effectId, note } = entry;
  if (entry.type === "effect.compensated") {
    return { effectId, success: true, outcome: "compensated", message: entry.message ?? note ?? "Undone" };
  }
  if (entry.type !== "effect.compensation-failed") return undefined;
  return { effectId, success: false, outcome: "failed", error: entry.message };
}

function matches(
  { cell, state, at, entries }: Effect,
  filter: Pick<EffectFilter, "cell" | "state" | "from" | "to" | "afterSeq">,
): boolean {
  return (filter.cell === undefined || filter.cell === cell) &&
    (filter.state === undefined || filter.state === state) &&
    (filter.from === undefined || at >= filter.from) && (filter.to === undefined || at < filter.to) &&
    (filter.afterSeq === undefined || entries.some(({ seq }) => seq > filter.afterSeq!));
}
