import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Edited,
  insertCell,
  removeCell,
  renameCell,
  setFront,
  setHeader,
  setSource,
} from "../../../engine/notebook/edit.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { serialize } from "../../../engine/notebook/serialize.ts";
import { type Block, cellsOf } from "../../../engine/notebook/types.ts";
import { mutatedText, notebookText, SAMPLE } from "./notebook_texts.ts";

function textOf(edited: Edited): string {
  assert(edited.ok, edited.ok ? "" : edited.reason);
  return edited.text;
}

const CASES: [name: string, edited: () => Edited, expected: string | { reason: string }][] = [
  [
    "a source keeps the file's line ends",
    () => setSource("```ts a\r\n1\r\n```\r\nx", "a", "2\n3\n"),
    "```ts a\r\n2\r\n3\r\n```\r\nx",
  ],
  [
    "a source keeps its indent",
    () => setSource(" ```ts a\n 1\n ```", "a", "2\n\n 3"),
    " ```ts a\n 2\n\n  3\n ```",
  ],
  ["an empty source", () => setSource("```ts a\n1\n```", "a", ""), "```ts a\n```"],
  [
    "a source with fences gets longer ones",
    () => setSource("```ts a\n1\n```\n", "a", "````\nx\n````\n"),
    "`````ts a\n````\nx\n````\n`````\n",
  ],
  [
    "other fences do not matter",
    () => setSource("~~~ts a\n1\n~~~\n", "a", "```\n```"),
    "~~~ts a\n```\n```\n~~~\n",
  ],
  [
    "a source with a divider gets one above it",
    () => setSource("```agent a\n1\n```\n", "a", "x\n---\ny"),
    "```agent a\n---\nx\n---\ny\n```\n",
  ],
  [
    "a cell that is all header has no source",
    () => setSource("```input a\ntext: x\n```\n", "a", "y"),
    { reason: "'a' is all header: input cells have no source" },
  ],
  ["a cell that is not there", () => setSource("x", "a", "y"), { reason: "No cell is named 'a'" }],
  [
    "an unclosed cell",
    () => setSource("```ts a\n1", "a", "2"),
    { reason: "'a' is not closed: close it first" },
  ],
  [
    "a header's other lines stay as written",
    () =>
      setHeader("```agent a\n# top\nrole:   x   # why\n\nretry: {attempts: 2}\n# end\n---\nHi\n```\n", "a", [
        "role",
      ], "y z"),
    "```agent a\n# top\nrole:   y z   # why\n\nretry: {attempts: 2}\n# end\n---\nHi\n```\n",
  ],
  [
    "a nested key is set within its top key",
    () =>
      setHeader(
        "```agent a\r\nretry:   # tries\r\n  attempts: 2 # two\r\nrole:  x\r\n---\r\nHi\r\n```\r\n",
        "a",
        [
          "retry",
          "attempts",
        ],
        3,
      ),
    "```agent a\r\nretry:   # tries\r\n  attempts: 3 # two\r\nrole:  x\r\n---\r\nHi\r\n```\r\n",
  ],
  [
    "a key is added below",
    () => setHeader("```ts a\nwhen: x\n---\n1\n```\n", "a", ["cache"], false),
    "```ts a\nwhen: x\ncache: false\n---\n1\n```\n",
  ],
  [
    "a first key brings the divider",
    () => setHeader("```ts a\n1\n```\n", "a", ["cache"], false),
    "```ts a\ncache: false\n---\n1\n```\n",
  ],
  [
    "a kind that is all header has no divider",
    () => setHeader("```input a\n```\n", "a", ["text"], "x: y"),
    '```input a\ntext: "x: y"\n```\n',
  ],
  [
    "a key is taken out with its line",
    () => setHeader("```ts a\nwhen: x # y\n# z\ncache: false\n---\n1\n```\n", "a", ["when"]),
    "```ts a\n# z\ncache: false\n---\n1\n```\n",
  ],
  [
    "a block is taken out",
    () => setHeader("```ts a\nretry:\n  attempts: 2\nwhen: x\n---\n1\n```\n", "a", ["retry"]),
    "```ts a\nwhen: x\n---\n1\n```\n",
  ],
  [
    "a flow header is set too",
    () => setHeader("```ts a\n{ when: x }\n---\n1\n```\n", "a", ["cache"], false),
    "```ts a\n{ when: x, cache: false }\n---\n1\n```\n",
  ],
  [
    "N6 a divider that would close open front matter is refused",
    () => setHeader("---\ntitle: x\n\n```ts a\n1\n```\n", "a", ["cache"], false),
    { reason: "'a' cannot be changed so: it would read as something else" },
  ],
  [
    "a header that is not valid is left alone",
    () => setHeader("```ts a\nwhen: [\n---\n1\n```\n", "a", ["cache"], false),
    { reason: "Cannot set 'cache' of 'a': its header is not valid or has a value there" },
  ],
  [
    "a name is changed in the info string alone",
    () => renameCell("````ts   a  disabled\na\n````\n", "a", "tt"),
    "````ts   tt  disabled\na\n````\n",
  ],
  ["a bad name", () => renameCell("```ts a\n```\n", "a", "B"), {
    reason: "'B' is not a valid name: use a–z, 0–9 and _, starting with a letter",
  }],
  ["a name in use", () => renameCell("```ts a\n```\n```ts b\n```\n", "a", "b"), {
    reason: "Two cells are named 'b'",
  }],
  ["an invalid cell can be named", () => renameCell("```ts A\n```\n", "invalid_1", "a"), "```ts a\n```\n"],
  [
    "a cell on top",
    () => insertCell("Hi\n", { kind: "ts", name: "a", source: "1" }),
    "```ts a\n1\n```\nHi\n",
  ],
  [
    "a cell between two",
    () =>
      insertCell("```ts a\n```\n```ts b\n```\n", { kind: "input", name: "c", headerText: "text: x" }, "a"),
    "```ts a\n```\n\n```input c\ntext: x\n```\n\n```ts b\n```\n",
  ],
  [
    "a cell below text without a line end",
    () => insertCell("Hi", { kind: "agent", name: "c", headerText: "role: x\n", source: "Do" }, "prose_1"),
    "Hi\n```agent c\nrole: x\n---\nDo\n```\n",
  ],
  [
    "a cell inside an open comment is refused",
    () => insertCell("<!--\n", { kind: "ts", name: "a" }, "prose_1"),
    { reason: "'a' cannot stand there: the text above it would make it prose" },
  ],
  ["a cell is removed", () => removeCell("x\r\n```ts a\r\n```\r\ny", "a"), "x\r\ny"],
  [
    "front matter is begun",
    () => setFront("\uFEFFx\r\ny", ["title"], "T"),
    "\uFEFF---\r\nweft: 1\r\ntitle: T\r\n---\r\n\r\nx\r\ny",
  ],
  [
    "front matter keeps its other lines",
    () =>
      setFront("---\nparams:\n  n: {type: number, default: 1} # n\nerrors:   stop\n---\nx", [
        "params",
        "n",
        "default",
      ], 2),
    "---\nparams:\n  n: {type: number, default: 2} # n\nerrors:   stop\n---\nx",
  ],
  [
    "a key of front matter is taken out",
    () => setFront("---\ntitle: x\nweft: 1\n---\n", ["title"]),
    "---\nweft: 1\n---\n",
  ],
];

for (const [name, edit, expected] of CASES) {
  Deno.test(`edit: ${name}`, () => {
    const edited = edit();
    assertEquals<unknown>(
      edited,
      typeof expected === "string" ? { ok: true, text: expected } : { ok: false, ...expected },
    );
  });
}

Deno.test("edit: text of any kind as a value comes back as it was", () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("---", "a\n---\nb", "# x", "```", "{{ a }}", "yes", "1", " x\n"),
    fc.integer(),
  );
  fc.assert(fc.property(value, (value) => {
    const edited = setHeader(SAMPLE, "scout", ["system"], value);
    assert(edited.ok, JSON.stringify(value));
    assertEquals<unknown>(cellsOf(parse(edited.text).notebook)[0]!.header.system, value);
  }));
});

const anyText = fc.oneof(notebookText, mutatedText, fc.constant(SAMPLE));
const anySource = fc.oneof(notebookText, fc.string({ maxLength: 30 }));
const rawsBut = (blocks: Block[], index: number) =>
  blocks.filter((_, i) => i !== index).map((block) => block.raw);

/** Applies an edit to some cell of a text and checks that nothing else changed. */
function changesOneCell(edit: (text: string, cell: string, given: string) => Edited): void {
  fc.assert(
    fc.property(anyText, anySource, fc.nat(), (text, given, pick) => {
      const { notebook } = parse(text);
      const cells = cellsOf(notebook);
      if (cells.length === 0) return;
      const cell = cells[pick % cells.length]!;
      const index = notebook.blocks.indexOf(cell);
      const edited = edit(text, cell.name, given);
      if (!edited.ok) return;
      const after = parse(edited.text).notebook;
      assertEquals(serialize(after), edited.text);
      assertEquals(after.frontMatter.raw, notebook.frontMatter.raw);
      assertEquals(rawsBut(after.blocks, index), rawsBut(notebook.blocks, index));
      assertEquals(after.blocks.length, notebook.blocks.length);
    }),
    { numRuns: 400 },
  );
}

Deno.test("N5 setSource changes one cell's bytes", () => {
  changesOneCell((text, cell, given) => {
    const edited = setSource(text, cell, given);
    if (edited.ok) {
      const { source } = cellsOf(parse(edited.text).notebook).find((other) => other.name === cell)!;
      const lines = (text: string) => text.split(/\r\n|[\n\r]/).join("\n").replace(/\n$/, "");
      assertEquals(lines(source), lines(given));
    }
    return edited;
  });
});

Deno.test("N5 setHeader changes one cell's bytes", () => {
  changesOneCell((text, cell, given) => setHeader(text, cell, ["inputs", "x"], { from: given }));
});

Deno.test("N5 renameCell changes one cell's bytes", () => {
  changesOneCell((text, cell) => renameCell(text, cell, "renamed"));
});

Deno.test("N5 insertCell and removeCell undo each other but for line ends between", () => {
  fc.assert(
    fc.property(anyText, anySource, fc.nat(), (text, source, pick) => {
      const { blocks } = parse(text).notebook;
      const place = blocks[pick % (blocks.length + 1)];
      const after = place === undefined ? undefined : place.type === "cell" ? place.name : place.id;
      const inserted = insertCell(text, { kind: "ts", name: "inserted", source }, after);
      if (!inserted.ok) return;
      const { notebook } = parse(inserted.text);
      const others = cellsOf(notebook).filter((cell) => cell.name !== "inserted");
      assertEquals(
        others.map((cell) => cell.raw.trimEnd()),
        cellsOf(parse(text).notebook).map((cell) => cell.raw.trimEnd()),
      );
      const removed = removeCell(inserted.text, "inserted");
      if (!removed.ok) return;
      assertEquals(removed.text.replace(/[\r\n]+/g, ""), text.replace(/[\r\n]+/g, ""));
    }),
    { numRuns: 400 },
  );
});

Deno.test("N5 setFront leaves every block as it is", () => {
  fc.assert(
    fc.property(anyText, anySource, (text, value) => {
      const edited = setFront(text, ["title"], value);
      if (!edited.ok) return;
      const before = parse(text).notebook;
      const after = parse(edited.text).notebook;
      assertEquals(after.title, value);
      assert(edited.text.endsWith(before.blocks.map((block) => block.raw).join("")));
      assertEquals(cellsOf(after).map((cell) => cell.raw), cellsOf(before).map((cell) => cell.raw));
    }),
    { numRuns: 400 },
  );
});

Deno.test("edit: every edit of the sample can be done", () => {
  for (const cell of ["scout", "strong", "best", "ok"]) {
    textOf(setHeader(SAMPLE, cell, ["retry", "attempts"], 2));
    textOf(renameCell(SAMPLE, cell, "other"));
    textOf(removeCell(SAMPLE, cell));
    textOf(insertCell(SAMPLE, { kind: "ts", name: "other" }, cell));
    if (cell !== "ok") textOf(setSource(SAMPLE, cell, "```ts x\n---\n"));
  }
});
