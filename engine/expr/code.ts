/**
 * TypeScript of a `ts` cell as something known: parsed, its free names found. Owns: what counts as a free name.
 * Never: running it, checking its types.
 *
 * J3 A free name is read as a value and declared nowhere around the place: no type, label, property or import.
 */
import { parse, type ParseResult } from "@babel/parser";
import traverse, { type NodePath } from "@babel/traverse";
import type { File, Identifier, Statement } from "@babel/types";
import type { Place } from "../notebook/types.ts";
import { isGlobal } from "./globals.ts";

/** A name that code reads and does not declare; its place counts within the source. */
export interface FreeName extends Place {
  name: string;
  /** The language or the runtime has a value of this name. */
  global: boolean;
}

/** What is wrong with code; its place counts within the source. */
export interface CodeProblem extends Place {
  code: "code_invalid" | "code_export" | "code_import" | "code_too_long";
  message: string;
}

/** Parsed code. Shared by all who parse the same text: never change one. */
export interface ParsedCode {
  /** Each name once, where it is first read, in order. */
  readonly free: readonly FreeName[];
  /** What it imports by `import … from`. */
  readonly imports: readonly string[];
  readonly problems: readonly CodeProblem[];
  /** The file's statements; absent if it does not parse. */
  readonly file?: ParseResult<File>;
}

/** Longest source, in UTF-16 code units. */
export const MAX_CODE = 1_000_000;
const MAX_CACHED = 500;
const cache = new Map<string, ParsedCode>();

/**
 * Parses the source of a `ts` cell: imports, then a function body. Equal text is parsed once while it is among the
 * last 500 asked for.
 *
 * @example
 * ```ts
 * const { free } = parseCode("return Math.max(0, ...strong.map((c: Claim) => c.confidence));");
 * const names = free.filter((name) => !name.global).map((name) => name.name);
 * if (names.join() !== "strong") throw new Error(`free are ${names}`);
 * ```
 */
export function parseCode(source: string): ParsedCode {
  const known = cache.get(source);
  if (known !== undefined) {
    cache.delete(source);
    cache.set(source, known);
    return known;
  }
  const parsed = read(source);
  cache.set(source, parsed);
  if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value!);
  return parsed;
}

function read(source: string): ParsedCode {
  const broken = (problem: CodeProblem): ParsedCode => ({ free: [], imports: [], problems: [problem] });
  if (source.length > MAX_CODE) {
    const message = `Code is too long (${source.length} of ${MAX_CODE} characters)`;
    return broken({ code: "code_too_long", message, line: 1, column: 1 });
  }
  try {
    const file = parse(source, {
      sourceType: "module",
      plugins: ["typescript"],
      allowReturnOutsideFunction: true,
      attachComment: false,
    });
    const { body } = file.program;
    return {
      free: freeNames(file),
      imports: body.flatMap((statement) =>
        statement.type === "ImportDeclaration" ? [statement.source.value] : []
      ),
      problems: statementProblems(body),
      file,
    };
  } catch (error) {
    if (error instanceof RangeError) {
      return broken({ code: "code_invalid", message: "Code is nested too deeply", line: 1, column: 1 });
    }
    const { loc } = error as SyntaxFault;
    return broken({
      code: "code_invalid",
      message: `Code does not parse: ${sentenceOf(source, error as SyntaxFault)}`,
      line: loc?.line ?? 1,
      column: (loc?.column ?? 0) + 1,
    });
  }
}

/** What the parser throws. */
interface SyntaxFault {
  message: string;
  reasonCode?: string;
  /** Offset of what was not expected. */
  pos?: number;
  loc?: { line: number; column: number };
}

/** The parser's sentence without the place, which a problem has of its own, and with the token that it means. */
function sentenceOf(source: string, { message, reasonCode, pos = 0 }: SyntaxFault): string {
  const sentence = message.replace(/\s*\(\d+:\d+\)$/, "").replace(/\.$/, "").replaceAll('"', "'");
  if (reasonCode === "UnexpectedToken") return sentence.replace("token", tokenAt(source, pos));
  return reasonCode === "MissingSemicolon" ? `${sentence} before ${tokenAt(source, pos)}` : sentence;
}

const TOKEN = /\s*([\p{L}\p{N}$_]{1,40}|=>|[=!]==?|&&|\|\||\?\?|\?\.|\.\.\.|[^])/uy;

/** The token at an offset as a message names it, blanks before it passed over. */
function tokenAt(source: string, offset: number): string {
  TOKEN.lastIndex = offset;
  const token = TOKEN.exec(source)?.[1]?.trim() ?? "";
  return token === "" ? "end of the code" : `'${token}'`;
}

function freeNames(file: ParseResult<File>): FreeName[] {
  const found = new Map<string, FreeName>();
  const declared = new Set<string>();
  const add = ({ node, scope }: NodePath<Identifier>) => {
    const { name, loc } = node;
    if (found.has(name) || scope.hasBinding(name, { noGlobals: true })) return;
    const place = { line: loc!.start.line, column: loc!.start.column + 1 };
    found.set(name, { name, global: isGlobal(name), ...place });
  };
  const skip = (path: NodePath) => path.skip();
  const declare = (path: NodePath) => {
    const { id } = path.node as { id?: { type: string; name?: string } };
    if (id?.name !== undefined) declared.add(id.name);
  };
  traverse(file, {
    TSType: skip,
    TSTypeParameterDeclaration: skip,
    TSInterfaceDeclaration: skip,
    TSTypeAliasDeclaration: skip,
    TSClassImplements: skip,
    // The scopes do not know what TypeScript alone declares.
    TSEnumDeclaration: declare,
    TSModuleDeclaration: declare,
    TSImportEqualsDeclaration: declare,
    Identifier(path) {
      const { parent, key } = path;
      // `x += 1` reads x, which the library does not count as a reference.
      const updates = parent.type === "AssignmentExpression" && key === "left" && parent.operator !== "=";
      if (path.isReferencedIdentifier() || updates) add(path as NodePath<Identifier>);
    },
  });
  return [...found.values()]
    .filter(({ name }) => !declared.has(name))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function statementProblems(body: readonly Statement[]): CodeProblem[] {
  const problems: CodeProblem[] = [];
  let inBody = false;
  for (const { type, loc } of body) {
    const place = { line: loc!.start.line, column: loc!.start.column + 1 };
    if (type.startsWith("Export") || type === "TSExportAssignment") {
      problems.push({
        code: "code_export",
        message: "A ts cell exports nothing; return its value instead",
        ...place,
      });
    } else if (type !== "ImportDeclaration") {
      inBody = true;
    } else if (inBody) {
      problems.push({ code: "code_import", message: "Imports stand before all other code", ...place });
    }
  }
  return problems;
}
