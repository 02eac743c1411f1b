/**
 * The lanes as a worker knows them. Owns: how old that knowledge may be, and which lanes it starts runs of.
 */
import type { Clock } from "../../base/clock.ts";
import { LANE, lanePrefix, lastText } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { readLane } from "../records.ts";
import { type LaneRules, OPEN_LANE, startsRuns } from "./lane.ts";
import { Stride } from "./stride.ts";

/** How long what was read holds. */
const FRESH_MS = 200;

/** A lane that runs may be claimed from. */
export interface OpenLane extends LaneRules {
  name: string;
}

/** See the module comment. */
export class LaneBook {
  /** Whose turn it is, over the whole life of the worker. */
  readonly stride = new Stride();
  readonly #rules = new Map<string, LaneRules>();
  #readAt = -Infinity;

  /** @param serves the lanes whose runs the worker takes up by itself; absent: all */
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly serves?: readonly string[],
  ) {}

  /** Reads the lanes again unless that was done a moment ago. */
  async refresh(): Promise<void> {
    if (this.clock.monotonic() - this.#readAt < FRESH_MS) return;
    const found = new Map<string, LaneRules>();
    for await (const entry of this.store.list(lanePrefix)) found.set(lastText(entry.key), readLane(entry));
    this.#rules.clear();
    for (const [name, rules] of found) this.#rules.set(name, rules);
    this.#readAt = this.clock.monotonic();
  }

  /** What was read is not true any more. */
  forget(): void {
    this.#readAt = -Infinity;
  }

  /** The rules of a lane as last read. */
  of(lane: string): LaneRules {
    return this.#rules.get(lane) ?? OPEN_LANE;
  }

  /** Lanes whose runs this worker may start, by name. */
  open(): OpenLane[] {
    const names = this.serves ?? [...new Set([LANE, ...this.#rules.keys()])].sort();
    return names.map((name) => ({ name, ...this.of(name) })).filter(startsRuns);
  }

  /** Whether a run of this lane may be started at once, without a look at its place in the queue. */
  free(lane: string = LANE): boolean {
    const rules = this.of(lane);
    return (this.serves?.includes(lane) ?? true) && startsRuns(rules) && rules.maxRuns === undefined;
  }
}
