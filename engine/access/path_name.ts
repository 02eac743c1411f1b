/**
 * Which texts may name a file below a folder. Owns: the rules of names. Pure.
 * Never: the file system; that a name is allowed does not mean that it leads to something inside.
 */

const LONGEST_PATH = 4096;
const LONGEST_NAME_BYTES = 255;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * What is wrong with a path relative to a folder, as the end of a sentence that begins with what it names.
 *
 * @param wild whether `*` and `?` may stand in it
 * @returns `undefined` if nothing is wrong
 *
 * @example
 * ```ts
 * if (nameProblem("guide/01-hello") !== undefined) throw new Error("refused a plain name");
 * if (nameProblem("../secret") !== "must not contain ..") throw new Error("let a way out through");
 * ```
 */
export function nameProblem(path: string, wild = false): string | undefined {
  if (path === "") return "must not be empty";
  if (path.length > LONGEST_PATH) return `must not be over ${LONGEST_PATH} characters`;
  if (CONTROLS.test(path)) return "must not contain control characters";
  if (path.includes("\\")) return "must not contain a backslash";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "must be relative";
  if (/%[0-9A-Fa-f]{2}/.test(path)) return "must not contain % escapes";
  if (!path.isWellFormed() || path.normalize("NFC") !== path) return "must be in Unicode normal form C";
  if (!wild && /[*?]/.test(path)) return "must not contain * or ?";
  for (const name of path.split("/")) {
    if (name === "") return "must not contain empty names";
    if (name === "..") return "must not contain ..";
    if (name.startsWith(".")) return "must not contain names that begin with a dot";
    if (name.startsWith("~")) return "must not contain names that begin with ~";
    if (/[. ]$/.test(name)) return "must not contain names that end with a dot or space";
    if (new TextEncoder().encode(name).length > LONGEST_NAME_BYTES) {
      return `must not contain names over ${LONGEST_NAME_BYTES} bytes`;
    }
  }
  return undefined;
}
