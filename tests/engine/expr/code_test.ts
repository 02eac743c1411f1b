import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseCode } from "../../../engine/expr/code.ts";
import { codeModule } from "../../../engine/expr/code_module.ts";

/** Source, then its free names that are no globals. */
const FREE: [string, string][] = [
  ["return strong.map((c) => c.confidence)", "strong"],
  ["const a = strong; return a", "strong"],
  ["return later; var later = 1", ""],
  ["return f(); function f(x = given) { return x + given.y }", "given"],
  ["{ let inner = 1 } return inner", "inner"],
  ["const { a, b: [c], ...rest } = whole; return [a, c, rest]", "whole"],
  ["return { key: value, short, [computed]: 1, method() { return this.x } }", "value short computed"],
  ["outer: for (const x of list) { if (x) continue outer; break outer }", "list"],
  ["try { risky() } catch (error) { return error }", "risky"],
  ["class K extends Base { field = used; static s = K }", "Base used"],
  ["const f = function me(n: number): number { return me(n - limit) }", "limit"],
  ["const x: Type<Arg> = value as Other; return x satisfies Last", "value"],
  ["type A = typeof deep; interface B extends C { d: E }", ""],
  ["enum E { A = base } return E.A", "base"],
  ["namespace N { export const a = used } return N.a", "used"],
  ["import { a } from 'npm:x'; import type { T } from './t.ts'; return a(scout) as T", "scout"],
  ["return make<Type>(other!)", "make other"],
  ["return `${scout} and ${best.claims}`", "scout best"],
  ["return tag`x`", "tag"],
  ["return Math.max(1, NaN) + Deno.version + console.log(fetch, Symbol, undefined)", ""],
  ["total += 1; plain = 2; count++", "total count"],
  ["for (const k in table) for await (const v of stream) use(k, v)", "table stream use"],
  ["const g = async function* () { yield* source }", "source"],
  ["return a?.b?.[c] ?? d", "a c d"],
  ["return ((x, y = x) => x + y + z)(1)", "z"],
];

Deno.test("J3 free names of code are those it reads and does not declare", () => {
  const names = (source: string) => {
    const { free, problems } = parseCode(source);
    assertEquals(problems, [], source);
    return free.filter(({ global }) => !global).map(({ name }) => name).join(" ");
  };
  assertEquals(FREE.map(([source]) => [source, names(source)]), FREE);
});

Deno.test("DF-121 a free name says where it stands, and whether the runtime has one of that name", () => {
  assertEquals(parseCode("const a = 1;\n  return fetch(scout)").free, [
    { name: "fetch", global: true, line: 2, column: 10 },
    { name: "scout", global: false, line: 2, column: 16 },
  ]);
});

Deno.test("code that does not parse is a problem with its place", () => {
  const table: [string, [string, number, number]][] = [
    ["const a = ;", ["code_invalid", 1, 11]],
    ["return (\n", ["code_invalid", 2, 1]],
    ["const a = 1; const a = 2", ["code_invalid", 1, 20]],
    ["return 1\nexport const x = 1", ["code_export", 2, 1]],
    ["f()\nimport x from 'y'", ["code_import", 2, 1]],
  ];
  assertEquals(
    table.map(([source]): [string, [string, number, number]] => {
      const { code, line, column } = parseCode(source).problems[0]!;
      return [source, [code, line, column]];
    }),
    table,
  );
  const says = (source: string) =>
    parseCode(source).problems[0]!.message.replace("Code does not parse: ", "");
  assertEquals(says("const a = ;"), "Unexpected ';'");
  assertEquals(says("return const"), "Unexpected 'const'");
  assertEquals(says("if (x { }"), "Unexpected '{', expected ')'");
  assertEquals(says("return 1 +\n"), "Unexpected end of the code");
  assertEquals(says("a b"), "Missing semicolon before 'b'");
  assertEquals(says("const s = 'abc"), "Unterminated string constant");
  assertEquals(parseCode("(".repeat(50_000)).problems[0]?.code, "code_invalid");
});

Deno.test("static imports are listed", () => {
  const source = "import a from 'npm:a@1';\nimport './b.ts';\nconst c = await import('./c.ts');\na";
  assertEquals(parseCode(source).imports, ["npm:a@1", "./b.ts"]);
});

async function valueOf(source: string, inputs: Record<string, unknown> = {}): Promise<unknown> {
  const { text } = codeModule(source, Object.keys(inputs));
  const module = await import(`data:application/typescript,${encodeURIComponent(text)}`);
  return await module.default(inputs);
}

Deno.test("a cell's value is what its code returns, else its last expression", async () => {
  const table: [string, unknown][] = [
    ["return scout.length", 3],
    ["scout.length", 3],
    ["scout.length;", 3],
    ["scout.length // how many", 3],
    ["const n = scout.length\nn * 2\n", 6],
    ["const n: number = scout.length\n;[n]", [3]],
    ["const n = 1\n;(n, n + 1);", 2],
    ["({ a: scout.length })", { a: 3 }],
    ["'use strict'", "use strict"],
    ["'a'; 'b'", "b"],
    ["'use strict'; return scout.length", 3],
    ["if (scout.length > 5) return 'many'\n'few'", "few"],
    ["await Promise.resolve(scout.length)", 3],
    ["const unused = 1", undefined],
    ["", undefined],
    ["import { join } from 'data:text/javascript,export const join=(a)=>a.join()'; join(scout)", "1,2,3"],
    ["const status = scout.length; return status", 3],
    ["arguments.length", 1],
  ];
  for (const [source, value] of table) {
    assertEquals(await valueOf(source, { scout: [1, 2, 3], status: "an input not read" }), value, source);
  }
});

Deno.test("J4 every line of the source is the same line of the module", async () => {
  const source =
    "// a comment\nimport { x } from\n  'data:text/javascript,export const x=1' // more\nconst y = x;\n" +
    "\nthrow new Error(`line 6 ${y}`)";
  const { text } = codeModule(source, []);
  const lines = source.split("\n");
  text.split("\n").slice(0, lines.length).forEach((line, i) => {
    for (const word of lines[i]!.match(/\w+/g) ?? []) {
      assert(line.includes(word), `${word} moved from line ${i + 1}`);
    }
  });
  const error = await valueOf(source).then(() => undefined, (thrown: Error) => thrown);
  assert(error?.stack?.match(/:6:\d+/), error?.stack);
});

Deno.test("inputs that the code does not read are not bound", () => {
  const { text } = codeModule("const scout = 1; return scout + best", ["scout", "best", "other"]);
  assert(text.startsWith("export default async function ({ best }) {"), text);
});

Deno.test("no module is made of code with problems", () => {
  assertThrows(() => codeModule("export const a = 1", []), TypeError);
});
