/**
 * The project's own files, read and parsed for the architecture tests.
 * Owns: which files count, what a module imports and which watched names it uses. Never: the rules.
 *
 * Names are found in the syntax tree, so a word in a comment or a string is not a use.
 */
import { parse, type ParserPlugin } from "@babel/parser";

/** One `import`, `export … from`, `import()` or `import("…").Type`. */
export interface Import {
  specifier: string;
  /** `type` leaves no trace at run time. */
  kind: "static" | "dynamic" | "type";
  /** Path from the project's root, if it is a file of the project. */
  target?: string;
  line: number;
}

/** A watched name, such as `Date.now` or `await`. */
export interface Use {
  name: string;
  line: number;
}

/** A parsed source file. Paths are relative to the project's root, with `/`. */
export interface Module {
  path: string;
  text: string;
  imports: Import[];
  uses: Use[];
}

/** A file of the project. */
export interface SourceFile {
  path: string;
  text: string;
}

/** The project's root. */
export const ROOT = new URL("../../", import.meta.url);

/** Folders that are not the project's: fetched packages, data, and git's own. */
const NOT_OURS = new Set(["node_modules", ".weft", ".git"]);

/** Identifiers that count as a use wherever they stand. */
const WATCHED = new Set([
  ..."setTimeout setInterval setImmediate performance randomUUID eval Deno openKv".split(" "),
  ..."innerHTML outerHTML insertAdjacentHTML setHTMLUnsafe createContextualFragment".split(" "),
  ..."dangerouslySetInnerHTML WebSocket EventSource createHttpClient".split(" "),
]);
/** Members that count as a use. */
const WATCHED_MEMBERS = new Set(
  "Date.now Math.random document.write globalThis.fetch Deno.connect Deno.connectTls Deno.startTls".split(
    " ",
  ),
);

/** Paths of all files, sorted. */
export async function allPaths(folder = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(new URL(`./${folder}`, ROOT))) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = folder + entry.name;
    if (entry.isDirectory) found.push(...await allPaths(`${path}/`));
    else if (entry.isFile) found.push(path);
  }
  return found.sort();
}

/** Reads files; those with a NUL byte are not text and are left out. */
export async function readAll(paths: readonly string[]): Promise<SourceFile[]> {
  const files = await Promise.all(
    paths.map(async (path) => ({ path, text: await Deno.readTextFile(new URL(path, ROOT)) })),
  );
  return files.filter((file) => !file.text.includes("\0"));
}

/** Whether a path is TypeScript that the tests below speak about. */
export function isSource(path: string): boolean {
  return /\.tsx?$/.test(path);
}

/** Whether a path belongs to tests or benchmarks, which may import anything. */
export function isTest(path: string): boolean {
  return path.startsWith("tests/") || path.startsWith("bench/");
}

type Tree = { type: string; loc?: { start: { line: number } } } & Record<string, unknown>;

/** Parses a source file. Throws for a syntax error, naming the file. */
export function moduleOf({ path, text }: SourceFile): Module {
  const plugins: ParserPlugin[] = [["typescript", { dts: path.endsWith(".d.ts") }]];
  if (path.endsWith(".tsx")) plugins.push("jsx");
  const module: Module = { path, text, imports: [], uses: [] };
  let program: unknown;
  try {
    program = parse(text, { sourceType: "module", plugins }).program;
  } catch (error) {
    throw new Error(`${path} does not parse: ${(error as Error).message}`);
  }
  const open: unknown[] = [program];
  while (open.length > 0) {
    const node = open.pop();
    if (Array.isArray(node)) open.push(...node);
    else if (isTree(node)) {
      look(node, module);
      for (const [key, value] of Object.entries(node)) {
        if (typeof value === "object" && !key.endsWith("Comments") && key !== "loc") open.push(value);
      }
    }
  }
  module.uses.sort((a, b) => a.line - b.line);
  module.imports.sort((a, b) => a.line - b.line);
  return module;
}

function isTree(node: unknown): node is Tree {
  return typeof node === "object" && node !== null && typeof (node as Tree).type === "string";
}

function look(node: Tree, module: Module): void {
  const line = node.loc?.start.line ?? 0;
  const use = (name: string) => module.uses.push({ name, line });
  const imported = (specifier: string, kind: Import["kind"]) =>
    module.imports.push({ specifier, kind, target: targetOf(module.path, specifier), line });
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      if (isTree(node.source)) imported(String(node.source.value), isTypeOnly(node) ? "type" : "static");
      return;
    case "ImportExpression":
      if (isTree(node.source) && node.source.type === "StringLiteral") {
        imported(String(node.source.value), "dynamic");
      } else use("computed import()");
      return;
    case "TSImportType": {
      const source = (node.source ?? node.argument) as Tree;
      imported(String(source.value ?? (source.literal as Tree | undefined)?.value), "type");
      return;
    }
    case "Identifier":
    case "JSXIdentifier":
      if (WATCHED.has(String(node.name))) use(String(node.name));
      return;
    case "MemberExpression": {
      const name = `${nameOf(node.object)}.${nameOf(node.property)}`;
      if (WATCHED_MEMBERS.has(name)) use(name);
      return;
    }
    case "VariableDeclarator":
      if (nameOf(node.init) === "fetch") use("fetch");
      return;
    case "NewExpression":
    case "CallExpression": {
      const callee = nameOf(node.callee);
      if (callee === "Date" && (node.arguments as unknown[]).length === 0) use("new Date()");
      if (callee === "Function") use("new Function");
      if (callee === "fetch") use("fetch");
      return;
    }
    case "AwaitExpression":
      return void use("await");
    case "ForOfStatement":
      if (node.await === true) use("await");
      return;
    default:
      if (node.async === true) use("async");
  }
}

function nameOf(node: unknown): string {
  return isTree(node) ? String(node.name ?? "") : "";
}

function isTypeOnly(node: Tree): boolean {
  if (node.importKind === "type" || node.exportKind === "type") return true;
  const specifiers = (node.specifiers ?? []) as Tree[];
  return specifiers.length > 0 &&
    specifiers.every((one) => one.importKind === "type" || one.exportKind === "type");
}

function targetOf(from: string, specifier: string): string | undefined {
  if (!/^\.{1,2}\//.test(specifier)) return undefined;
  const base = new URL(from, "file:///");
  return decodeURIComponent(new URL(specifier, base).pathname.slice(1));
}
