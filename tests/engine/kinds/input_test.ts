import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { openWorkspace } from "../../../engine/access/open_workspace.ts";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import { parseCsv } from "../../../engine/kinds/input/csv.ts";
import { inputKind } from "../../../engine/kinds/input.ts";
import type { Outcome } from "../../../engine/kinds/kind.ts";
import { attemptAt } from "./_attempt.ts";

const FILES: Record<string, string> = {
  "docs/a.md": "# A",
  "docs/b.md": "# B",
  "data/one.json": '\ufeff{"n":1}',
  "data/two.json": "[2]",
  "data/bad.txt": "{",
  "data/rows.csv": "id,price\n007,1.5\n008,\n",
  "data/torn.csv": "a,b\n1\n",
};

async function run(header: JsonObject, inputs: Record<string, Json> = {}): Promise<Outcome> {
  const root = await Deno.makeTempDir({ prefix: "weft-test-" });
  try {
    for (const [path, text] of Object.entries(FILES)) {
      await Deno.mkdir(`${root}/${path.split("/")[0]}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    const workspace = await openWorkspace({ root, notebooks: `${root}/notebooks` });
    return await inputKind({ workspace }).run(attemptAt("input", { header, inputs }).attempt);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function valueOf(header: JsonObject, inputs: Record<string, Json> = {}): Promise<Json> {
  const outcome = await run(header, inputs);
  if (outcome.type !== "succeeded") throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

const file = (path: string, contentType: string, bytes = FILES[path]!.length) => ({
  name: path.split("/")[1]!,
  path,
  text: FILES[path]!,
  bytes,
  contentType,
});

Deno.test("an input is a param, a text or any value as it stands", async () => {
  assertEquals(await valueOf({ param: "topic" }, { topic: ["x"] }), ["x"]);
  assertEquals(await valueOf({ param: "topic" }, { topic: null }), null);
  assertEquals(await valueOf({ text: "a {{ b }}" }), "a {{ b }}");
  assertEquals(await valueOf({ value: { a: [1] } }), { a: [1] });
  assertEquals(await valueOf({ value: null }), null);
});

Deno.test("DF-623 files give a list of file objects, file one of them", async () => {
  const [a, b] = [file("docs/a.md", "text/markdown"), file("docs/b.md", "text/markdown")];
  assertEquals(await valueOf({ files: "docs/*.md" }), [a, b]);
  assertEquals(await valueOf({ files: "docs/*.md", as: "text" }), [a, b]);
  assertEquals(await valueOf({ files: "none/*" }), []);
  assertEquals(await valueOf({ file: "docs/a.md" }), a);
});

Deno.test("as makes content of a file, and data beside it for files", async () => {
  assertEquals(await valueOf({ file: "docs/a.md", as: "text" }), "# A");
  assertEquals(await valueOf({ file: "data/one.json", as: "json" }), { n: 1 });
  const rows = [{ id: "007", price: 1.5 }, { id: "008", price: null }];
  assertEquals(await valueOf({ file: "data/rows.csv", as: "csv" }), rows);
  const listed = await valueOf({ files: "data/*.json", as: "json" }) as JsonObject[];
  assertEquals(listed.map(({ path, data }) => [path, data]), [["data/one.json", { n: 1 }], ["data/two.json", [
    2,
  ]]]);
});

Deno.test("an input that cannot be had fails with a sentence", async () => {
  const cases: [JsonObject, string, RegExp][] = [
    [{}, "invalid_input", /^Input 'it' must have exactly one of param, text, value, file, files$/],
    [{ text: "a", value: 1 }, "invalid_input", /exactly one/],
    [{ param: "topic" }, "invalid_input", /^No param is named 'topic'$/],
    [{ param: "__proto__" }, "invalid_input", /^No param is named/],
    [{ text: 5 }, "invalid_input", /^'text' of 'it' must be a text$/],
    [{ file: "docs/none.md" }, "not_found", /^There is no file docs\/none\.md$/],
    [{ file: "docs/*.md" }, "invalid_input", /use files for a pattern$/],
    [{ file: "../secret" }, "invalid_input", /must not contain \.\./],
    [{ file: "data/bad.txt", as: "json" }, "invalid_input", /^data\/bad\.txt: Not JSON/],
    [
      { file: "data/torn.csv", as: "csv" },
      "invalid_input",
      /^data\/torn\.csv is not CSV: row 1 has 1 fields and the header has 2$/,
    ],
    [{ file: "docs/a.md", as: "xml" }, "invalid_input", /^'as' of 'it' must be one of text, json, csv$/],
  ];
  for (const [header, category, message] of cases) {
    const outcome = await run(header);
    assert(outcome.type === "failed", JSON.stringify(header));
    assertEquals(outcome.problem.category, category);
    assertMatch(outcome.problem.message, message);
  }
});

Deno.test("CSV columns are numbers only if every field is one that stays exact", () => {
  const column = (...fields: string[]) =>
    parseCsv(["n", ...fields.map((text) => `"${text}"`)].join("\n")).rows?.map((row) => row.n);
  assertEquals(column("1", "-2.5", "1e3", ""), [1, -2.5, 1000, null]);
  for (
    const text of [
      "007",
      "+1",
      "1.",
      ".5",
      "0x1",
      "1e400",
      "1e-400",
      "12345678901234567890",
      "NaN",
      " 1",
      "1_0",
    ]
  ) {
    assertEquals(column("1", text), ["1", text], text);
  }
  assertEquals(column("", ""), ["", ""]);
  assertEquals(column("100000000000000000000"), [1e20], "zeros are no digits to lose");
});

Deno.test("CSV of any table of texts comes back", () => {
  const name = fc.uniqueArray(
    fc.string({ minLength: 1 }).filter((text) => !/[\r\n"]/.test(text) && text !== "\ufeff"),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(fc.property(name, fc.array(fc.string(), { maxLength: 5 }), (names, fields) => {
    const text = [names, ...fields.map((field) => names.map(() => `x${field}`))]
      .map((row) => row.map(quote).join(",")).join("\n");
    const expected = fields.map((field) => Object.fromEntries(names.map((key) => [key, `x${field}`])));
    assertEquals(JSON.stringify(parseCsv(text).rows), JSON.stringify(expected));
  }));
});

Deno.test("CSV that is none says what is wrong", () => {
  const cases: [string, RegExp][] = [
    ["a,a\n1,2\n", /^two columns are named a$/],
    ["a,\n1,2\n", /^column 2 has no name$/],
    ['a\n"x\n', /./],
  ];
  for (const [text, problem] of cases) assertMatch(parseCsv(text).problem ?? "", problem);
  assertEquals(parseCsv("").rows, []);
  assertEquals(parseCsv("a,b\n").rows, []);
});
