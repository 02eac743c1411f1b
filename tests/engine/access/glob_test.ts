import { assertEquals, assertLess } from "@std/assert";
import { parseGlob } from "../../../engine/access/glob.ts";

function matches(pattern: string, path: string): boolean {
  const glob = parseGlob(pattern);
  return glob.ends(path.split("/").reduce<readonly number[]>(glob.step, glob.start));
}

const cases: [string, string[], string[]][] = [
  ["docs/*.md", ["docs/a.md", "docs/a.b.md"], ["docs/x/a.md", "docs/a.txt", "a.md", "docs"]],
  ["**", ["a", "a/b/c"], []],
  ["docs/**", ["docs/a", "docs/a/b"], ["docs", "x/docs/a"]],
  ["**/*.md", ["a.md", "x/y/a.md"], ["a.txt"]],
  ["a/**/b/**/c", ["a/b/c", "a/x/b/y/z/c"], ["a/c", "a/b", "a/b/c/d"]],
  ["?.md", ["a.md"], ["ab.md", ".md"]],
  ["*a*b*", ["ab", "xaxbx", "aab"], ["ba", "a"]],
  ["plain.md", ["plain.md"], ["plainxmd"]],
  ["**/x", ["x", "a/x", "x/x"], ["x/y"]],
];

for (const [pattern, yes, no] of cases) {
  Deno.test(`pattern ${pattern}`, () => {
    for (const path of yes) assertEquals(matches(pattern, path), true, path);
    for (const path of no) assertEquals(matches(pattern, path), false, path);
  });
}

Deno.test("a pattern made to be slow is not", () => {
  const begun = performance.now();
  assertEquals(matches("*a".repeat(120) + "b", "a".repeat(250)), false);
  assertEquals(matches("**/a/".repeat(500) + "b", "a/".repeat(1000) + "c"), false);
  assertLess(performance.now() - begun, 1000);
});
