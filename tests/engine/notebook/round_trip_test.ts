import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { marked } from "marked";
import { parse } from "../../../engine/notebook/parse.ts";
import { serialize } from "../../../engine/notebook/serialize.ts";
import { scanFences } from "../../../engine/notebook/syntax/fences.ts";
import { cellsOf } from "../../../engine/notebook/types.ts";
import { mutatedText, notebookText } from "./notebook_texts.ts";

/** What holds of every text. */
function holds(text: string): void {
  const { notebook, problems } = parse(text);
  assertEquals(serialize(notebook), text);
  const lines = text.split(/\r\n|[\n\r]/).length;
  let last = 0;
  for (const problem of problems) {
    assert(problem.line >= Math.max(1, last) && problem.line <= lines && problem.column >= 1);
    assert(!/[.\n\r]$/.test(problem.message) || problem.message.endsWith("?"));
    last = problem.line;
  }
  let line = notebook.frontMatter.raw.split(/\r\n|[\n\r]/).length;
  for (const block of notebook.blocks) {
    assert(block.raw !== "");
    assertEquals(block.line, line);
    line += block.raw.split(/\r\n|[\n\r]/).length - 1;
  }
  const names = cellsOf(notebook).map((cell) => cell.name);
  assertEquals(new Set(names).size, names.length);
  const broken = cellsOf(notebook).filter((cell) => cell.kind === "invalid");
  for (const cell of broken) assert(problems.some((p) => p.cell === cell.name && p.severity === "error"));
  assertEquals(JSON.parse(JSON.stringify(notebook)), notebook);
}

const texts: [string, fc.Arbitrary<string>, number][] = [
  ["any text", fc.string({ unit: "binary", maxLength: 200 }), 500],
  ["texts of the format's own words", notebookText, 1500],
  ["a notebook with pieces cut out and put in", mutatedText, 500],
];

for (const [name, text, numRuns] of texts) {
  Deno.test(`N1 N2 parsing is total and its round trip exact: ${name}`, () => {
    fc.assert(fc.property(text, holds), { numRuns });
  });
}

const fence = "```";
const hostile: [string, string, { cells?: number; problem?: string }][] = [
  ["5 MB of prose", "Lorem ipsum dolor sit amet.\n".repeat(180_000), { cells: 0 }],
  ["5 MB of line ends", "\r\n".repeat(2_500_000), { cells: 0 }],
  ["5 MB in one line", "x ".repeat(2_500_000), { cells: 0 }],
  [
    "10,000 cells",
    Array.from({ length: 10_000 }, (_, i) => `${fence}ts c${i}\n${i}\n${fence}\n`).join("\n"),
    { cells: 10_000 },
  ],
  [
    "10,000 cells with headers",
    Array.from(
      { length: 10_000 },
      (_, i) => `${fence}agent c${i}\nrole: r${i}\n---\nSay {{ c${i - 1} }}\n${fence}\n`,
    ).join(""),
    { cells: 10_000 },
  ],
  ["100,000 lines of backticks", "```\n".repeat(100_000), { cells: 0 }],
  ["1 MB of backticks", "`".repeat(1_000_000), { cells: 0 }],
  ["SE-1405 1 MB of --- lines", "---\n".repeat(250_000), { cells: 0 }],
  ["1 MB of list markers", "- ".repeat(500_000) + "x", { cells: 0 }],
  ["1 MB of quotation marks", "> ".repeat(500_000), { cells: 0 }],
  ["1 MB of open comments", "<!--\n".repeat(200_000), { cells: 0 }],
  ["1 MB of spaces before a word", " ".repeat(1_000_000) + "x", { cells: 0 }],
  ["an info string of 1 MB", fence + "ts a " + "x ".repeat(500_000) + "\n" + fence, { cells: 1 }],
  ["a name of 1 MB", fence + "ts " + "A".repeat(1_000_000) + "\n" + fence, {
    cells: 1,
    problem: "is not a valid name",
  }],
  ["unclosed cells", `${fence}ts a\n`.repeat(50_000), { cells: 1, problem: "is not closed" }],
  ["a header over 64 KiB", header("#".repeat(70_000)), { cells: 1, problem: "over the limit 65536" }],
  ["60,000 brackets", header("[".repeat(60_000)), { cells: 1, problem: "nested deeper than 64" }],
  ["60,000 list marks", header("- ".repeat(30_000)), { cells: 1, problem: "is not valid YAML" }],
  ["65 levels", header(`fallback: ${"[".repeat(65)}${"]".repeat(65)}`), {
    cells: 1,
    problem: "nested deeper than 64",
  }],
  ["63 levels", header(`fallback: { value: ${"[".repeat(62)}${"]".repeat(62)} }`), { cells: 1 }],
  [
    "1 MB of brackets in many headers",
    Array.from({ length: 16 }, (_, i) => header("]".repeat(62_000)).replace("ts a", `ts a${i}`)).join(""),
    { cells: 16, problem: "too much YAML above it is not valid" },
  ],
  ["a YAML bomb", header(bomb()), { cells: 1, problem: "more than 10000 values" }],
  ["a YAML bomb of text", header(`a: &a ${"x".repeat(30_000)}\nb: [${"*a,".repeat(5000)}]`), {
    cells: 1,
    problem: "too long",
  }],
  ["9,000 keys", header(Array.from({ length: 9000 }, (_, i) => `k${i}:`).join("\n")), {
    cells: 1,
    problem: "Unknown key",
  }],
];

function header(yaml: string): string {
  return `${fence}ts a\n${yaml}\n---\n1\n${fence}\n`;
}

function bomb(): string {
  const names = [..."abcdefghi"];
  return names.map((name, i) =>
    `${name}: &${name} [${i === 0 ? "1" : Array(9).fill(`*${names[i - 1]}`).join(", ")}]`
  ).join("\n");
}

for (const [name, text, { cells, problem }] of hostile) {
  Deno.test(`SE-1404 SE-1106 N3 ${name}`, () => {
    const { notebook, problems } = parse(text);
    assert(serialize(notebook) === text);
    assertEquals(cellsOf(notebook).length, cells);
    const messages = problems.map((found) => found.message);
    assert(messages.every((message) => message.length < 400));
    if (problem === undefined) assertEquals(problems.filter((found) => found.severity === "error"), []);
    else assert(messages.some((message) => message.includes(problem)), messages[0]);
  });
}

Deno.test("fences of the page are those that a CommonMark parser finds", () => {
  fc.assert(
    fc.property(notebookText, (given) => {
      // Line feeds and ASCII only, because the other parser has its own mind on the rest.
      const text = given.replace(/\r\n?/g, "\n").replace(/[^\t\n\x20-\x7e]/g, "");
      const ours = scanFences(text).fences.filter((fence) => !fence.inList).map((fence) => fence.info.trim());
      const theirs = marked.lexer(text).flatMap((token) =>
        token.type === "code" && token.codeBlockStyle !== "indented" ? [token.lang ?? ""] : []
      );
      assertEquals(ours, theirs);
    }),
    { numRuns: 1000, seed: 7 },
  );
});
