import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { join, normalize } from "node:path";
import { nameProblem } from "../../../engine/access/path_name.ts";

const refused: [string, string][] = [
  ["", "empty"],
  ["/etc/passwd", "relative"],
  ["C:/x", "relative"],
  ["C:x", "relative"],
  ["\\\\server\\share", "backslash"],
  ["a\\b", "backslash"],
  ["..", ".."],
  ["a/../b", ".."],
  ["../a", ".."],
  ["a/..", ".."],
  ["a\0b", "control"],
  ["a\nb", "control"],
  ["a\u0085b", "control"],
  ["a%2e%2e/b", "% escapes"],
  ["%2Fetc", "% escapes"],
  ["~", "~"],
  ["~root/x", "~"],
  [".env", "dot"],
  ["a/.git/config", "dot"],
  [".weft", "dot"],
  ["a/./b", "dot"],
  ["a//b", "empty names"],
  ["a/", "empty names"],
  ["a.", "dot or space"],
  ["a /b", "dot or space"],
  ["e\u0301", "normal form"],
  ["\ud800", "normal form"],
  ["x".repeat(256), "255 bytes"],
  ["é".repeat(128), "255 bytes"],
  ["a/".repeat(3000) + "a", "4096"],
  ["a*", "* or ?"],
];

for (const [path, words] of refused) {
  Deno.test(`SE-802 refused: ${JSON.stringify(path.slice(0, 30))}`, () => {
    assertEquals(nameProblem(path)?.includes(words), true, String(nameProblem(path)));
  });
}

Deno.test("SE-202 ordinary names are allowed", () => {
  const names = [
    "a",
    "guide/01-hello",
    "ünï côdé.md",
    "100% sure",
    "a..b",
    "a b",
    "日本/語",
    "x".repeat(255),
    "a~b",
  ];
  for (const name of names) assertEquals(nameProblem(name), undefined, name);
  assertEquals(nameProblem("docs/**/*.m?", true), undefined);
});

Deno.test("SE-801 no allowed name leads out of its folder", () => {
  const part = fc.constantFrom(
    "a",
    "..",
    ".",
    "/",
    "\\",
    "~",
    "%2e",
    "%2f",
    "\0",
    " ",
    "C:",
    "\u2025",
    "\uff0e",
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }).map((parts) => parts.join("")), (path) => {
    if (nameProblem(path) !== undefined) return;
    assertEquals(normalize(join("/srv/folder", path)).startsWith("/srv/folder/"), true);
  }));
});
