/**
 * The rules of shape, as tests. A rule is a function from files to the places that break it (`architecture/`); each is
 * shown a planted breach first, because a rule that cannot fail guards nothing, and then the project.
 */
import { assertEquals } from "@std/assert";
import { cycles, wrongDirections } from "./architecture/import_rules.ts";
import * as names from "./architecture/name_rules.ts";
import * as shape from "./architecture/shape_rules.ts";
import { allPaths, isSource, type Module, moduleOf, readAll } from "./architecture/source_tree.ts";

const paths = await allPaths();
const files = await readAll(paths);
const modules = files.filter(({ path }) => isSource(path)).map(moduleOf);
const plant = (...planted: [path: string, text: string][]): Module[] =>
  planted.map(([path, text]) => moduleOf({ path, text }));

/** A rule over modules: what it does, a breach with the answer it must give, and nothing for the project. */
function rule(
  title: string,
  check: (modules: readonly Module[]) => string[],
  planted: [path: string, text: string][],
  caught: string[],
): void {
  Deno.test(title, () => {
    assertEquals(check(plant(...planted)), caught);
    assertEquals(check(modules), []);
  });
}

rule(
  "imports follow the order of the layers",
  wrongDirections,
  [
    ["engine/graph/a.ts", 'import { b } from "../work/b.ts";'],
    ["engine/graph/c.ts", 'import type { B } from "../run/b.ts"; import "../notebook/fine.ts";'],
    ["engine/run/d.ts", 'export type X = import("../wire/view.ts").View;'],
    ["engine/work/e.ts", 'const hono = await import("hono/cors");'],
    ["components/F.tsx", 'export { default } from "../islands/F.tsx"; import "../engine/wire/fine.ts";'],
    ["routes/g.ts", 'import "../engine/work/worker.ts"; import "../engine/mod.ts";'],
    ["cli/h.ts", 'import "../routes/fine.ts"; import "../engine/access/fine.ts"; import "../main.ts";'],
    ["main.ts", 'import "./engine/work/fine.ts"; import "./components/Page.tsx";'],
  ],
  [
    "engine/graph/a.ts:1 -> engine/work/b.ts",
    "engine/graph/c.ts:1 -> engine/run/b.ts",
    "engine/run/d.ts:1 -> engine/wire/view.ts",
    "engine/work/e.ts:1 -> hono/cors",
    "components/F.tsx:1 -> islands/F.tsx",
    "routes/g.ts:1 -> engine/work/worker.ts",
    "cli/h.ts:1 -> main.ts",
    "main.ts:1 -> components/Page.tsx",
  ],
);

rule("no import cycle at run time", cycles, [
  ["engine/run/a.ts", 'import "./b.ts";'],
  ["engine/run/b.ts", 'import "./c.ts"; import type { D } from "./d.ts";'],
  ["engine/run/c.ts", 'export * from "./a.ts";'],
  ["engine/run/d.ts", 'import "./b.ts"; import { type D } from "./d.ts";'],
], ["engine/run/a.ts -> engine/run/b.ts -> engine/run/c.ts -> engine/run/a.ts"]);

rule("time, ids and randomness come from engine/base", names.strayTime, [
  ["engine/base/clock.ts", "Date.now();"],
  [
    "engine/work/a.ts",
    [
      "// Date.now() in a comment and 'Math.random' in a string are no use",
      "const stray = [Date.now, new Date(), new Date(0), 'Math.random()'];",
      "globalThis.setTimeout(stray, 1); setInterval(stray, performance.now());",
      "export const id = crypto.randomUUID() + Math.random();",
    ].join("\n"),
  ],
  ["islands/A.tsx", "setTimeout(() => {}, 1);"],
], [
  "engine/work/a.ts:2 new Date()",
  "engine/work/a.ts:2 Date.now",
  "engine/work/a.ts:3 performance",
  "engine/work/a.ts:3 setInterval",
  "engine/work/a.ts:3 setTimeout",
  "engine/work/a.ts:4 Math.random",
  "engine/work/a.ts:4 randomUUID",
]);

rule("only its driver knows Deno KV", names.strayKv, [
  [names.KV_DRIVER, 'const kv = await Deno.openKv(); await import("@deno/kv");'],
  ["engine/store/memory.ts", 'const kv = await Deno.openKv(); import "@deno/kv";'],
  ["tests/a_test.ts", "await Deno.openKv();"],
], ["engine/store/memory.ts:1 openKv", "engine/store/memory.ts:1 @deno/kv"]);

rule("only its driver knows PostgreSQL", names.strayPostgres, [
  [`${names.POSTGRES_DRIVER}connection.ts`, 'const { default: postgres } = await import("postgres");'],
  ["engine/store/open.ts", 'import postgres from "postgres"; import "./postgres.ts";'],
  ["tests/a_test.ts", 'import postgres from "postgres";'],
], ["engine/store/open.ts:1 postgres"]);

rule("SE-701 there is one way out", names.strayConnections, [
  [`${names.WAYS_OUT_AT[0]}exchange.ts`, 'import http from "node:http"; await fetch("https://a.example");'],
  [
    "engine/work/a.ts",
    [
      'import https from "node:https"; import type { Socket } from "node:net";',
      'await fetch("https://a.example");',
      "const f = fetch, g = globalThis.fetch, own = { fetch: 1 };",
      'await Deno.connect({ port: 1 }); new WebSocket("wss://a.example");',
      "export const fine = own.fetch + app.fetch(request);",
    ].join("\n"),
  ],
  ["routes/b.ts", 'import net from "net"; const { fetch } = app; Deno.createHttpClient({});'],
  ["islands/C.tsx", 'await fetch("/api"); new EventSource("/api");'],
  ["tests/d_test.ts", 'await fetch("http://127.0.0.1");'],
], [
  "engine/work/a.ts:2 fetch",
  "engine/work/a.ts:3 globalThis.fetch",
  "engine/work/a.ts:3 fetch",
  "engine/work/a.ts:4 WebSocket",
  "engine/work/a.ts:4 Deno.connect",
  "routes/b.ts:1 createHttpClient",
  "engine/work/a.ts:1 node:https",
  "routes/b.ts:1 net",
]);

rule("SE-402 only one file turns text into code", names.strayEval, [
  [names.CODE_RUNNER, "await import(address);"],
  [
    "routes/a.ts",
    'import "node:vm";\neval("1");\nnew Function("1");\nFunction("1");\nimport(name);\nimport("ai");',
  ],
], [
  "routes/a.ts:2 eval",
  "routes/a.ts:3 new Function",
  "routes/a.ts:4 new Function",
  "routes/a.ts:5 computed import()",
  "routes/a.ts:1 node:vm",
]);

rule("SE-909 only one file turns text into markup", names.strayMarkup, [
  [names.MARKUP_WRITER, "export const A = () => <p dangerouslySetInnerHTML={{ __html: '' }} />;"],
  [
    "islands/B.tsx",
    "export const B = () => <p dangerouslySetInnerHTML={{ __html: '' }} />;\nnode.innerHTML = '';",
  ],
], ["islands/B.tsx:1 dangerouslySetInnerHTML", "islands/B.tsx:2 innerHTML"]);

rule("folders that decide never wait", names.strayAwait, [
  ["engine/plan/a.ts", "export async function a() {}\nconst b = async () => {};"],
  ["engine/wire/b.ts", "for await (const x of y) {}\nawait x;"],
  ["engine/work/c.ts", "await x;"],
], [
  "engine/plan/a.ts:1 async",
  "engine/plan/a.ts:2 async",
  "engine/wire/b.ts:1 await",
  "engine/wire/b.ts:2 await",
]);

rule("a browser can load what an island reaches", names.notForBrowsers, [
  ["islands/A.tsx", 'import "../engine/notebook/a.ts"; import type { B } from "../engine/graph/b.ts";'],
  ["engine/notebook/a.ts", 'import "../base/hash.ts"; import "../base/gone.ts";'],
  ["engine/base/hash.ts", '/** Server only. */\nimport "node:crypto"; Deno.args;'],
  ["engine/graph/b.ts", '/** Server only: it hashes. */\nimport "node:crypto";'],
  ["engine/wire/c.ts", '/** For all. */\nimport "node:buffer"; import type { D } from "node:url";'],
], [
  "engine/base/hash.ts:2 node:crypto",
  "engine/base/hash.ts:2 Deno",
  "engine/wire/c.ts:2 node:buffer",
  "engine/notebook/a.ts -> engine/base/gone.ts is not there",
]);

Deno.test("no file names a place on somebody's machine", () => {
  const planted = [
    { path: "docs/a.md", text: `fine: engine/work/queue.ts\nSee ${["", "home", "me"].join("/")}` },
    { path: "b.ts", text: `const a = "${["", "root", "x"].join("/")}", b = "../work/x.ts";` },
  ];
  assertEquals(names.machinePaths(planted), ["docs/a.md:2", "b.ts:1"]);
  assertEquals(names.machinePaths(files), []);
});

Deno.test("files stay short: median 120, p95 400, none over 600", () => {
  const file = (path: string, lines: number) => ({ path, text: "x\n".repeat(lines) });
  assertEquals(
    shape.tooLong([file("engine/a.ts", 120), file("tests/b.ts", 400), file("docs/c.md", 999)]),
    [],
  );
  assertEquals(shape.tooLong([file("engine/a.ts", 121)]), ["median is 121 lines"]);
  assertEquals(shape.tooLong([file("a.ts", 1), file("b.ts", 1), file("c.css", 601)]), [
    "c.css has 601 lines",
    "p95 of code is 601 lines",
    "p95 with tests is 601 lines",
  ]);
  assertEquals(shape.tooLong(files), []);
});

Deno.test("a folder has at most 12 files", () => {
  const many = Array.from({ length: 13 }, (_, i) => `engine/work/f${i}.ts`);
  assertEquals(shape.tooMany([...many.slice(1), "engine/work/README.md"]), []);
  assertEquals(shape.tooMany(many), ["engine/work has 13 files"]);
  assertEquals(shape.tooMany(paths), []);
});

Deno.test("a file is named after its main export, in the case of its folder", () => {
  const bad = ["engine/base/string_utils.ts", "routes/common/a.ts", "engine/work/RunManager.ts"];
  assertEquals(shape.badNames([...bad, "engine/work/serviceable.ts"]), bad);
  assertEquals(shape.badCase(["engine/run/Fold.ts", "islands/graph.tsx", "islands/Graph.tsx"]), [
    "engine/run/Fold.ts",
  ]);
  assertEquals(shape.badNames(paths), []);
  assertEquals(shape.badCase(paths), []);
});

Deno.test("a file begins by saying what it owns", () => {
  const said =
    "// deno-lint-ignore-file no-explicit-any -- why\n/** Owns: all that is said in this example. */\n";
  const planted = [
    { path: "engine/a.ts", text: said },
    { path: "engine/b.ts", text: `import "./a.ts";\n${said}` },
    { path: "routes/c.ts", text: "/** C. */" },
  ];
  assertEquals(shape.withoutDocBlock(planted), ["engine/b.ts", "routes/c.ts"]);
  assertEquals(shape.withoutDocBlock(files), []);
});

Deno.test("the root holds the known names and a short main.ts", () => {
  assertEquals(shape.strangersInRoot(["engine/a.ts", ".gitignore", "notes.txt"]), ["notes.txt"]);
  assertEquals(shape.strangersInRoot(paths), []);
  const main = files.find(({ path }) => path === "main.ts");
  assertEquals((main?.text.split("\n").length ?? 0) <= 61, true, "main.ts has more than 60 lines");
});
