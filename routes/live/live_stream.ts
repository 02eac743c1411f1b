/**
 * What an open page hears: the newest run of its notebook, that run's groups, and changes of the file, in one stream.
 * Owns: going from run to run, and on with a run that goes on after its end. Never: making groups; those are the engine's.
 *
 * A message `group` carries the id `run~cursor`, with which a page goes on after a break without gap or repeat.
 */
import type { Clock } from "../../engine/base/clock.ts";
import { EngineError } from "../../engine/base/errors.ts";
import type { Log } from "../../engine/base/log.ts";
import type { Engine, RunSummary } from "../../engine/mod.ts";
import type { WireGroup } from "../../engine/wire/frame.ts";
import { encodeSse } from "../../engine/wire/sse.ts";
import { Bell } from "./bell.ts";
import { eventStream, type Send } from "./event_stream.ts";

/** Groups are sent together when they come closer than this, so that 2,000 tokens a second are 30 messages. */
const FLUSH_MS = 33;
/** Groups held for a client that reads slowly; the run's own stream waits in the store. */
const MAX_HELD = 512;

/** Why a place cannot be gone on from, though the run can be read from its start. */
const PLACE_GONE: ReadonlySet<string> = new Set<EngineError["code"]>(["cursor_invalid", "frames_trimmed"]);

/** Calls back with the hash of a notebook's text whenever it may have changed; returns the function that ends it. */
export type Watch = (notebook: string, changed: (version: string) => void) => () => void;

/** What the stream reads from. */
export interface LiveSources {
  engine: Engine;
  watch: Watch;
  clock: Clock;
  log: Log;
  /** Aborts when the server begins to end. */
  draining: AbortSignal;
}

/** The stream of a page of `notebook`, from the place `after` on. */
export function liveStream(
  request: Request,
  sources: LiveSources,
  notebook: string,
  after: string,
): Response {
  return eventStream(
    request,
    sources,
    (send, signal) => new Follower(sources, notebook, send, signal).follow(after),
  );
}

class Follower {
  readonly #bell = new Bell();
  readonly #room = new Bell();
  #newest: RunSummary | undefined;
  #version: string | undefined;
  #held: WireGroup[] = [];
  #run: string | undefined;
  #pump = new AbortController();
  /** The place asked for is not known any more: begin again. */
  #lost = false;
  /** Where the run followed was when it had ended; absent while it goes on. */
  #endedAt: string | undefined;
  /** It was told of again since: it may have been opened again (EN-606). */
  #toldAgain = false;

  constructor(
    readonly sources: LiveSources,
    readonly notebook: string,
    readonly send: Send,
    readonly signal: AbortSignal,
  ) {}

  async follow(after: string): Promise<void> {
    const { engine, watch, clock } = this.sources;
    const offRun = engine.onRun((run) => this.#hear(run));
    const offFile = watch(this.notebook, (version) => {
      this.#version = version;
      this.#bell.ring();
    });
    try {
      const [newest] = await engine.runs({ notebook: this.notebook, limit: 1 });
      if (newest !== undefined) this.#hear(newest);
      const [run, cursor] = splitPlace(after);
      if (run !== undefined && run === this.#newest?.id) this.#begin(run, cursor);
      while (!this.signal.aborted) {
        await this.#tell();
        await this.#bell.wait(this.signal);
        if (this.#held.length > 0) await clock.sleep(FLUSH_MS, this.signal);
      }
    } finally {
      offRun();
      offFile();
    }
  }

  #hear(run: RunSummary): void {
    if (run.notebook !== this.notebook) return;
    if (this.#newest !== undefined && run.createdAt < this.#newest.createdAt) return;
    this.#newest = run;
    this.#toldAgain ||= run.id === this.#run;
    this.#goOn();
    this.#bell.ring();
  }

  /** Follows a run on that had ended and was told of again. */
  #goOn(): void {
    if (!this.#toldAgain || this.#endedAt === undefined || this.#run !== this.#newest?.id) return;
    this.#pump.abort();
    this.#start(this.#run!, this.#endedAt);
  }

  /** Sends what there is: first what belongs to the run followed so far. */
  async #tell(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    this.#room.ring();
    const last = held.at(-1);
    if (last !== undefined) {
      const group = { run: this.#run, cursor: last.cursor, items: held.flatMap(({ items }) => items) };
      const data = JSON.stringify(last.end ? { ...group, end: true } : group);
      await this.send(encodeSse({ event: "group", id: `${this.#run}~${last.cursor}`, data }));
    }
    if (this.#version !== undefined) {
      const version = this.#version;
      this.#version = undefined;
      await this.send(encodeSse({ event: "changed", data: JSON.stringify({ version }) }));
    }
    const newest = this.#newest?.id;
    if (newest === undefined || (newest === this.#run && !this.#lost)) return;
    const again = this.#lost;
    this.#lost = false;
    await this.send(
      encodeSse({ event: "run", data: JSON.stringify({ run: newest, ...again ? { again } : {} }) }),
    );
    this.#begin(newest, undefined);
  }

  #begin(run: string, cursor: string | undefined): void {
    this.#pump.abort();
    this.#held = [];
    this.#run = run;
    this.#start(run, cursor);
  }

  #start(run: string, cursor: string | undefined): void {
    this.#endedAt = undefined;
    this.#toldAgain = false;
    this.#pump = new AbortController();
    void this.#pull(run, cursor, AbortSignal.any([this.#pump.signal, this.signal]));
  }

  async #pull(run: string, after: string | undefined, signal: AbortSignal): Promise<void> {
    let place = after;
    try {
      for await (
        const group of this.sources.engine.follow(run, { signal, ...after === undefined ? {} : { after } })
      ) {
        if (signal.aborted) return;
        place = group.cursor;
        // What ends nothing and holds nothing says only that the run has not gone on since.
        if (group.items.length > 0) this.#held.push(group);
        this.#bell.ring();
        while (this.#held.length >= MAX_HELD && !signal.aborted) await this.#room.wait(signal);
      }
      if (signal.aborted) return;
      this.#endedAt = place;
      this.#goOn();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof EngineError && PLACE_GONE.has(error.code) && after !== undefined) {
        this.#lost = true;
        this.#bell.ring();
        return;
      }
      this.sources.log.write({
        level: "error",
        source: "http",
        runId: run,
        message: `Following broke: ${String(error)}`,
      });
    }
  }
}

/** `run~cursor`; nothing for text of another form. */
function splitPlace(place: string): [run?: string, cursor?: string] {
  const at = place.indexOf("~");
  return at <= 0 || place.length > 4096 ? [] : [place.slice(0, at), place.slice(at + 1)];
}
