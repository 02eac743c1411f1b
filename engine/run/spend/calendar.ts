/**
 * When a budget begins anew. Owns: the calendar of days, weeks and months in a time zone (EN-1107). Pure.
 */
import type { Millis } from "../../base/clock.ts";

/** How often a budget begins anew; a week begins on Monday. */
export const RESETS = ["day", "week", "month"] as const;

/** One of {@link RESETS}. */
export type Reset = typeof RESETS[number];

/** When the period that `at` lies in began, and when the next one begins. */
export interface Period {
  from: Millis;
  to: Millis;
}

/**
 * The period of a time.
 *
 * @param timeZone an IANA name such as `Europe/Berlin`; UTC if absent
 *
 * @example
 * ```ts
 * const { from, to } = periodOf(Date.parse("2026-03-29T12:00:00Z"), "day", "Europe/Berlin");
 * if (new Date(from).toISOString() !== "2026-03-28T23:00:00.000Z") throw new Error("not its midnight");
 * if (to - from !== 23 * 3_600_000) throw new Error("that day has 23 hours");
 * ```
 */
export function periodOf(at: Millis, reset: Reset, timeZone = "UTC"): Period {
  const { year, month, day, weekday } = localDate(at, timeZone);
  switch (reset) {
    case "day":
      return between([year, month, day], [year, month, day + 1], timeZone);
    case "week":
      return between([year, month, day - weekday], [year, month, day - weekday + 7], timeZone);
    case "month":
      return between([year, month, 1], [year, month + 1, 1], timeZone);
  }
}

/** Whether there is such a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

type Day = readonly [year: number, month: number, day: number];

function between(from: Day, to: Day, timeZone: string): Period {
  return { from: midnight(from, timeZone), to: midnight(to, timeZone) };
}

/** The first moment of a day; where its midnight is left out, what comes after it. */
function midnight([year, month, day]: Day, timeZone: string): Millis {
  const wanted = Date.UTC(year, month - 1, day);
  // An offset is at most 14 h, and the one there may differ from the one here.
  let guess = wanted;
  for (let i = 0; i < 3; i++) guess = wanted - offsetAt(guess, timeZone);
  const before = guess - 3_600_000;
  return before + offsetAt(before, timeZone) >= wanted ? before : guess;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, format);
  return format;
}

/** By how much local time is ahead of UTC. */
function offsetAt(at: Millis, timeZone: string): Millis {
  const whole = Math.floor(at / 1000) * 1000;
  const parts = Object.fromEntries(
    formatOf(timeZone).formatToParts(whole).map(({ type, value }) => [type, Number(value)]),
  );
  const { year, month, day, hour, minute, second } = parts as Record<string, number>;
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - whole;
}

/** The date of a time as a calendar on the wall shows it; Monday is 0. */
function localDate(at: Millis, timeZone: string) {
  const local = new Date(at + offsetAt(at, timeZone));
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    weekday: (local.getUTCDay() + 6) % 7,
  };
}
