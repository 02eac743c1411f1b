import { assert } from "@std/assert";

const css = await Deno.readTextFile(new URL("../../static/tokens.css", import.meta.url));
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)].map((
    [, name, light, dark],
  ) => [name!, [light!, dark!]]),
);

/** Relative luminance, WCAG 2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
}

const GROUNDS = ["bg", "surface", "sunken"];
const TONES = ["good", "run", "wait", "queue", "warn", "bad", "idle", "stale"];
const PAIRS: [text: string, ground: string, least: number][] = [
  ...["text", "muted", "accent", "accent-strong", "good", "run", "queue", "warn", "bad"].flatMap((text) =>
    GROUNDS.map((ground) => [text, ground, 4.5] as [string, string, number])
  ),
  ...TONES.map((tone) => [tone, `${tone}-soft`, 4.5] as [string, string, number]),
  ...["idle-soft", "warn-soft", "bad-soft", "run-soft", "accent-soft"].map((ground) =>
    ["text", ground, 4.5] as [string, string, number]
  ),
  ...["idle-soft", "warn-soft", "bad-soft"].map((ground) =>
    ["muted", ground, 4.5] as [string, string, number]
  ),
  ["on-accent", "accent", 4.5],
  ["on-accent", "accent-strong", 4.5],
  ...["line-strong", "edge", "focus"].flatMap((mark) =>
    GROUNDS.map((ground) => [mark, ground, 3] as [string, string, number])
  ),
];

for (const [i, theme] of ["light", "dark"].entries()) {
  Deno.test(`ST-951 contrast of every pair of colours, ${theme}`, () => {
    const low = PAIRS.map(([text, ground, least]) => {
      const ratio = contrast(colours.get(text)![i]!, colours.get(ground)![i]!);
      return ratio < least ? `${text} on ${ground}: ${ratio.toFixed(2)} < ${least}` : "";
    }).filter((line) => line !== "");
    assert(low.length === 0, low.join("\n"));
  });
}
