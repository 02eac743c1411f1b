/**
 * CSV text as rows. Owns: names of columns and which columns hold numbers. Pure.
 */
import { parse } from "@std/csv";
import type { Json, JsonObject } from "../../base/json.ts";

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
/** As many decimal digits come through a double unchanged. */
const EXACT_DIGITS = 15;

/**
 * Rows of CSV text with a header line, as objects by column name. A column is of numbers, with null for empty fields,
 * if every field of it that is not empty is written as a JSON number that a double holds exactly; `007` and long
 * ids therefore stay text. Any other column is of strings.
 *
 * @returns the rows, or what is wrong, as the end of a sentence
 *
 * @example
 * ```ts
 * const { rows } = parseCsv("id,price\n007,1.5\n008,\n");
 * if (JSON.stringify(rows) !== '[{"id":"007","price":1.5},{"id":"008","price":null}]') throw new Error("not read");
 * ```
 */
export function parseCsv(
  text: string,
): { rows: JsonObject[]; problem?: undefined } | { rows?: undefined; problem: string } {
  let records: string[][];
  try {
    records = parse(text);
  } catch (error) {
    return { problem: (error as Error).message };
  }
  const [names, ...fields] = records;
  if (names === undefined) return { rows: [] };
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (name === "") return { problem: `column ${i + 1} has no name` };
    if (seen.has(name)) return { problem: `two columns are named ${name}` };
    seen.add(name);
  }
  for (const [i, row] of fields.entries()) {
    if (row.length !== names.length) {
      return { problem: `row ${i + 1} has ${row.length} fields and the header has ${names.length}` };
    }
  }
  const numeric = names.map((_, column) => isNumeric(fields.map((row) => row[column]!)));
  const toValue = (text: string, column: number): Json => {
    if (!numeric[column]) return text;
    return text === "" ? null : Number(text);
  };
  return {
    rows: fields.map((row) =>
      Object.fromEntries(row.map((text, column) => [names[column]!, toValue(text, column)]))
    ),
  };
}

/** A column of empty fields alone is text. */
function isNumeric(fields: string[]): boolean {
  const filled = fields.filter((text) => text !== "");
  return filled.length > 0 && filled.every(isExactNumber);
}

function isExactNumber(text: string): boolean {
  if (!JSON_NUMBER.test(text)) return false;
  const digits = text.replace(/[eE].*$/, "").replace(/\D/g, "").replace(/^0+/, "").replace(/0+$/, "");
  return digits.length <= EXACT_DIGITS && Math.abs(Number(text)) <= 1e300 &&
    (Number(text) !== 0 || digits === "");
}
