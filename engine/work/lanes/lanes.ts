/**
 * Lanes as whoever looks after them sees and sets them (AP-910, AP-911). Owns: reading and writing their rules, from any
 * process. Never: whose turn it is.
 */
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import { LANE_NAME } from "../../notebook/syntax/lane_name.ts";
import { encodeRecord } from "../../store/codec.ts";
import { LANE, laneKey, lanePrefix, lastText, leasePrefix, readyPrefix, runKey } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { headIn } from "../journal.ts";
import { readLane, readLease } from "../records.ts";
import { LANE_STATES, type LaneRules, LEAST_WEIGHT, MOST_WEIGHT, OPEN_LANE } from "./lane.ts";

/** Ready runs that are counted, at most. */
const MOST_COUNTED = 1_000;
const TTL_MS = 15_000;

/** A lane and what is in it. */
export interface LaneState extends LaneRules {
  name: string;
  /** Runs that wait for their turn; counted up to 1,000. */
  ready: number;
  /** Runs that a worker has. */
  active: number;
  /** How long the one of them that waits longest has waited, in ms; absent if none does. */
  oldestMs?: number;
}

/** New rules: what is absent stays; `maxRuns: null` takes the limit away. */
export interface LaneChange {
  weight?: number;
  maxRuns?: number | null;
  state?: LaneRules["state"];
}

/** What the front doors may ask of lanes. Throws `lane_not_found` and `schema_invalid`. */
export interface Lanes {
  /** All lanes that somebody has made, and the default one, by name. */
  list(): Promise<LaneState[]>;
  get(name: string): Promise<LaneState>;
  /** Makes a lane or changes its rules; `made` if it was not there. */
  put(name: string, change: LaneChange): Promise<{ lane: LaneState; made: boolean }>;
}

/** What they need. `changed` is called when the rules have changed. */
export interface LanePorts {
  store: Store;
  clock: Clock;
  ids: Ids;
  changed(): void;
}

/** The rules of a lane, or nothing for one that nobody has made. The default lane is always there. */
export async function rulesOf(store: Store, name: string): Promise<LaneRules | undefined> {
  const [entry] = await store.get([laneKey(name)]);
  if (entry !== undefined) return readLane(entry);
  return name === LANE ? OPEN_LANE : undefined;
}

/** See {@link Lanes}. */
export function openLanes({ store, clock, ids, changed }: LanePorts): Lanes {
  const all = async () => {
    const found = new Map<string, LaneRules>([[LANE, OPEN_LANE]]);
    for await (const entry of store.list(lanePrefix)) found.set(lastText(entry.key), readLane(entry));
    return [...found].sort(([a], [b]) => a < b ? -1 : 1);
  };
  const active = async () => {
    const counts = new Map<string, number>();
    for await (const entry of store.list(leasePrefix)) {
      const { lane = LANE } = readLease(entry);
      counts.set(lane, (counts.get(lane) ?? 0) + 1);
    }
    return counts;
  };
  const stateOf = async (name: string, rules: LaneRules, counts: Map<string, number>): Promise<LaneState> => {
    const ready = await Array.fromAsync(store.list(readyPrefix(name), { limit: MOST_COUNTED }));
    const heads = await store.get(ready.map(({ key }) => runKey(lastText(key))));
    let oldest = Infinity;
    for (const entry of heads) {
      const head = entry && headIn(entry);
      if (head !== undefined) oldest = Math.min(oldest, head.startAt ?? head.createdAt);
    }
    return {
      name,
      ...rules,
      ready: ready.length,
      active: counts.get(name) ?? 0,
      ...(oldest === Infinity ? {} : { oldestMs: Math.max(0, clock.now() - oldest) }),
    };
  };
  const get = async (name: string) => {
    const rules = await rulesOf(store, name);
    if (rules === undefined) {
      throw new EngineError("lane_not_found", `No lane has this name: ${name.slice(0, 64)}`);
    }
    return await stateOf(name, rules, await active());
  };
  return {
    async list() {
      const counts = await active();
      return await Promise.all((await all()).map(([name, rules]) => stateOf(name, rules, counts)));
    },
    get,
    async put(name, change) {
      if (!LANE_NAME.test(name)) {
        throw new EngineError(
          "schema_invalid",
          `A lane's name has letters, digits and . _ -, 64 at most: ${name.slice(0, 64)}`,
        );
      }
      checkChange(change);
      const made = await write(store, ids, name, change);
      changed();
      return { lane: await get(name), made };
    },
  };
}

/** Writes under a session of its own, so that any process may, whoever works on the store. */
async function write(store: Store, ids: Ids, name: string, change: LaneChange): Promise<boolean> {
  const session = await store.openSession(ids.next("wrk"), TTL_MS, "");
  if (session === undefined) throw new EngineError("internal", "Two sessions drew one id");
  try {
    for (;;) {
      const key = laneKey(name);
      const [entry] = await store.get([key]);
      const { weight, maxRuns, state } = change;
      const before = entry === undefined ? OPEN_LANE : readLane(entry);
      const limit = maxRuns === undefined ? before.maxRuns : maxRuns ?? undefined;
      const rules: LaneRules = {
        weight: weight ?? before.weight,
        ...(limit === undefined ? {} : { maxRuns: limit }),
        state: state ?? before.state,
      };
      const checks = [{ key, version: entry?.version ?? null }];
      const answer = await store.commit(session, checks, [{ key, value: encodeRecord(rules) }], []);
      if (answer === "ok") return entry === undefined && name !== LANE;
      if (answer === "fenced") throw new EngineError("session_lost", "The lane was not changed; try again");
    }
  } finally {
    await store.closeSession(session);
  }
}

function checkChange({ weight, maxRuns, state }: LaneChange): void {
  const refuse = (message: string) => {
    throw new EngineError("schema_invalid", message);
  };
  if (weight !== undefined && !(weight >= LEAST_WEIGHT && weight <= MOST_WEIGHT)) {
    refuse(`A weight is a number from ${LEAST_WEIGHT} to ${MOST_WEIGHT}: ${weight}`);
  }
  if (maxRuns !== undefined && maxRuns !== null && !(Number.isInteger(maxRuns) && maxRuns >= 0)) {
    refuse(`A lane's maxRuns is a whole number from 0, or null for none: ${maxRuns}`);
  }
  if (state !== undefined && !LANE_STATES.includes(state)) {
    refuse(`A lane is one of ${LANE_STATES.join(", ")}: ${state}`);
  }
}
