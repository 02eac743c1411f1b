/**
 * Log entries. Owns: their shape and where a process writes them (stderr). Never: what is logged.
 */
import type { Clock, Millis } from "./clock.ts";
import type { JsonObject } from "./json.ts";

/** How much an entry matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line of a log; fields that do not apply are absent. */
export interface LogEntry {
  at: Millis;
  level: LogLevel;
  message: string;
  source: "engine" | "cell" | "http";
  code?: string;
  runId?: string;
  cell?: string;
  attempt?: number;
  durationMs?: number;
  metadata?: JsonObject;
}

/** Takes entries; `at` is filled in. */
export interface Log {
  write(entry: Omit<LogEntry, "at">): void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };
const LONGEST_MESSAGE = 4096;

/** A log that keeps nothing, for tests that do not look at it. */
export const noLog: Log = { write() {} };

/**
 * A log that writes each entry from `level` upwards as one line through `print`: JSON, or readable text for
 * a terminal. Line breaks and control characters in a message are escaped, so that an entry is one line.
 *
 * @example
 * ```ts
 * import { systemClock } from "./clock.ts";
 * const lines: string[] = [];
 * const log = lineLog({ clock: systemClock, level: "warn", readable: true, print: (line) => lines.push(line) });
 * log.write({ level: "info", message: "not shown", source: "engine" });
 * log.write({ level: "error", message: "two\nlines", source: "engine" });
 * if (lines.length !== 1 || lines[0]!.includes("\n")) throw new Error("not one line");
 * ```
 */
export function lineLog(
  { clock, level, readable, print }: {
    clock: Clock;
    level: LogLevel;
    readable: boolean;
    print: (line: string) => void;
  },
): Log {
  return {
    write(entry) {
      if (RANK[entry.level] < RANK[level]) return;
      const full: LogEntry = { at: clock.now(), ...entry, message: cut(entry.message) };
      print(readable ? readableLine(full) : JSON.stringify(full));
    },
  };
}

function readableLine({ at, level, message, cell, runId }: LogEntry): string {
  const where = [runId, cell].filter((part) => part !== undefined).join(" ");
  const time = new Date(at).toISOString().slice(11, 23);
  return `${time} ${level.padEnd(5)} ${where === "" ? "" : `[${where}] `}${escapeControls(message)}`;
}

function cut(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  return `${message.slice(0, LONGEST_MESSAGE)}... ${message.length - LONGEST_MESSAGE} characters cut`;
}

function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what it looks for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => JSON.stringify(c).slice(1, -1));
}
