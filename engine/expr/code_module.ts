/**
 * The module that a `ts` cell becomes. Owns: its text. Never: running it.
 *
 * J4 Every line of the source is the same line of the module, so that a stack trace points into the cell.
 */
import { parseCode } from "./code.ts";

/** Text of an ES module (TypeScript), and how its lines stand to the cell's. */
export interface CodeModule {
  /** Its default export takes an object of inputs and gives the cell's value or a promise of it. */
  text: string;
  /** Add this to a line of the module to get the line of the source; always 0. */
  lineOffset: 0;
  /** Characters put before the first line on which the body begins: `{ line, columns }`. */
  shift: { line: number; columns: number };
}

/**
 * Writes the module of a cell. Its value is what the source returns, else its last statement if that is an
 * expression. Only the inputs that the source reads are bound, so that it may declare the names of others.
 *
 * @param source must parse without problems
 * @param inputNames names that the inputs object will have
 * @throws TypeError if the source has problems: the caller looks at `parseCode` first
 *
 * @example
 * ```ts
 * const { text } = codeModule("const top = scores.length;\ntop * 2", ["scores", "unused"]);
 * if (!text.includes("({ scores })") || !text.includes("return (top * 2)")) throw new Error(text);
 * if (text.split("\n")[1] !== "return (top * 2)") throw new Error("lines moved");
 * ```
 */
export function codeModule(source: string, inputNames: Iterable<string>): CodeModule {
  const { file, free, problems } = parseCode(source);
  if (file === undefined || problems.length > 0) {
    throw new TypeError(`No module can be made of this code: ${problems[0]?.message}`);
  }
  const { body, directives } = file.program;
  const read = new Set(free.map(({ name }) => name));
  const bound = [...new Set(inputNames)].filter((name) => read.has(name));
  const imports = body.filter(({ type }) => type === "ImportDeclaration");
  const start = Math.max(0, ...imports.map(({ end }) => end!));
  // The semicolon keeps a string on top from being read as a directive.
  const head = `${start === 0 ? "" : ";"}export default async function (${pattern(bound)}) {;`;
  const line = imports.length === 0 ? 1 : Math.max(...imports.map(({ loc }) => loc!.end.line));
  const last = body.at(-1) ?? directives.at(-1);
  const isValue = last?.type === "ExpressionStatement" || last?.type === "Directive";
  const tail = isValue ? returned(source, start, last.start!, last.end!) : source.slice(start);
  return {
    text: `${source.slice(0, start)}${head}${tail}\n}\n`,
    lineOffset: 0,
    shift: { line, columns: head.length },
  };
}

function pattern(names: string[]): string {
  return names.length === 0 ? "" : `{ ${names.join(", ")} }`;
}

function returned(source: string, from: number, start: number, end: number): string {
  const valueEnd = source[end - 1] === ";" ? end - 1 : end;
  return `${source.slice(from, start)}return (${source.slice(start, valueEnd)})${source.slice(valueEnd)}`;
}
