/** When budgets begin anew. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isTimeZone, periodOf, RESETS } from "../../../../engine/run/spend/calendar.ts";

const at = (text: string) => Date.parse(text);
const shown = (text: string, reset: typeof RESETS[number], timeZone?: string) => {
  const { from, to } = periodOf(at(text), reset, timeZone);
  return [new Date(from).toISOString().slice(0, 16), new Date(to).toISOString().slice(0, 16)];
};

Deno.test("EN-1107 a day, a week and a month follow the calendar of their zone", () => {
  assertEquals(shown("2026-11-26T16:00:00Z", "day"), ["2026-11-26T00:00", "2026-11-27T00:00"]);
  assertEquals(shown("2026-11-26T16:00:00Z", "week"), ["2026-11-23T00:00", "2026-11-30T00:00"]);
  assertEquals(shown("2026-12-31T23:59:59Z", "month"), ["2026-12-01T00:00", "2027-01-01T00:00"]);
  assertEquals(shown("2026-11-26T23:30:00Z", "day", "Europe/Berlin"), [
    "2026-11-26T23:00",
    "2026-11-27T23:00",
  ]);
  assertEquals(shown("2026-03-29T12:00:00Z", "day", "Europe/Berlin"), [
    "2026-03-28T23:00",
    "2026-03-29T22:00",
  ]);
  assertEquals(shown("2026-10-25T12:00:00Z", "day", "Europe/Berlin"), [
    "2026-10-24T22:00",
    "2026-10-25T23:00",
  ]);
  assertEquals(shown("2026-11-26T04:59:00Z", "day", "America/New_York"), [
    "2026-11-25T05:00",
    "2026-11-26T05:00",
  ]);
  assertEquals([isTimeZone("Europe/Berlin"), isTimeZone("Europe/Nowhere")], [true, false]);
});

Deno.test("EN-1107 every moment lies in one period, and periods follow each other without a gap", () => {
  const times = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2035-01-01T00:00:00Z") });
  const zones = fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Auckland",
  );
  fc.assert(fc.property(times, fc.constantFrom(...RESETS), zones, (time, reset, zone) => {
    const { from, to } = periodOf(time, reset, zone);
    assert(from <= time && time < to);
    assertEquals(periodOf(from, reset, zone), { from, to });
    assertEquals(periodOf(to, reset, zone).from, to);
    assertEquals(periodOf(from - 1, reset, zone).to, from);
  }));
});
