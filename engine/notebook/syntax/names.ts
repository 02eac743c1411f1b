/**
 * Names of cells, ports and params. Owns: which are allowed. Never: whether two clash.
 */
import { shown } from "../problem.ts";

const NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** Words that the expression language or JavaScript reads as something else. */
const RESERVED = new Set(
  ("and or in true false null function params secret " +
    "arguments await break case catch class const continue debugger default delete do else enum eval export " +
    "extends finally for if implements import instanceof interface let new package private protected public " +
    "return static super switch this throw try typeof undefined var void while with yield").split(" "),
);

/**
 * What is wrong with a name, if anything (ST-703, DF-122).
 *
 * @example
 * ```ts
 * if (nameFault("scout_2") !== undefined || nameFault("Scout") === undefined) throw new Error("wrong");
 * if (nameFault("while")?.code !== "name_reserved") throw new Error("reserved");
 * ```
 */
export function nameFault(name: string): { code: string; message: string; expected: string } | undefined {
  if (!NAME.test(name)) {
    return {
      code: "name_invalid",
      message: `'${shown(name)}' is not a valid name: use a–z, 0–9 and _, starting with a letter`,
      expected: "1 to 64 of a–z, 0–9 and _, starting with a letter",
    };
  }
  if (RESERVED.has(name)) {
    return { code: "name_reserved", message: `'${name}' is reserved`, expected: "another name" };
  }
  return undefined;
}
