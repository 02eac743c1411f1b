/**
 * How what leads to a cell comes together: `join:` and `rest:` of a header. Owns: reading them, and which cells a join
 * counts. Never: whether a join is met.
 */
import { isObject } from "../base/json.ts";
import type { Cell } from "../notebook/types.ts";
import type { Edge } from "./types.ts";

/** What a header says of the join of its cell. */
export interface JoinRule {
  gives: "any" | "quorum" | "all";
  /** Successes that meet it; absent: all that count. */
  need?: number;
  rest: "cancel-remaining" | "let-run";
  /** Only these count, if it names any. */
  of?: string[];
}

/**
 * The join of a cell; `undefined` where each upstream is needed by itself, as with `join: all` and `rest: let-run`, which
 * hold when nothing is said.
 *
 * @example
 * ```ts
 * import { parse } from "../notebook/parse.ts";
 * import { cellsOf } from "../notebook/types.ts";
 * const { notebook } = parse("~~~jsonata c\njoin: { quorum: 2 }\n---\n1\n~~~\n");
 * const rule = joinRule(cellsOf(notebook)[0]!);
 * if (rule?.need !== 2 || rule.rest !== "cancel-remaining") throw new Error("not read");
 * ```
 */
export function joinRule({ header, kind }: Cell): JoinRule | undefined {
  if (kind === "invalid") return undefined;
  const { join } = header;
  const rest = header.rest === "let-run" ? "let-run" : "cancel-remaining";
  if (join === "any") return { gives: "any", need: 1, rest };
  if (isObject(join) && typeof join.quorum === "number") {
    const of = Array.isArray(join.of) ? join.of.filter((name) => typeof name === "string") : [];
    return { gives: "quorum", need: join.quorum, rest, ...(of.length === 0 ? {} : { of }) };
  }
  return header.rest === "cancel-remaining" ? { gives: "all", rest } : undefined;
}

/** The cells among the sources of these edges whose ends a join counts. */
export function countedBy({ of, gives }: JoinRule, into: readonly Edge[]): Set<string> {
  // `b?` asks for any end, as a fallback does; and where all are needed, so does an input that is not required.
  const any = new Set(
    into.filter(({ via, required }) => via === "after" && !required).map(({ source }) => source),
  );
  const counts = ({ source, required }: Edge) => !any.has(source) && (required || gives !== "all");
  const sources = into.filter((edge) => of === undefined ? counts(edge) : of.includes(edge.source));
  return new Set(sources.map(({ source }) => source));
}
