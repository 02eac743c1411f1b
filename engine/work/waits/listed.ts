/**
 * The waitpoints of all runs as the store lists them. Owns: what is written of them in the commit that opens, answers or
 * closes one.
 *
 * C4 Closing is bounded in a turn. What a run that ends closes beyond that stays listed until the run is deleted; whoever
 * lists looks at the heads of runs.
 */
import type { Millis } from "../../base/clock.ts";
import type { RunEvent } from "../../run/event.ts";
import type { Run } from "../../run/state.ts";
import type { Signal, Waitpoint } from "../../run/waits/types.ts";
import { encodeRecord } from "../../store/codec.ts";
import { openWaitpointKey, waitpointKey } from "../../store/keys.ts";
import type { Key, Put } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { WaitpointRecord } from "./record.ts";

/** Waitpoints that one turn closes. */
const MOST_CLOSED = 60;
/** Answers that a record tells of, and characters of a note. */
const MOST_ANSWERS = 20;
const MOST_NOTE = 500;

/** What one turn writes of waitpoints. A run that has none costs a comparison. */
export class WaitpointWrites {
  readonly puts: Put[] = [];
  readonly deletes: Key[] = [];
  #closed = 0;

  constructor(private readonly at: Millis) {}

  /** Adds what the events of a run have changed. */
  add(live: LiveRun, events: readonly RunEvent[]): void {
    const { run, listed } = live;
    if (run.waitpoints !== listed) this.#changes(live, listed ?? []);
    for (const event of events) {
      const id = event.type === "signal.received" ? event.signal.waitpoint : undefined;
      const open = id === undefined ? undefined : run.waitpoints?.find((waitpoint) => waitpoint.id === id);
      if (open !== undefined) this.#put(run, open);
    }
  }

  #changes(live: LiveRun, listed: readonly Waitpoint[]): void {
    const { run } = live;
    const open = new Set((run.waitpoints ?? []).map(({ id }) => id));
    const before = new Set(listed.map(({ id }) => id));
    for (const waitpoint of run.waitpoints ?? []) {
      if (before.has(waitpoint.id)) continue;
      this.#put(run, waitpoint);
      this.puts.push({ key: placeOf(waitpoint), value: encodeRecord(null) });
    }
    for (const waitpoint of listed) {
      if (open.has(waitpoint.id) || ++this.#closed > MOST_CLOSED) continue;
      this.#put(run, waitpoint, this.at);
      this.deletes.push(placeOf(waitpoint));
    }
    live.listed = run.waitpoints;
  }

  #put(run: Run, waitpoint: Waitpoint, closedAt?: Millis): void {
    const { signals } = run.steps.get(waitpoint.step)!;
    // While it is open its signals wait in the run; what closed it is the step's.
    const answers = [...closedAt === undefined ? run.signals ?? [] : signals ?? []]
      .filter((signal) => signal.waitpoint === waitpoint.id || signal.type !== undefined);
    const record: WaitpointRecord = {
      ...waitpoint,
      run: run.id,
      notebook: run.notebook,
      author: run.author,
      answers: answers.slice(0, MOST_ANSWERS).map(answerOf),
      ...(closedAt === undefined ? {} : { closedAt }),
    };
    this.puts.push({ key: waitpointKey(run.id, waitpoint.id), value: encodeRecord(record) });
  }
}

/** Where an open waitpoint is listed. */
export function placeOf({ wait, createdAt, id }: Waitpoint): Key {
  return openWaitpointKey(wait ?? "opened", createdAt, id);
}

function answerOf({ name, source, at, payload, type }: Signal): WaitpointRecord["answers"][number] {
  const said = payload !== undefined && "inline" in payload ? payload.inline : undefined;
  const note = typeof said === "object" && said !== null && !Array.isArray(said) ? said.note : undefined;
  return {
    name,
    source,
    at,
    ...(type === undefined ? {} : { type }),
    ...(typeof note === "string" ? { note: note.slice(0, MOST_NOTE) } : {}),
  };
}
