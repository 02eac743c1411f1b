import { assert, assertEquals } from "@std/assert";
import { parse } from "../../../engine/notebook/parse.ts";
import { cellsOf } from "../../../engine/notebook/types.ts";
import { SAMPLE } from "./notebook_texts.ts";

/** Cells as `kind name`, problems as `line:column message`, warnings with a `?` before it. */
function summary(text: string) {
  const { notebook, problems } = parse(text);
  return {
    cells: cellsOf(notebook).map((cell) => `${cell.kind} ${cell.name}`),
    problems: problems.map(({ line, column, message, severity }) =>
      `${line}:${column} ${severity === "warning" ? "? " : ""}${message}`
    ),
  };
}

interface Case {
  name: string;
  text: string;
  cells?: string[];
  problems?: string[];
}

/** A `ts` cell `a` with a header. */
const ts = (header: string) => `\`\`\`ts a\n${header}\n---\n1\n\`\`\`\n`;
const agent = (header: string) => `\`\`\`agent a\n${header}\n---\nDo it\n\`\`\`\n`;
const front = (yaml: string) => `---\n${yaml}\n---\n`;

const CASES: Case[] = [
  { name: "an empty text has nothing", text: "" },
  {
    name: "the sample has its cells and nothing wrong",
    text: SAMPLE,
    cells: ["agent scout", "jsonata strong", "ts best", "approval ok"],
  },
  // Fences
  { name: "a fence without a name is prose", text: "```ts\n1\n```\n" },
  { name: "a fence with attributes is prose", text: '```ts title="x"\n```\n```ts {1,3}\n```\n' },
  { name: "backticks in the info string make no fence", text: "```ts a`b\n1\n" },
  { name: "tildes fence too", text: "~~~ts a\n```\n~~~\n", cells: ["ts a"] },
  {
    name: "a closing fence may be longer",
    text: "```ts a\n1\n`````  \n```ts b\n```\n",
    cells: ["ts a", "ts b"],
  },
  {
    name: "a shorter or labelled fence closes nothing",
    text: "````ts a\n```\n```` x\n````\n",
    cells: ["ts a"],
  },
  { name: "three spaces of indent are a fence", text: "   ```ts a\n   1\n   ```\n", cells: ["ts a"] },
  {
    name: "a fence four spaces in closes nothing",
    text: "```ts a\n    ```\n```\n```ts b\n```\n",
    cells: ["ts a", "ts b"],
  },
  { name: "four spaces or a tab are code", text: "    ```ts a\n\n\t```ts b\n" },
  { name: "lone carriage returns end lines", text: "```ts a\r1\r```\r```ts b\r```", cells: ["ts a", "ts b"] },
  { name: "a fence interrupts a paragraph", text: "text\n```ts a\n```\n", cells: ["ts a"] },
  { name: "a quotation has no cells", text: "> ```ts a\n> 1\n> ```\n" },
  { name: "a comment has no cells", text: "<!--\n```ts a\n```\n-->\n```ts b\n```\n", cells: ["ts b"] },
  {
    name: "an HTML block ends at a blank line",
    text: "<div>\n```ts a\n```\n\n```ts b\n```\n",
    cells: ["ts b"],
  },
  {
    name: "a comment without end is said",
    text: "a\n<!-- b\n```ts a\n```\n",
    problems: ["2:1 ? Comment is not closed: add -->, for all below it is prose"],
  },
  {
    name: "a cell in a list item is prose and said",
    text: "- item\n\n  ```ts a\n  1\n  ```\n",
    problems: ["3:6 ? 'a' stands in a list, which makes it prose: move it to the left margin"],
  },
  {
    name: "a listing on a list marker's line ends",
    text: "- ```js\n  1\n  ```\n\n```ts a\n```\n",
    cells: ["ts a"],
  },
  { name: "the end of a list item ends its fence", text: "- ```js\n  1\n```ts a\n```\n", cells: ["ts a"] },
  {
    name: "a list item with lazy lines is still one",
    text: "- a\nb\n  ```ts a\n  ```\n",
    problems: [
      "3:6 ? 'a' stands in a list, which makes it prose: move it to the left margin",
    ],
  },
  // Names and kinds
  {
    name: "ST-703 a kind with a slip is prose with a suggestion",
    text: "```agnet scout\n```\n",
    problems: [
      "1:4 Unknown cell kind 'agnet'. Did you mean 'agent'?",
    ],
  },
  {
    name: "a kind in capitals is suggested",
    text: "```TS a\n```\n",
    problems: [
      "1:4 Unknown cell kind 'TS'. Did you mean 'ts'?",
    ],
  },
  { name: "languages are no slips", text: "```js a\n```\n```html b\n```\n```sh c\n```\n```python d\n```\n" },
  {
    name: "ST-703 a name must be one",
    text: "```ts My-Cell\n```\n",
    cells: ["invalid invalid_1"],
    problems: [
      "1:7 'My-Cell' is not a valid name: use a–z, 0–9 and _, starting with a letter",
    ],
  },
  {
    name: "DF-122 reserved names are refused",
    text: "```ts while\n```\n```ts secret\n```\n",
    cells: [
      "invalid invalid_1",
      "invalid invalid_2",
    ],
    problems: ["1:7 'while' is reserved", "3:7 'secret' is reserved"],
  },
  {
    name: "ST-703 of two cells of a name the second is invalid",
    text: "```ts a\n```\n```ts a\n```\n```ts invalid_1\n```\n",
    cells: [
      "ts a",
      "invalid invalid_2",
      "ts invalid_1",
    ],
    problems: ["3:7 Two cells are named 'a'"],
  },
  {
    name: "DF-122 a cell and a param share no name",
    text: front("params: { a: { type: json } }") + ts(""),
    cells: ["ts a"],
    problems: [
      "4:7 'a' is both a cell and a param",
    ],
  },
  {
    name: "DF-122 ports have names like cells",
    text: ts("outputs: { Big: { type: json }, if: { type: json } }"),
    cells: [
      "ts a",
    ],
    problems: [
      "2:12 'Big' is not a valid name: use a–z, 0–9 and _, starting with a letter",
      "2:33 'if' is reserved",
    ],
  },
  {
    name: "an unclosed cell is invalid and takes the rest",
    text: "x\n```ts a\n1\n\nmore",
    cells: ["invalid a"],
    problems: [
      "2:1 Cell 'a' is not closed: add ``` on a line of its own",
    ],
  },
  {
    name: "a cell that is closed by the next one's fence is said",
    text: "```ts a\n1\n\n```ts b\n2\n```\n",
    cells: ["ts a"],
    problems: [
      "1:1 Cell 'a' is not closed: add ``` on a line of its own",
    ],
  },
  {
    name: "a flag with a slip has a suggestion",
    text: "```ts a disbled mine\n```\n",
    cells: ["ts a"],
    problems: [
      "1:1 ? Unknown flag 'disbled' in 'a'. Did you mean 'disabled'?",
    ],
  },
  // Headers
  {
    name: "ST-703 a header must be YAML",
    text: ts("when: x\nrest: [1"),
    cells: ["invalid a"],
    problems: [
      "3:9 Header of 'a' is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  },
  {
    name: "prose above --- is no header",
    text: agent("Hello"),
    cells: ["invalid a"],
    problems: [
      "2:1 Header of 'a' is not valid YAML: Expected keys and values, such as `key: value`",
    ],
  },
  {
    name: "SE-1106 a key twice is a problem",
    text: ts("when: a\nwhen: b"),
    cells: ["invalid a"],
    problems: [
      "3:1 Header of 'a' is not valid YAML: Key 'when' is there twice",
    ],
  },
  {
    name: "SE-1106 tags are refused",
    text: ts("when: !!binary aGk="),
    cells: ["invalid a"],
    problems: [
      "2:16 Header of 'a' is not valid YAML: Tags such as !name are not allowed",
    ],
  },
  {
    name: "what is not JSON is refused",
    text: ts("fallback: .nan"),
    cells: ["invalid a"],
    problems: [
      "2:11 Header of 'a' is not valid YAML: A number must be finite",
    ],
  },
  {
    name: "an alias to itself is refused",
    text: ts("fallback: &x [*x]"),
    cells: ["invalid a"],
    problems: [
      "2:15 Header of 'a' is not valid YAML: Alias 'x' names nothing above it",
    ],
  },
  {
    name: "a header in an indented fence has the file's columns",
    text: "  ```ts a\n  retyr: {}\n  ---\n  1\n  ```\n",
    cells: ["ts a"],
    problems: [
      "2:3 ? Unknown key 'retyr' in 'a'. Did you mean 'retry'?",
    ],
  },
  {
    name: "ST-704 an unknown key is kept, with a suggestion if one is near",
    text: ts("zzzzzz: 1\nretry: { atempts: 2 }"),
    cells: ["ts a"],
    problems: [
      "2:1 ? Unknown key 'zzzzzz' in 'a'",
      "3:10 ? Unknown key 'atempts' in 'a.retry'. Did you mean 'attempts'?",
    ],
  },
  {
    name: "keys of an agent are unknown to others",
    text: ts("temperature: 1"),
    cells: ["ts a"],
    problems: [
      "2:1 ? Unknown key 'temperature' in 'a'",
    ],
  },
  {
    name: "kinds with keys of their own only know slips",
    text: "```wait a\nsignal: x\ntimout: 1s\n```\n",
    cells: ["wait a"],
    problems: [
      "3:1 ? Unknown key 'timout' in 'a'. Did you mean 'timeout'?",
    ],
  },
  {
    name: "ST-705 settings of an agent",
    text: agent(
      "temperature: 3\nmaxTokens: 0\nsystem: ' '\nmodel: ''\ntimeout: 10ms\nretry: { attempts: 21 }",
    ),
    cells: ["agent a"],
    problems: [
      "2:1 Temperature must be between 0 and 2",
      "3:1 Max tokens must be at least 1",
      "4:1 System prompt is empty",
      "5:1 No model selected",
      "6:1 Timeout must be 0 (none) or at least 1 second",
      "7:10 Attempts must be between 1 and 20",
    ],
  },
  {
    name: "ST-705 an agent has a prompt",
    text: "```agent a\nrole: x\n---\n \n```\n",
    cells: ["agent a"],
    problems: ["1:1 Prompt is empty"],
  },
  {
    name: "durations have units",
    text: ts("timeout: 0\nretry: { initial: 10 }"),
    cells: ["ts a"],
    problems: [
      "3:10 'retry.initial' of 'a' must be a duration such as 500ms, 30s, 10m, 2h or 2d",
    ],
  },
  {
    name: "outputs that are no names with a type",
    text: ts("outputs: 3"),
    cells: ["ts a"],
    problems: [
      "2:1 'outputs' of 'a' must be names with a type, such as outputs: { claims: { type: json } }",
    ],
  },
  {
    name: "more outputs than a cell may have",
    text: ts(`outputs: { ${Array.from({ length: 65 }, (_, i) => `x${i}: { type: json }`).join(", ")} }`),
    cells: ["ts a"],
    problems: ["2:1 'outputs' of 'a' has 65 names, over the limit 64"],
  },
  {
    name: "a default that leads out of the workspace",
    text: "---\nparams:\n  f: { type: files, default: ../*.md }\n---\n",
    problems: [
      "3:21 Default does not fit: Param 'f' must be a relative path without .. that stays below the workspace",
    ],
  },
  {
    name: "DF-102 an output has a type of the list",
    text: ts("outputs: { x: {}, y: { type: txt } }"),
    cells: ["ts a"],
    problems: [
      "2:12 Output 'x' of 'a' has no type",
      "2:24 'outputs.y.type' of 'a' must be text, json, code, artifact or stream",
    ],
  },
  {
    name: "DF-124 from names cells",
    text: ts("inputs: { x: { from: [b, c.d] }, y: { from: 'b c' } }"),
    cells: ["ts a"],
    problems: [
      "2:39 'inputs.y.from' of 'a' must be cell or cell.port or a list of these",
    ],
  },
  {
    name: "an input cell has one source",
    text: "```input a\ntext: x\nfile: y\n```\n```input b\n```\n```input c\nvalue: 1\nas: csv\n```\n",
    cells: [
      "input a",
      "input b",
      "input c",
    ],
    problems: [
      "3:1 Input 'a' must have exactly one of param, text, value, file, files",
      "5:1 Input 'b' must have exactly one of param, text, value, file, files",
      "9:1 'as' of 'c' goes only with file or files",
    ],
  },
  {
    name: "text below the header of an approval is said",
    text: "```approval a\nask: x?\n---\nhello\n```\n",
    cells: ["approval a"],
    problems: [
      "4:1 ? 'a' has text below ---, but approval is all header",
    ],
  },
  {
    name: "a wait has one thing to wait for, and what belongs to signals goes with one",
    text: [
      "```wait a",
      "```",
      "```wait b",
      "for: 10m",
      "signal: paid",
      "```",
      "```wait c",
      "for: 10m",
      "count: 2",
      "```",
      "```wait d",
      "signal: no name",
      "```",
      "```wait e",
      "signal: paid",
      "count: 2",
      "onTimeout: { escalate: 1d, then: explode }",
      "```",
      "```approval f",
      "ask: Go?",
      "onTimeout: later",
      "onReject: never",
      "```",
      "",
    ].join("\n"),
    cells: ["wait a", "wait b", "wait c", "wait d", "wait e", "approval f"],
    problems: [
      "1:1 Wait 'a' must have exactly one of for, until, signal",
      "5:1 Wait 'b' must have exactly one of for, until, signal",
      "9:1 'count' of 'c' goes only with signal",
      "12:1 'signal' of 'd' must be a name of letters, digits, dots, dashes and underscores",
      "17:1 'onTimeout' of 'e' must be fail, cancel, skip or auto-resume or such as { escalate: 1d, then: cancel }",
      "21:1 'onTimeout' of 'f' must be fail, cancel, skip or auto-resume or such as { escalate: 1d, then: cancel }",
      "22:1 'onReject' of 'f' must be fail or continue",
    ],
  },
  // Front matter
  {
    name: "front matter must be YAML",
    text: front("title: [1"),
    problems: [
      "2:10 Front matter is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  },
  {
    name: "front matter must be closed",
    text: "---\ntitle: x\n\ntext\n",
    problems: [
      "1:1 Front matter is not closed: add --- on a line of its own",
    ],
  },
  { name: "a rule on top is no front matter", text: "---\n\ntext\n" },
  {
    name: "ST-704 unknown keys of front matter",
    text: front("titel: x\nlimits: { tokens: many }"),
    problems: [
      "2:1 ? Unknown key 'titel' in front matter. Did you mean 'title'?",
      "3:11 'limits.tokens' of front matter must be a number from 0",
    ],
  },
  {
    name: "only version 1 is read",
    text: front("weft: 2"),
    problems: [
      "2:1 This is not a notebook of version 1: set weft to 1",
    ],
  },
  {
    name: "DF-621 params have a type, and a default that fits it",
    text: front(
      "params:\n  a: { type: strnig }\n  b: { type: number, default: x }\n  c: {}\n  d: 1\n  E: { type: json }\n" +
        "  f: { type: number, min: 2, max: 1 }\n  g: { type: number, enum: [1, x] }\n  h: { type: json, lable: x }",
    ),
    problems: [
      "3:8 Param 'a' has the unknown type 'strnig'. Did you mean 'string'?",
      "4:22 Default does not fit: Param 'b' must be a number",
      "5:3 Param 'c' has no type",
      "6:3 Param 'd' must be keys and values, such as { type: string }",
      "7:3 'E' is not a valid name: use a–z, 0–9 and _, starting with a letter",
      "8:22 Param 'f' has min 2 above max 1",
      `9:22 Param 'g' lists "x", which is no number`,
      "10:20 ? Unknown key 'lable' in 'params.h'. Did you mean 'label'?",
    ],
  },
];

for (const { name, text, cells = [], problems = [] } of CASES) {
  Deno.test(`parse: ${name}`, () => assertEquals(summary(text), { cells, problems }));
}

Deno.test("parse: parts of a cell and their lines", () => {
  const text =
    "\uFEFF---\r\ntitle: T\r\n---\r\n\r\n  ```agent a disabled extra\r\n  role: x\r\n   ---\r\n  ---\r\n    Hi\r\n Ho\r\n  ```\r\nend";
  const { notebook } = parse(text.replace("   ---\r\n", ""));
  const [cell] = cellsOf(notebook);
  assertEquals(cell, {
    type: "cell",
    kind: "agent",
    name: "a",
    flags: ["disabled", "extra"],
    header: { role: "x" },
    headerText: "role: x\r\n",
    source: "  Hi\r\nHo\r\n",
    raw: "  ```agent a disabled extra\r\n  role: x\r\n  ---\r\n    Hi\r\n Ho\r\n  ```\r\n",
    line: 5,
    headerLine: 6,
    sourceLine: 8,
    indent: 2,
  });
  assertEquals(notebook.blocks.map((block) => [block.type, block.line]), [["prose", 4], ["cell", 5], [
    "prose",
    11,
  ]]);
  assertEquals(notebook.frontMatter.raw, "\uFEFF---\r\ntitle: T\r\n---\r\n");
});

Deno.test("parse: the title is that of the front matter, else the first heading", () => {
  const titles = ["---\ntitle: A\n---\n# B\n", "```sh\n# no\n```\n## B ##\n# C\n", "B\n===\n", "text\n"].map((
    text,
  ) => parse(text).notebook.title);
  assertEquals(titles, ["A", "B", "B", ""]);
});

Deno.test("parse: a key named __proto__ is a key like any other", () => {
  const { notebook } = parse(ts("fallback: { __proto__: { polluted: 1 }, constructor: 2 }"));
  const fallback = cellsOf(notebook)[0]!.header.fallback as Record<string, unknown>;
  assertEquals(Object.keys(fallback), ["__proto__", "constructor"]);
  assertEquals(Object.getPrototypeOf(fallback), Object.prototype);
  assert(!("polluted" in {}));
});
