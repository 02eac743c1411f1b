/** A world that effects change: it counts what it is sent, by key and by path, and may be told how to answer. */
import type { Json } from "../../../../engine/base/json.ts";
import type { Store } from "../../../../engine/store/store.ts";
import type { Attempt, Called, EffectIntent, Outcome, Send } from "../../../../engine/kinds/kind.ts";

/** See the module comment. */
export class World {
  /** Times that a key has had its effect. */
  readonly counts = new Map<string, number>();
  readonly requests: Json[] = [];
  /** How it answers the nth request, from 0; absent: it has happened. */
  answers: ((n: number) => Called | undefined) | undefined;

  readonly send: Send = ({ key, request }) => {
    const n = this.requests.length;
    this.requests.push(request);
    const answer = this.answers?.(n) ?? { type: "done", result: { n } };
    if (answer.type !== "failed") this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    return Promise.resolve(answer);
  };

  /** What a cell does that has one effect and gives what came of it. */
  act(intent: Partial<EffectIntent> = {}): (attempt: Attempt) => Promise<Outcome> {
    return async ({ effects, cell }) => {
      const done = await effects.perform({ ...intentOf(cell.name), ...intent }, this.send);
      return done.ok ? { type: "succeeded", value: done.result } : done.outcome;
    };
  }
}

export function intentOf(name: string): EffectIntent {
  return { request: { path: `/${name}` }, description: `POST /${name}`, service: "world", method: "POST" };
}

export const unknown: Called = { type: "unknown", why: "The connection broke off" };
export const refused: Called = {
  type: "failed",
  problem: { category: "network", message: "Nobody listens" },
};

/**
 * A store whose process can die: from then on nothing that it asks is answered, and nothing that it says arrives.
 *
 * @param after dies by itself after so many operations
 */
export function mortal(
  store: Store,
  after = Infinity,
): { store: Store; die(): void; died: Promise<void>; used: () => number } {
  let used = 0;
  const { promise: died, resolve } = Promise.withResolvers<void>();
  let dead = false;
  const die = () => {
    dead = true;
    resolve();
  };
  const wrapped = new Proxy(store, {
    get(target, name) {
      const own = target[name as keyof Store];
      if (typeof own !== "function" || name === "limits") return own;
      return (...given: never[]) => {
        if (used++ >= after) die();
        if (dead) return name === "list" ? silence() : new Promise(() => {});
        return (own as (...given: never[]) => unknown).apply(target, given);
      };
    },
  });
  return { store: wrapped, die, died, used: () => used };
}

/** A list of which nothing ever comes. */
function silence(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
}
