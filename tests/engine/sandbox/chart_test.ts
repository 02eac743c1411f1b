import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import { isChart, renderChart } from "../../../engine/sandbox/chart.ts";

const BARS: JsonObject = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  mark: "bar",
  data: { values: [{ x: "a", y: 1 }, { x: "b", y: 2 }] },
  encoding: { x: { field: "x" }, y: { field: "y", type: "quantitative" } },
};

async function svgOf(spec: JsonObject, theme: "light" | "dark" = "light", width?: number): Promise<string> {
  const chart = await renderChart(spec, { theme, ...(width === undefined ? {} : { width }) });
  if (!chart.ok) throw new Error(chart.reason);
  return chart.svg;
}

async function reasonOf(spec: JsonObject): Promise<string> {
  const chart = await renderChart(spec, { theme: "light" });
  if (chart.ok) throw new Error("it was drawn");
  return chart.reason;
}

Deno.test("a specification becomes one SVG picture with its data, in the theme's colours", async () => {
  const [light, dark] = await Promise.all([svgOf(BARS), svgOf(BARS, "dark")]);
  assertMatch(light, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>$/);
  assertEquals(light.match(/aria-roledescription="bar"/g)?.length, 2);
  assert(light !== dark);
  assertStringIncludes(light, "#3b6ea5");
  assertStringIncludes(dark, "#7fb0e3");
  assert(!/<rect[^>]*fill="(white|#fff)/.test(light), "the page must show through");
});

Deno.test("a width holds where the specification gives none", async () => {
  const widthOf = (svg: string) => Number(/ width="(\d+)"/.exec(svg)![1]);
  const [narrow, wide, own] = await Promise.all([
    svgOf(BARS, "light", 200),
    svgOf(BARS, "light", 900),
    svgOf({ ...BARS, width: 200 }, "light", 900),
  ]);
  assert(widthOf(wide!) - widthOf(narrow!) > 600);
  assertEquals(widthOf(own!), widthOf(narrow!));
});

Deno.test("markup in data stays text, and characters that XML cannot write are replaced", async () => {
  const svg = await svgOf({ ...BARS, title: '<script>alert("1")</script>\u0001\ud800' });
  assert(!svg.includes("<script"));
  assertStringIncludes(svg, "&lt;script&gt;");
  // deno-lint-ignore no-control-regex -- control characters are what it looks for
  assert(!/[\u0000-\u0008]/.test(svg) && svg.isWellFormed());
});

Deno.test("SE-701 a chart loads nothing: data, images and links go nowhere", async () => {
  let asked = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    asked++;
    return new Response("[]");
  });
  const url = `http://127.0.0.1:${server.addr.port}/x.json`;
  try {
    assertStringIncludes(await reasonOf({ ...BARS, data: { url } }), url);
    assertStringIncludes(await reasonOf({ ...BARS, mark: { type: "image", url } }), url);
    assertStringIncludes(
      await reasonOf({ ...BARS, data: { url: "file:///etc/hostname" } }),
      "file:///etc/hostname",
    );
    const linked = await svgOf({
      ...BARS,
      encoding: { ...BARS.encoding as JsonObject, href: { value: "javascript:1" } },
    });
    assert(!linked.includes("javascript:"));
  } finally {
    await server.shutdown();
  }
  assertEquals(asked, 0);
});

Deno.test("SE-402 expressions of a specification are interpreted, never compiled", async () => {
  const calculate = (text: string) => ({ ...BARS, transform: [{ calculate: text, as: "y" }] });
  assertEquals((await svgOf(calculate("datum.y * 2"))).match(/aria-roledescription="bar"/g)?.length, 2);
  await reasonOf(calculate("datum.constructor.constructor('return 1')()"));
});

Deno.test("what cannot be drawn has a reason: nonsense, too large, too much", async () => {
  assertMatch(await reasonOf({ mark: "nonsense", data: { values: [] } }), /^The chart cannot be drawn: /);
  const values = Array.from({ length: 100_000 }, (_, i) => ({ x: i, y: i }));
  assertMatch(await reasonOf({ ...BARS, data: { values } }), /over 1 MB/);
  const endless = { ...BARS, data: { sequence: { start: 0, stop: 1e9, as: "x" } } };
  assertMatch(await reasonOf(endless), /too much memory|over 10 s/);
  const picture = { ...BARS, mark: "point", data: { sequence: { start: 0, stop: 20_000, as: "x" } } };
  assertMatch(
    await reasonOf({ ...picture, encoding: { x: { field: "x", type: "quantitative" } } }),
    /over 2 MB/,
  );
});

Deno.test("a chart is known by its $schema alone", () => {
  assert(isChart(BARS));
  const others: Json[] = [
    null,
    [],
    "x",
    {},
    { $schema: 5 },
    { $schema: "https://vega.github.io/schema/vega/v6.json" },
  ];
  for (const other of others) assert(!isChart(other));
});
