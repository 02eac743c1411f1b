/**
 * One action of an attempt on the outside world. Owns: the way from what a kind intends to what it may rely on, and what
 * is sent again and what never. Never: what is sent; that is the kind's. Nor the states; those are `engine/run/effects`.
 *
 * ```
 *   look the slot up ─┬─ done ─────────────────────────────▶ the recorded result
 *                     ├─ in doubt ─┬─ may be sent again ───┐
 *                     │            ├─ its probe knows ─────┼▶ settled
 *                     │            └─ nobody knows ────────┼▶ the step waits for a person
 *                     └─ else ▸ intend ▸ durable ▸ call ───┘
 * ```
 *
 * E1 Nothing is called before `effect.intended` is durable. E2 What may have happened is called again only as declared.
 */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { hit } from "../../base/faults.ts";
import { sha256 } from "../../base/hash.ts";
import type { Ids } from "../../base/ids.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import type { Called, EffectIntent, Effects, Outcome, Performed, Probe, Send } from "../../kinds/kind.ts";
import { defaultDescriptor, type Descriptor } from "../../notebook/effects/descriptor.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { RunCommand } from "../../run/command.ts";
import { doubtText, keyOf, latestOf, type StepEffect } from "../../run/effects/types.ts";
import type { Store } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";
import type { Effect } from "./entry.ts";
import { readEffect } from "./log.ts";

/** What performing needs. */
export interface EffectPorts {
  store: Store;
  artifacts: Artifacts;
  clock: Clock;
  ids: Ids;
  /** Whether the session is still to be trusted: a process that was stopped asks before it sends (L4). */
  trusted(): boolean;
  /** Tells the run something; resolves when the answer is durable. */
  tell(live: LiveRun, command: RunCommand): Promise<Answer>;
}

/** Waits before what may be sent again is, within one call. */
const AGAIN_MS = [1_000, 2_000];
/** Times that one call acts anew, because a probe said that it has not happened. */
const MOST_ANEW = 3;
const MOST_DESCRIPTION = 500;
const SECRET = /\{\{\s*secret\./;

/** What an attempt at a step may do to the outside world. */
export function effectsOf(
  ports: EffectPorts,
  live: LiveRun,
  name: string,
  attempt: number,
  { saved, signal, read }: Pick<About, "saved" | "signal" | "read">,
): Effects {
  let ordinal = 0;
  const equal = new Map<string, number>();

  /** EF-056. */
  function slotOf(given: string | undefined): string {
    if (given === undefined) {
      if (saved !== undefined) {
        throw new Error("An attempt that goes on with what it saved must name the slots of its effects");
      }
      return String(ordinal++);
    }
    const nth = (equal.get(given) ?? 0) + 1;
    equal.set(given, nth);
    return nth === 1 ? given : `${given}#${nth}`;
  }

  return {
    perform: (intent, send, probe) =>
      new Performing({ ports, live, name, attempt, saved, signal, read, intent, slot: slotOf(intent.slot) })
        .perform(send, probe),
  };
}

interface About {
  ports: EffectPorts;
  live: LiveRun;
  name: string;
  attempt: number;
  saved?: Json;
  signal: AbortSignal;
  /** Asks the store again while it is out of reach. */
  read<T>(ask: () => Promise<T>): Promise<T>;
  intent: EffectIntent;
  slot: string;
}

const CANCELLED: Performed = { ok: false, outcome: { type: "cancelled" } };

/** One call of `perform`. */
class Performing {
  #anew = 0;

  constructor(private readonly about: About) {}

  async perform(send: Send, probe?: Probe): Promise<Performed> {
    const { live, name, slot, intent, signal } = this.about;
    const request = canonicalJson(intent.request);
    // Secrets do not exist yet, and a request that holds the words in their place would go out with them.
    if (SECRET.test(request)) {
      return failed(
        "invalid_input",
        "secret_unavailable",
        "Secrets are not available yet; take {{ secret.… }} out",
      );
    }
    const hash = sha256(request);
    while (true) {
      if (signal.aborted) return CANCELLED;
      const known = latestOf(live.run.steps.get(name)!, slot);
      const next = known === undefined || known.state === "failed" || known.state === "compensated"
        ? await this.#intend(known, hash, send)
        : known.state === "in-doubt"
        ? await this.#inDoubt(known, send, probe)
        : known.state === "intended"
        ? twice(slot)
        : await this.#recorded(known, hash);
      if (next !== "look") return next;
    }
  }

  /** EF-057: it is done, so that nothing is sent. EF-060: unless the same key would stand for something else. */
  async #recorded(known: StepEffect, hash: string): Promise<Performed> {
    if (known.before && known.hash !== hash) {
      const message = `Idempotency key "${known.key}" was already used with a different request. ` +
        "If what it did was undone, mark its effect as compensated and run the cell again";
      return failed("invalid_input", "idempotency_conflict", message);
    }
    const { result, descriptor } = await this.#logged(known.id);
    return {
      ok: true,
      effect: known.id,
      recorded: true,
      descriptor,
      result: result === undefined ? null : await this.#value(result),
    };
  }

  /** A new effect: durable first, then called. */
  async #intend(known: StepEffect | undefined, hash: string, send: Send): Promise<Performed | "look"> {
    const { ports, live, name, attempt, intent, slot } = this.about;
    if (this.#anew++ >= MOST_ANEW) {
      return this.#unknown("It did not happen, time and again", intent.description);
    }
    // EF-058 A retry sends what was recorded; one that was opened again may have other inputs, and is another request.
    const same = known !== undefined && !(known.before && known.hash !== hash);
    const recorded = same && known.state === "failed" ? await this.#logged(known.id) : undefined;
    const parameters = recorded?.parameters ?? await this.#store(intent.request);
    const generation = known === undefined
      ? 0
      : known.generation + (known.state === "compensated" || !same ? 1 : 0);
    const id = ports.ids.next("eff");
    const key = keyOf(live.run.id, name, slot, generation);
    const operation = intent.operation ?? "api_call";
    const descriptor = this.#declared();
    const again = intent.sendsKey || descriptor.type === "idempotent" && descriptor.canRetry;
    const answer = await ports.tell(live, {
      type: "intendEffect",
      step: name,
      attempt,
      effect: id,
      slot,
      key,
      generation,
      operation,
      service: intent.service.slice(0, 200),
      description: intent.description.slice(0, MOST_DESCRIPTION),
      descriptor,
      ...(intent.handler === undefined ? {} : { handler: intent.handler }),
      parameters,
      hash: recorded?.requestHash ?? hash,
      ...(again ? { again: true } : {}),
    });
    if (!answer.ok) return refused(answer);
    const request = recorded === undefined ? intent.request : await this.#value(parameters);
    return await this.#call(id, key, request, send);
  }

  /** Sends what is durable as intended. */
  async #call(id: string, key: string, request: Json, send: Send): Promise<Performed | "look"> {
    const called = await this.#send(id, key, request, send);
    return called === undefined ? CANCELLED : await this.#heard(id, called);
  }

  /** The one place from which anything is sent; `undefined`: nothing was, because the run may be another's by now. */
  async #send(id: string, key: string, request: Json, send: Send): Promise<Called | undefined> {
    hit("effect.intended");
    // Whoever has taken the run over meanwhile decides about it.
    if (!this.about.ports.trusted()) return undefined;
    try {
      const called = await send({ key, request, signal: this.about.signal });
      hit("effect.called");
      return called;
    } catch (error) {
      // A bug of the kind; how far it had come nobody knows.
      await this.#settle(id, { state: "in-doubt", why: "The cell broke off while it was under way" });
      throw error;
    }
  }

  /** Makes durable what became of a call. */
  async #heard(id: string, called: Called): Promise<Performed | "look"> {
    if (called.type === "unknown") {
      const answer = await this.#settle(id, { state: "in-doubt", why: called.why.slice(0, 1_000) });
      return answer.ok ? "look" : refused(answer);
    }
    if (called.type === "failed") {
      const { problem, retryAfterMs } = called;
      const error = { code: problem.code ?? problem.category, message: problem.message.slice(0, 1_000) };
      const answer = await this.#settle(id, { state: "failed", error });
      if (!answer.ok) return refused(answer);
      const outcome: Outcome = {
        type: "failed",
        problem,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      };
      return { ok: false, outcome };
    }
    const { result, descriptor } = called;
    const stored = await this.#store(result);
    const answer = await this.#settle(id, {
      state: "done",
      result: stored,
      ...(descriptor === undefined ? {} : { descriptor }),
    });
    if (!answer.ok) return refused(answer);
    hit("effect.done");
    return { ok: true, effect: id, recorded: false, result, descriptor: descriptor ?? this.#declared() };
  }

  /** How it is undone, as far as that is known before. */
  #declared(): Descriptor {
    const { descriptor, operation = "api_call", method } = this.about.intent;
    return descriptor ?? defaultDescriptor(operation, method);
  }

  #settle(
    effect: string,
    how: Omit<Extract<RunCommand, { type: "settleEffect" }>, "type" | "step" | "attempt" | "effect">,
  ): Promise<Answer> {
    const { ports, live, name: step, attempt } = this.about;
    return ports.tell(live, { type: "settleEffect", step, attempt, effect, ...how });
  }

  /** EF-046 to EF-049. */
  async #inDoubt(known: StepEffect, send: Send, probe?: Probe): Promise<Performed | "look"> {
    const { ports: { clock }, intent, saved, signal } = this.about;
    const description = known.description ?? intent.description;
    if (known.again || known.resend) {
      const request = await this.#value((await this.#logged(known.id)).parameters);
      // What a person asked for is sent once.
      const waits = known.again ? [0, ...AGAIN_MS] : [0];
      let why = "No answer";
      for (const wait of waits) {
        if (wait > 0) await clock.sleep(wait, signal);
        if (signal.aborted) return CANCELLED;
        const answer = await this.#resend(known.id);
        if (!answer.ok) return refused(answer);
        const called = await this.#send(known.id, known.key, request, send);
        if (called === undefined) return CANCELLED;
        if (called.type !== "unknown") return await this.#heard(known.id, called);
        why = called.why;
      }
      return known.again ? this.#unknown(why, description) : "look";
    }
    const found = await probe?.(await this.#value((await this.#logged(known.id)).parameters));
    if (found?.type === "done" || found?.type === "failed") {
      return await this.#probed(known.id, found);
    }
    const kept = saved === undefined ? {} : { saved };
    return { ok: false, outcome: { type: "held", wait: "doubt", why: doubtText(description), ...kept } };
  }

  #resend(effect: string): Promise<Answer> {
    const { ports, live, name: step, attempt } = this.about;
    return ports.tell(live, { type: "resendEffect", step, attempt, effect });
  }

  #logged(effect: string): Promise<Effect> {
    const { ports, read } = this.about;
    return read(() => readEffect(ports.store, effect));
  }

  #value(stored: StoredValue): Promise<Json> {
    const { ports, read } = this.about;
    return read(() => ports.artifacts.get(stored));
  }

  #store(value: Json): Promise<StoredValue> {
    const { ports, read } = this.about;
    return read(() => ports.artifacts.put(value));
  }

  /** A probe knows: what has happened is done, what has not is done anew. */
  async #probed(
    id: string,
    found: { type: "done"; result?: Json; descriptor?: Descriptor } | { type: "failed" },
  ): Promise<Performed | "look"> {
    const answer = await this.#settle(
      id,
      found.type === "failed"
        ? { state: "failed", error: { code: "probe", message: "Its probe says that it did not happen" } }
        : {
          state: "done",
          ...(found.result === undefined ? {} : { result: await this.#store(found.result) }),
          ...(found.descriptor === undefined ? {} : { descriptor: found.descriptor }),
        },
    );
    return answer.ok ? "look" : refused(answer);
  }

  /** The attempt fails; what is in doubt stays so, and is sent again if its step is tried again. */
  #unknown(why: string, description: string): Performed {
    return failed("network", "effect_in_doubt", `${doubtText(description)}: ${why}`);
  }
}

function failed(category: "invalid_input" | "network", code: string, message: string): Performed {
  return { ok: false, outcome: { type: "failed", problem: { category, code, message } } };
}

function twice(slot: string): never {
  throw new EngineError("internal", `Two effects of one attempt have the slot ${slot}`);
}

/** The run does not take it: its attempt is over, or it was told to end. */
function refused(answer: Extract<Answer, { ok: false }>): Performed {
  return answer.code === "effect_limit" || answer.code === "record_too_large"
    ? failed("invalid_input", answer.code, answer.reason)
    : CANCELLED;
}
