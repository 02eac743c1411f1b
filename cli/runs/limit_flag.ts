/**
 * `--limit usd=0.5` of commands that start or change a run. Owns: reading it. Never: what a limit means.
 */
import {
  type Limits,
  readLimitChange,
  readLimits,
  WRITTEN,
  type WrittenLimits,
} from "../../engine/notebook/spend/limits.ts";
import { CommandError, EXIT } from "../io.ts";

const NAMES: readonly string[] = WRITTEN.map(([name]) => name);

/** What `--limit` says of a run and of its cells, in the engine's units; null: none any more. */
export interface LimitFlags {
  own: ReturnType<typeof readLimitChange>;
  cells: Record<string, ReturnType<typeof readLimitChange>>;
}

/** The limits of a run that is to start. Those of its cells stand in its notebook. */
export function limitsOf(given: readonly string[]): Limits | undefined {
  const own: WrittenLimits = {};
  for (const text of given) {
    const { cell, name, value } = partsOf(text);
    if (cell !== undefined || value === null) throw wrong(text);
    own[name] = value;
  }
  return readLimits(own);
}

/** New limits of a run and its cells: `usd=1`, `tokens=none`, `draft.calls=3`. */
export function limitChangeOf(given: readonly string[]): LimitFlags {
  const own: WrittenLimits = {};
  const cells = new Map<string, WrittenLimits>();
  for (const text of given) {
    const { cell, name, value } = partsOf(text);
    if (cell === undefined) own[name] = value;
    else cells.set(cell, { ...cells.get(cell), [name]: value });
  }
  const ofCells = [...cells].map(([name, its]) => [name, readLimitChange(its)] as const);
  return { own: readLimitChange(own), cells: Object.fromEntries(ofCells) };
}

function partsOf(text: string): { cell?: string; name: keyof WrittenLimits; value: number | null } {
  const match = /^(?:(.+)\.)?(\w+)=(none|\d{1,9}(?:\.\d{1,9})?)$/.exec(text);
  if (match === null || !NAMES.includes(match[2]!)) throw wrong(text);
  return {
    ...match[1] === undefined ? {} : { cell: match[1] },
    name: match[2] as keyof WrittenLimits,
    value: match[3] === "none" ? null : Number(match[3]),
  };
}

function wrong(text: string): CommandError {
  return new CommandError(
    EXIT.usage,
    `--limit is ${NAMES.join(", ")} with a number, such as usd=0.5: current value is ${text}`,
  );
}
