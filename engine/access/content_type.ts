/**
 * Content types of text files. Owns: the table from a name's ending. Pure.
 */

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  csv: "text/csv",
  htm: "text/html",
  html: "text/html",
  js: "text/javascript",
  json: "application/json",
  jsonl: "application/x-ndjson",
  md: "text/markdown",
  mjs: "text/javascript",
  svg: "image/svg+xml",
  toml: "application/toml",
  ts: "text/typescript",
  tsv: "text/tab-separated-values",
  txt: "text/plain",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
};

/**
 * The content type of a text file by its name; `text/plain` for an ending that is not known.
 *
 * @example
 * ```ts
 * if (contentTypeOf("docs/A.MD") !== "text/markdown") throw new Error("not Markdown");
 * ```
 */
export function contentTypeOf(name: string): string {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(TYPES, ending) ? TYPES[ending]! : "text/plain";
}
