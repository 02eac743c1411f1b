/**
 * Names of the steps that a map opens, one for each of its items. Owns: their form. Pure, and browser-safe.
 */

/** The name of the step of an item: `cell[0]` for the first of `cell`. */
export function itemName(cell: string, index: number): string {
  return `${cell}[${index}]`;
}

const FORM = /^([a-z][a-z0-9_]*)\[(\d{1,3})\]$/;

/**
 * Whose item a step is and which; nothing for a step that is a cell's own.
 *
 * @example
 * ```ts
 * if (itemOf("read[12]")?.cell !== "read" || itemOf("read") !== undefined) throw new Error("not read");
 * ```
 */
export function itemOf(step: string): { cell: string; index: number } | undefined {
  const match = FORM.exec(step);
  return match === null ? undefined : { cell: match[1]!, index: Number(match[2]) };
}
