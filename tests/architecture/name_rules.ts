/**
 * Which names may be used where, as questions over parsed modules. Each answer lists the places that break the rule.
 */
import { reachedByIslands } from "./import_rules.ts";
import { isTest, type Module, type SourceFile } from "./source_tree.ts";

const TIME = [
  "Date.now",
  "new Date()",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "performance",
  "randomUUID",
  "Math.random",
];
const MARKUP = [
  ..."innerHTML outerHTML insertAdjacentHTML setHTMLUnsafe createContextualFragment".split(" "),
  ..."dangerouslySetInnerHTML document.write".split(" "),
];
const WAYS_OUT = (
  "fetch globalThis.fetch Deno.connect Deno.connectTls Deno.startTls createHttpClient WebSocket EventSource"
).split(" ");
const PURE = /^engine\/(notebook|expr|graph|plan|run|wire)\//;
const IN_BROWSER = /^engine\/(notebook|expr|graph|wire)\//;

/** The one file that opens Deno KV. */
export const KV_DRIVER = "engine/store/deno_kv.ts";
/** The folder that opens PostgreSQL. */
export const POSTGRES_DRIVER = "engine/store/postgres/";
/** The one file that turns text into code, inside a process of its own (SE-402). */
export const CODE_RUNNER = "engine/sandbox/programs/child_cell.ts";
/** The one file that puts markup into a page as text (SE-909). */
export const MARKUP_WRITER = "components/Html.tsx";

/**
 * Who opens connections (SE-701): the way out itself, and what speaks to places that only the operator's environment
 * names, which are the store and the providers of models.
 */
export const WAYS_OUT_AT = [
  "engine/sandbox/egress/",
  "engine/store/deno_kv.ts",
  "engine/store/postgres/",
  "engine/models/guarded_fetch.ts",
];

/** Time, ids and randomness in the engine outside `engine/base`. */
export function strayTime(modules: readonly Module[]): string[] {
  return uses(modules, TIME, (path) => path.startsWith("engine/") && !path.startsWith("engine/base/"));
}

/** Deno KV outside its driver. */
export function strayKv(modules: readonly Module[]): string[] {
  const inCode = (path: string) => !isTest(path) && path !== KV_DRIVER;
  return [...uses(modules, ["openKv"], inCode), ...imports(modules, /^@deno\/kv\b/, inCode)];
}

/** PostgreSQL outside its driver. */
export function strayPostgres(modules: readonly Module[]): string[] {
  return imports(modules, /^postgres\b/, (path) => !isTest(path) && !path.startsWith(POSTGRES_DRIVER));
}

/** Connections that are opened past the one way out (SE-701). What runs in a browser has only its own page. */
export function strayConnections(modules: readonly Module[]): string[] {
  const inServer = (path: string) =>
    /^(?:engine|cli|routes)\/|^main\.ts$/.test(path) && !WAYS_OUT_AT.some((place) => path.startsWith(place));
  return [
    ...uses(modules, WAYS_OUT, inServer),
    ...imports(modules, /^(?:node:)?(?:https?|http2|net|tls|dgram)$/, inServer),
  ];
}

/** Text that becomes code, outside the runner (SE-402). */
export function strayEval(modules: readonly Module[]): string[] {
  const inCode = (path: string) => !isTest(path) && path !== CODE_RUNNER;
  const names = ["eval", "new Function", "computed import()"];
  return [...uses(modules, names, inCode), ...imports(modules, /^(node:)?vm$/, inCode)];
}

/** Text that becomes markup, outside its one writer (SE-909). */
export function strayMarkup(modules: readonly Module[]): string[] {
  return uses(modules, MARKUP, (path) => !isTest(path) && path !== MARKUP_WRITER);
}

/** Waiting in folders whose functions decide and never wait. */
export function strayAwait(modules: readonly Module[]): string[] {
  return uses(modules, ["await", "async"], (path) => PURE.test(path));
}

/**
 * What a browser could not load: `node:` or `Deno` in a file that an island reaches, and `node:` in a folder shared
 * with the browser unless the file's first comment says "Server only".
 */
export function notForBrowsers(modules: readonly Module[]): string[] {
  const reached = reachedByIslands(modules);
  const known = new Set(modules.map(({ path }) => path));
  const missing = [...reached].filter(([path]) => !known.has(path) && /\.tsx?$/.test(path));
  return [
    ...imports(modules, /^node:/, (path) => reached.has(path)),
    ...uses(modules, ["Deno"], (path) => reached.has(path)),
    ...imports(
      modules.filter(({ text }) => !/server only/i.test(firstComment(text))),
      /^node:/,
      (path) => IN_BROWSER.test(path),
    ),
    ...missing.map(([path, from]) => `${from} -> ${path} is not there`),
  ];
}

/** Paths of somebody's machine in a text file. `engine/work/` is not one: no letter, dot or brace stands before. */
export function machinePaths(files: readonly SourceFile[]): string[] {
  const pattern = /(?<![\w.@}\])*-])\/(work|home|root|Users)\/[\w.]/;
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, at) => pattern.test(line) ? [`${path}:${at + 1}`] : [])
  );
}

/** The first block comment of a file; only lines that speak to tools may stand before it. */
export function firstComment(text: string): string {
  return /^(?:(?:#!|\/\/).*\n)*(\/\*\*[\s\S]*?\*\/)/.exec(text)?.[1] ?? "";
}

function uses(modules: readonly Module[], names: string[], where: (path: string) => boolean): string[] {
  return modules.filter(({ path }) => where(path)).flatMap((module) =>
    module.uses.filter((use) => names.includes(use.name)).map((use) =>
      `${module.path}:${use.line} ${use.name}`
    )
  );
}

function imports(modules: readonly Module[], pattern: RegExp, where: (path: string) => boolean): string[] {
  return modules.filter(({ path }) => where(path)).flatMap((module) =>
    module.imports.filter(({ kind, specifier }) => kind !== "type" && pattern.test(specifier))
      .map(({ specifier, line }) => `${module.path}:${line} ${specifier}`)
  );
}
