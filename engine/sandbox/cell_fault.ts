/**
 * Why a cell failed, in words for its author. Owns: places in the cell's own lines, and codes. Pure.
 * Never: trust in the text of an error; it is the cell's own.
 */

/** What a cell process says of a failure. */
export type Thrown =
  | { type: "error"; name: string; message: string; stack: string }
  | { type: "not_json"; message: string };

/** How places in the module stand to places in the cell. */
export interface CellOrigin {
  /** Lines of the module before the cell's first. */
  lineOffset: number;
  /** A line of the module before whose cell text stand characters of ours. */
  shift?: { line: number; columns: number };
}

/** A code and a message: the first line is the error, the lines after it the places in the cell. */
export interface CellFault {
  code?: string;
  message: string;
}

const MODULE_URL = /data:application\/typescript;base64,[A-Za-z0-9+/=.\u2026]*/g;
const PLACE = /<cell>:(\d+):(\d+)/g;
const NEED = /Requires (\w+) access(?: to ("[^"]*"|[^\s,]+))?/;
/** What a cell may not do, by the name of the permission. */
const MAY_NOT: Record<string, string> = {
  read: "read files",
  write: "write files",
  net: "open connections",
  env: "read the environment",
  run: "start processes",
  ffi: "load native code",
  sys: "ask about the machine",
};
const MAX_PLACES = 10;

/**
 * An error as its author should read it.
 *
 * @example
 * ```ts
 * const stack = "Error: no\n    at f (data:application/typescript;base64,AAA=:5:9)\n    at ext:core/x.js:1:2";
 * const { message } = cellFault({ type: "error", name: "Error", message: "no", stack }, { lineOffset: 2 });
 * if (message !== "Error: no\n    at f (line 3, column 9)") throw new Error(message);
 * ```
 */
export function cellFault(thrown: Thrown, origin: CellOrigin): CellFault {
  if (thrown.type === "not_json") {
    return { code: "value_not_json", message: `The value is not JSON: ${thrown.message}` };
  }
  const { name, message, stack } = thrown;
  const words = toPlaces(message, origin).trimEnd();
  const places = stack.split("\n").filter((line) => /^\s+at /.test(line) && line.includes("data:application"))
    .slice(0, MAX_PLACES).map((line) => toPlaces(line, origin));
  const syntax = /^(SyntaxError: .*)[^]*at (line \d+, column \d+)$/.exec(words);
  if (syntax !== null) return { code: "syntax_invalid", message: `${syntax[1]} (${syntax[2]})` };
  const first = name === "" ? words : `${name}: ${words}`;
  const text = / at line \d+, column \d+$/.test(words) ? first : [first, ...places].join("\n");
  if (
    /npm specifiers were requested|JSR package|Requires import access|not a dependency|relative URL with a cannot-be-a-base/
      .test(message)
  ) {
    return { code: "package_not_granted", message: `Cells cannot import packages or files\n${text}` };
  }
  const need = NEED.exec(message);
  if (need !== null && (name === "NotCapable" || name === "TypeError")) {
    return notPermitted(need[1]!, need[2], places);
  }
  // A program by its bare name is looked for before anybody asks whether it may be started, and nothing is there.
  const spawn = name === "NotFound" ? /^Failed to spawn '([^']*)'/.exec(message) : null;
  if (spawn !== null) return notPermitted("run", `"${spawn[1]}"`, places);
  if (/Array buffer allocation failed/.test(message)) {
    return { code: "memory_exceeded", message: `The cell used too much memory\n${text}` };
  }
  return { message: text };
}

/** The runtime's own words name a flag of its command line, which nobody here can give. */
function notPermitted(need: string, what: string | undefined, places: readonly string[]): CellFault {
  const to = what === undefined ? "" : ` (${need} access to ${what})`;
  const first = `This cell may not ${MAY_NOT[need] ?? `use ${need}`}${to}; cells have no permissions`;
  return { code: "permission_denied", message: [`${first} in this version`, ...places].join("\n") };
}

/** What to say of a process that ended without value or error. */
export function describeDeath(stderr: string, status: Deno.CommandStatus, heapMb: number): CellFault {
  if (/out of memory|heap limit|allocation failed/i.test(stderr)) {
    return {
      code: "memory_exceeded",
      message: `The cell used too much memory (limit ${heapMb} MB of objects)`,
    };
  }
  if (/Top-level await promise never resolved/i.test(stderr)) {
    return { code: "never_settled", message: "The cell waits for a promise that nothing will settle" };
  }
  if (status.signal === "SIGXCPU" || status.signal === "SIGKILL") {
    return {
      code: "process_killed",
      message: "The cell's process was killed: it used too much processor time or memory",
    };
  }
  const how = status.signal === null ? `exit code ${status.code}` : status.signal;
  return {
    code: "process_exited",
    message: `The cell's process ended before it gave a value (${how}): return instead of calling Deno.exit`,
  };
}

function toPlaces(text: string, { lineOffset, shift }: CellOrigin): string {
  return text.replace(MODULE_URL, "<cell>").replace(PLACE, (_, line, column) => {
    const shifted = Number(line) === shift?.line ? Number(column) - shift.columns : Number(column);
    return `line ${Math.max(1, Number(line) - lineOffset)}, column ${Math.max(1, shifted)}`;
  });
}
