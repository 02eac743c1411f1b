/**
 * Numbers as a person reads them. Owns: durations, times of day, sizes, money. Pure, browser-safe.
 */

/**
 * ST-237: under 60 s one decimal, then m:ss, then h:mm:ss.
 *
 * @example
 * ```ts
 * const read = [0, 12_340, 59_940, 59_960, 61_000, 3_661_000].map(formatDuration).join(" | ");
 * if (read !== "0.0 s | 12.3 s | 59.9 s | 1:00 | 1:01 | 1:01:01") throw new Error(read);
 * ```
 */
export function formatDuration(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.floor(tenths / 10);
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Time of day where the reader is, `HH:MM`. */
export function formatClock(at: number): string {
  const date = new Date(at);
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}

/**
 * A day and a time where the server is, in one zone for all readers: `today 20:58`, else `20 Nov 2026`.
 *
 * @example
 * ```ts
 * const now = new Date(2026, 10, 20, 23, 59).getTime();
 * const read = [now - 60_000, now - 86_400_000].map((at) => formatDay(at, now)).join(" | ");
 * if (read !== "today 23:58 | 19 Nov 2026") throw new Error(read);
 * ```
 */
export function formatDay(at: number, now: number): string {
  const [day, today] = [new Date(at), new Date(now)];
  if (day.toDateString() === today.toDateString()) return `today ${formatClock(at)}`;
  return `${day.getDate()} ${MONTHS[day.getMonth()]} ${day.getFullYear()}`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * SG-085: a size in bytes.
 *
 * @example
 * ```ts
 * if ([512, 1536, 3355443].map(formatBytes).join(" ") !== "512B 1.50KB 3.20MB") throw new Error("not the form");
 * ```
 */
export function formatBytes(bytes: number): string {
  const units = ["KB", "MB", "GB"];
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(2)}${units[unit]}`;
}

/** Millionths of a dollar with 4 decimals. */
export function formatUsd(micros: number): string {
  return `$${(micros / 1_000_000).toFixed(4)}`;
}

/** `1 cell`, `2 cells`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
