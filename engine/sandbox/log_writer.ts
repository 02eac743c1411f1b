/**
 * What a cell prints, as frames that a run can afford. Owns: how many frames a chatty cell makes.
 * Never: dropping a line.
 */
import type { Clock } from "../base/clock.ts";
import type { FrameBody } from "../wire/frame.ts";

type Level = Extract<FrameBody, { type: "log" }>["level"];

/** As many lines as a page keeps come one by one; after them lines of one level are joined. */
const SINGLE_LINES = 1000;
const JOINED_LENGTH = 16_384;
/** Longest time that a line waits for others to join it. */
const JOINING_MS = 100;

/** Takes lines in order; `flush` sends what is being joined and must be called at the end. */
export interface LogWriter {
  write(level: Level, text: string): void;
  flush(): void;
}

/**
 * A writer of `log` frames.
 *
 * @example
 * ```ts
 * import { systemClock } from "../base/clock.ts";
 * const frames: unknown[] = [];
 * const log = logWriter((frame) => frames.push(frame), systemClock);
 * for (let i = 0; i < 20_000; i++) log.write("info", `line ${i}`);
 * log.flush();
 * if (frames.length > 1100) throw new Error("too many frames");
 * ```
 */
export function logWriter(emit: (frame: FrameBody) => void, clock: Clock): LogWriter {
  let singles = 0;
  let level: Level = "info";
  let held: string[] = [];
  let heldLength = 0;
  let waiting = new AbortController();
  const flush = () => {
    if (held.length === 0) return;
    waiting.abort();
    emit({ type: "log", level, text: held.join("\n") });
    held = [];
    heldLength = 0;
  };
  return {
    write(lineLevel, text) {
      const line = text.length > JOINED_LENGTH * 2
        ? `${text.slice(0, JOINED_LENGTH)}... ${text.length - JOINED_LENGTH} characters cut`
        : text;
      if (singles < SINGLE_LINES) {
        singles++;
        emit({ type: "log", level: lineLevel, text: line });
        return;
      }
      if (lineLevel !== level || heldLength + line.length > JOINED_LENGTH) flush();
      if (held.length === 0) {
        const wait = waiting = new AbortController();
        clock.sleep(JOINING_MS, wait.signal).then(() => wait.signal.aborted || flush());
      }
      level = lineLevel;
      held.push(line);
      heldLength += line.length + 1;
    },
    flush,
  };
}
