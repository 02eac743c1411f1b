/**
 * When a suspension is over. Owns: which signals count for a condition, and what is missing. Pure; expressions have no
 * place here, because a run's state is folded from its journal.
 *
 * Y1 The verdict depends on the condition and the signals alone, so that one that came early counts like any other.
 * Y2 Each `count` counts for itself: what one has counted does not lessen what another finds.
 */
import { isObject, type Json } from "../../base/json.ts";
import {
  type Condition,
  DISTINCT,
  type Missing,
  MOST_COUNT,
  MOST_DEPTH,
  MOST_NODES,
  type Signal,
} from "./types.ts";

/** How a condition stands. */
export interface Verdict {
  done: boolean;
  /** Signals that count, by their ids in the order in which they came; once it is done, those that closed it. */
  counted: string[];
  /** What is missing; empty once it is done. */
  needs: Missing[];
}

/**
 * Holds the signals that a suspension may take against its condition.
 *
 * @example
 * ```ts
 * import type { Condition, Signal } from "./types.ts";
 * const two: Condition = { type: "count", n: 2, distinct: "sources", of: [{ type: "signal", name: "yes" }] };
 * const yes = (id: string, source: string): Signal => ({ id, name: "yes", source, at: 0 });
 * const once = evaluate(two, [yes("s1", "ann"), yes("s2", "ann")]);
 * if (once.done || once.needs[0]?.count !== 1) throw new Error("one sender counts once");
 * if (!evaluate(two, [yes("s1", "ann"), yes("s3", "ben")]).done) throw new Error("two are enough");
 * ```
 */
export function evaluate(condition: Condition, signals: readonly Signal[]): Verdict {
  const { done, counted, needs } = look(condition, signals);
  return { done, counted: signals.flatMap(({ id }) => counted.has(id) ? [id] : []), needs };
}

/** Whether any part of a condition takes a signal, be it that it has enough of them. */
export function takes(condition: Condition, signal: Signal): boolean {
  return "of" in condition ? condition.of.some((part) => takes(part, signal)) : fits(condition, signal);
}

/** What is wrong with a condition, in words; nothing if it can be waited for. */
export function conditionFault(condition: Condition): string | undefined {
  let nodes = 0;
  const faultOf = (node: Condition, depth: number): string | undefined => {
    if (++nodes > MOST_NODES) return `a condition has ${MOST_NODES} parts at most`;
    if (depth > MOST_DEPTH) return `a condition is ${MOST_DEPTH} levels deep at most`;
    if (!("of" in node)) return undefined;
    if (node.of.length === 0) return `${node.type} needs something to wait for`;
    if (node.type === "count") {
      const whole = Number.isInteger(node.n) && node.n >= 1 && node.n <= MOST_COUNT;
      if (!whole) return `a count is a whole number from 1 to ${MOST_COUNT}`;
      if (!DISTINCT.includes(node.distinct)) return `what is counted is one of ${DISTINCT.join(", ")}`;
    }
    for (const part of node.of) {
      const fault = faultOf(part, depth + 1);
      if (fault !== undefined) return fault;
    }
  };
  return faultOf(condition, 1);
}

interface Look {
  done: boolean;
  counted: ReadonlySet<string>;
  needs: Missing[];
}

type Leaf = Exclude<Condition, { of: Condition[] }>;

function look(condition: Condition, signals: readonly Signal[]): Look {
  switch (condition.type) {
    case "allOf": {
      const parts = condition.of.map((part) => look(part, signals));
      const done = parts.every((part) => part.done);
      return { done, counted: union(parts), needs: parts.flatMap(({ needs }) => needs) };
    }
    case "count":
      return count(condition, signals);
    default: {
      const first = signals.find((signal) => fits(condition, signal));
      if (first === undefined) {
        return { done: false, counted: new Set(), needs: [{ names: [nameOf(condition)], count: 1 }] };
      }
      return { done: true, counted: new Set([first.id]), needs: [] };
    }
  }
}

function count({ n, distinct, of }: Extract<Condition, { type: "count" }>, signals: readonly Signal[]): Look {
  /** What counts, by what must differ. */
  const found = new Map<string, ReadonlySet<string>>();
  const partly: Look[] = [];
  for (const [i, part] of of.entries()) {
    if (!("of" in part)) {
      for (const signal of signals) {
        const key = `/${keyOf(signal, distinct)}`;
        if (fits(part, signal) && !found.has(key)) found.set(key, new Set([signal.id]));
      }
      continue;
    }
    // A part that is made of several signals has no one sender: it counts once.
    const whole = look(part, signals);
    if (whole.done) found.set(`#${i}`, whole.counted);
    else partly.push(whole);
  }
  if (found.size >= n) {
    // The earliest that are enough.
    const place = new Map(signals.map(({ id }, i) => [id, i]));
    const last = (ids: ReadonlySet<string>) => Math.max(...[...ids].map((id) => place.get(id)!));
    const first = [...found.values()].sort((a, b) => last(a) - last(b)).slice(0, n);
    return { done: true, counted: new Set(first.flatMap((ids) => [...ids])), needs: [] };
  }
  const counted = [...found.values()].flatMap((ids) => [...ids]);
  const names = [...new Set(of.flatMap(namesOf))];
  return {
    done: false,
    counted: new Set([...counted, ...union(partly)]),
    needs: [{ names, count: n - found.size }],
  };
}

function keyOf(signal: Signal, distinct: typeof DISTINCT[number]): string {
  if (distinct === "signals") return signal.id;
  return distinct === "sources" ? signal.source : signal.waitpoint ?? "";
}

function union(parts: readonly Look[]): ReadonlySet<string> {
  return new Set(parts.flatMap(({ counted }) => [...counted]));
}

function namesOf(condition: Condition): string[] {
  return "of" in condition ? condition.of.flatMap(namesOf) : [nameOf(condition)];
}

function nameOf(leaf: Leaf): string {
  return leaf.type === "signal" ? leaf.name : leaf.type;
}

function fits(leaf: Leaf, signal: Signal): boolean {
  if (leaf.type !== "signal") return signal.type === leaf.type;
  if (signal.type !== undefined || signal.name !== leaf.name) return false;
  return leaf.match === undefined || holds(payloadOf(signal), leaf.match);
}

/** A payload as far as it is known without reading it. */
function payloadOf({ payload, facts }: Signal): Json {
  return payload !== undefined && "inline" in payload ? payload.inline : facts ?? null;
}

/** Whether a value holds all that `match` says: an object its keys, a list the same items, anything else itself. */
export function holds(value: Json | undefined, match: Json): boolean {
  if (Array.isArray(match)) {
    return Array.isArray(value) && value.length === match.length &&
      match.every((item, i) => holds(value[i], item));
  }
  if (!isObject(match)) return value === match;
  return isObject(value) &&
    Object.entries(match).every(([key, item]) => Object.hasOwn(value, key) && holds(value[key], item));
}
