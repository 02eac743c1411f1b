/**
 * Where a reader of a run stands: the last journal record taken in, and the last frame of each open attempt.
 * Owns: the cursor's text. Never: reading.
 *
 * T2 A cursor names exactly what was delivered: going on from it repeats and loses nothing, on any process.
 */
import { EngineError } from "../../base/errors.ts";
import { itemName, itemOf } from "../../run/words/item.ts";

/** A reader's place in a run. */
export interface Position {
  /** Journal records taken in. */
  seq: number;
  /** Frames taken in of open attempts, by cell; what has ended needs none. */
  frames: Map<string, { attempt: number; seq: number }>;
}

/** The beginning of a run. */
export function beginning(): Position {
  return { seq: 0, frames: new Map() };
}

const FORM = /^r1\.(\d{1,9})((?:\.[0-9a-z]{1,4}(?:~[0-9a-z]{1,2})?-[0-9a-z]{1,4}-[0-9a-z]{1,6})*)$/;

/**
 * Text of a position: `r1.` + the record, then `.cell-attempt-seq` for each open attempt in base 36, the cell by its
 * place in the plan so that 180 open attempts stay below 2 KiB; that of an item with `~` and which it is.
 */
export function encodePosition({ seq, frames }: Position, placeOf: ReadonlyMap<string, number>): string {
  const parts = [...frames].map(([step, at]) => {
    const { cell, index } = itemOf(step) ?? { cell: step, index: undefined };
    const item = index === undefined ? "" : `~${index.toString(36)}`;
    return `${placeOf.get(cell)!.toString(36)}${item}-${at.attempt.toString(36)}-${at.seq.toString(36)}`;
  });
  return [`r1.${seq}`, ...parts].join(".");
}

/**
 * Reads a cursor.
 *
 * @param cells names by place in the plan
 * @throws {EngineError} `cursor_invalid` if it is not one of this run's
 */
export function decodePosition(cursor: string, cells: readonly string[]): Position {
  const match = FORM.exec(cursor);
  if (match === null) {
    throw new EngineError("cursor_invalid", `Not a cursor of a run: ${cursor.slice(0, 60)}`);
  }
  const frames = new Map<string, { attempt: number; seq: number }>();
  for (const part of match[2]!.split(".").slice(1)) {
    const [at, attempt, seq] = part.split("-") as [string, string, string];
    const [place, index] = at.split("~").map((digits) => parseInt(digits, 36));
    const cell = cells[place!];
    if (cell === undefined) {
      throw new EngineError("cursor_invalid", `Cursor of another run: ${cursor.slice(0, 60)}`);
    }
    const step = index === undefined ? cell : itemName(cell, index);
    frames.set(step, { attempt: parseInt(attempt, 36), seq: parseInt(seq, 36) });
  }
  return { seq: Number(match[1]), frames };
}
