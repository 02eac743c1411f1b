/**
 * Following a run in the terminal to its end, whoever runs it. Owns: becoming the store's owner when the one that had it
 * ends before the run does.
 */
import { systemClock } from "../engine/base/clock.ts";
import { EngineError } from "../engine/base/errors.ts";
import type { Engine, Wait } from "../engine/mod.ts";
import type { WireEvent } from "../engine/wire/frame.ts";
import type { Io } from "./io.ts";
import { openStudio, type Studio, type StudioOptions } from "./open_studio.ts";
import { progressOf } from "./progress.ts";
import type { Settings } from "./settings.ts";

/**
 * Prints a run's progress until it ends or the person interrupts.
 *
 * @param options how to open the studio if it becomes this process's to run it
 * @param leaves ends as soon as only a person can help the run on
 * @returns the studio that is open now, which may be another than the one given, and whether the run has ended or what
 * it waits for
 */
export async function followRun(
  studio: Studio,
  run: string,
  settings: Settings,
  io: Io,
  options: StudioOptions,
  leaves = false,
): Promise<{ studio: Studio; done: boolean; waits?: Wait }> {
  const progress = progressOf(io.err);
  let after: string | undefined;
  let waits: Wait | undefined;
  while (after !== "end") {
    const successor = studio.client ? takeOver(settings, io, options) : undefined;
    const { engine } = studio;
    const stops = leaves ? async () => (waits = await forPerson(engine, run)) !== undefined : undefined;
    after = await follow(engine, run, after, progress, io, successor?.signal, stops);
    const next = await successor?.end(after === "end" || waits !== undefined);
    if (waits !== undefined) return { studio, done: false, waits };
    if (next !== undefined) {
      await studio.close();
      studio = next;
    } else if (after !== "end") return { studio, done: false };
  }
  return { studio, done: true };
}

/** Tries once a second to become the store's owner, while another process has it. */
function takeOver(settings: Settings, io: Io, options: StudioOptions) {
  const over = new AbortController();
  const found = new AbortController();
  const opened = (async (): Promise<Studio | undefined> => {
    while (!over.signal.aborted && !io.signal.aborted) {
      await systemClock.sleep(1000, over.signal);
      if (over.signal.aborted) return undefined;
      try {
        return await openStudio(settings, io, options);
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== "store_in_use") throw error;
      }
    }
  })().finally(() => found.abort());
  return {
    /** Aborts when the store is this process's. */
    signal: found.signal,
    /** The studio that owns the store now, if there is one and the run still needs it. */
    async end(done: boolean): Promise<Studio | undefined> {
      if (!found.signal.aborted) over.abort();
      const studio = await opened;
      if (!done) return studio;
      await studio?.close();
    },
  };
}

/** Follows a run from `after`; the cursor to go on from, or `end`. */
async function follow(
  engine: Engine,
  run: string,
  after: string | undefined,
  progress: (event: WireEvent) => void,
  io: Io,
  until?: AbortSignal,
  stops?: () => Promise<boolean>,
): Promise<string | undefined> {
  const signal = until === undefined ? io.signal : AbortSignal.any([io.signal, until]);
  for await (const { items, cursor, end } of engine.follow(run, { after, signal })) {
    for (const item of items) if (item.kind === "event") progress(item.event);
    after = cursor;
    if (end) return "end";
    if (stops !== undefined && items.some(({ kind }) => kind === "event") && await stops()) return after;
  }
  return after;
}

/** Waits that end only when a person does something, as far as the run can tell. */
const OF_PEOPLE: ReadonlySet<Wait["wait"]> = new Set(["approval", "signal", "doubt", "budget", "operator"]);

/** What a run waits for, if only a person can help it on. */
async function forPerson(engine: Engine, run: string): Promise<Wait | undefined> {
  const { wait } = await engine.state(run);
  return wait !== undefined && OF_PEOPLE.has(wait.wait) ? wait : undefined;
}
