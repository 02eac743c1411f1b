/**
 * Vega-Lite specifications as pictures. Owns: the limits of drawing. Never: drawing in this process.
 *
 * The picture is meant for `<img src="data:image/svg+xml,...">`, where a browser runs no script and loads nothing.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { isObject, type Json } from "../base/json.ts";
import { bundle } from "./bundle.ts";
import { chartConfig, type ChartTheme } from "./chart_theme.ts";
import { launch } from "./launch.ts";
import { readLines, readTail } from "./read_lines.ts";

/** How a chart is drawn. */
export interface ChartOptions {
  theme: ChartTheme;
  /** Width of the plot in pixels, 50 to 4,000, where the specification gives none. */
  width?: number;
  /** Default: the machine's. */
  clock?: Clock;
}

/** A picture, or a sentence that says why there is none. */
export type Chart = { ok: true; svg: string } | { ok: false; reason: string };

const TIMEOUT_MS = 10_000;
const SPEC_LENGTH = 1024 * 1024;
const SVG_BYTES = 2 * 1024 * 1024;
/** Charts drawn at a time; a page full of them must not take the whole machine. */
const AT_ONCE = 2;

/** Characters that XML has no way to write; one in a label would make the whole picture unreadable. */
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

let drawing = 0;
const waiting: (() => void)[] = [];

/** Whether a value says that it is a Vega-Lite specification. */
export function isChart(value: Json): boolean {
  return isObject(value) && typeof value.$schema === "string" &&
    value.$schema.includes("vega.github.io/schema/vega-lite");
}

/**
 * Draws a specification in a child process without permissions. Takes about 300 ms, the first time twice that.
 * Data must stand in the specification: a URL in it is refused.
 *
 * @example
 * ```ts
 * const chart = await renderChart({
 *   mark: "bar",
 *   data: { values: [{ x: "a", y: 1 }, { x: "b", y: 2 }] },
 *   encoding: { x: { field: "x" }, y: { field: "y", type: "quantitative" } },
 * }, { theme: "light" });
 * if (!chart.ok || !chart.svg.startsWith("<svg")) throw new Error("no picture");
 * ```
 */
export async function renderChart(spec: Json, options: ChartOptions): Promise<Chart> {
  if (!isObject(spec)) return { ok: false, reason: "A chart specification must be an object" };
  const width = spec.width === undefined && options.width !== undefined
    ? Math.round(Math.min(4000, Math.max(50, options.width)))
    : undefined;
  const request = JSON.stringify({ spec, width, config: chartConfig(options.theme) });
  if (request.length > SPEC_LENGTH) {
    return { ok: false, reason: "The chart specification is over 1 MB: give it fewer rows" };
  }
  while (drawing >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  drawing++;
  try {
    return await draw(request, options.clock ?? systemClock);
  } finally {
    drawing--;
    waiting.shift()?.();
  }
}

async function draw(request: string, clock: Clock): Promise<Chart> {
  const text = await bundle("child_chart.ts");
  const child = await launch({ program: { text }, heapMb: 256, memoryMb: 1000, cpuSeconds: 60 });
  const over = new AbortController();
  let late = false;
  clock.sleep(TIMEOUT_MS, over.signal).then(() => {
    if (over.signal.aborted) return;
    late = true;
    child.kill();
  });
  const told = readTail(child.stderr, 4096);
  try {
    // A child that dies breaks the pipe; the missing answer says so.
    new Blob([request]).stream().pipeTo(child.stdin).catch(() => {});
    for await (const { lines, overflow } of readLines(child.stdout, 2 * SVG_BYTES)) {
      if (overflow) return tooLarge();
      if (lines[0] !== undefined) return toChart(lines[0]);
    }
    if (late) return { ok: false, reason: "The chart took over 10 s to draw" };
    const memory = /out of memory|heap limit|allocation/i.test(await told);
    return { ok: false, reason: memory ? "The chart used too much memory" : "The chart cannot be drawn" };
  } finally {
    over.abort();
    child.kill();
    await Promise.all([child.ended, told]);
  }
}

function toChart(line: string): Chart {
  const { svg, problem } = JSON.parse(line) as { svg?: string; problem?: string };
  if (problem !== undefined || svg === undefined) {
    return { ok: false, reason: `The chart cannot be drawn: ${(problem ?? "no picture").slice(0, 1000)}` };
  }
  if (new TextEncoder().encode(svg).length > SVG_BYTES) return tooLarge();
  return { ok: true, svg: svg.toWellFormed().replace(NOT_XML, "\ufffd") };
}

const tooLarge = (): Chart => ({ ok: false, reason: "The chart's picture is over 2 MB: draw fewer marks" });
