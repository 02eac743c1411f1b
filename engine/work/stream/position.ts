/**
 * Where a reader of a run stands: the last journal record taken in, and the last frame of each open attempt.
 * Owns: the cursor's text. Never: reading.
 *
 * T2 A cursor names exactly what was delivered: going on from it repeats and loses nothing, on any process.
 */
import { EngineError } from "../../base/errors.ts";

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

const FORM = /^r1\.(\d{1,9})((?:\.[0-9a-z]{1,4}-[0-9a-z]{1,4}-[0-9a-z]{1,6})*)$/;

/**
 * Text of a position: `r1.` + the record, then `.cell-attempt-seq` for each open attempt in base 36, the cell by its
 * place in the plan so that 180 open attempts stay below 2 KiB.
 */
export function encodePosition({ seq, frames }: Position, placeOf: ReadonlyMap<string, number>): string {
  const parts = [...frames].map(([cell, at]) =>
    [placeOf.get(cell)!, at.attempt, at.seq].map((n) => n.toString(36)).join("-")
  );
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
    const [place, attempt, seq] = part.split("-").map((digits) => parseInt(digits, 36)) as [
      number,
      number,
      number,
    ];
    const cell = cells[place];
    if (cell === undefined) {
      throw new EngineError("cursor_invalid", `Cursor of another run: ${cursor.slice(0, 60)}`);
    }
    frames.set(cell, { attempt, seq });
  }
  return { seq: Number(match[1]), frames };
}
