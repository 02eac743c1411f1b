/**
 * The checks that stand on an edge. Owns: what each looks at, and what is said of a value that fails it.
 * Never: what follows from that; `deliver.ts` knows.
 *
 * DF-252 to DF-256.
 */
import { type Json, jsonBytes, parseJson } from "../../../base/json.ts";
import { listErrors, schemaFault } from "../../../kinds/schema/told.ts";
import { schemaCheck } from "../../../kinds/schema/check.ts";
import type { Check } from "../../../notebook/contracts/contract.ts";
import type { Evaluate } from "./transform.ts";

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
/** Longer than any address; the pattern is quadratic in the text. */
const LONGEST_EMAIL = 1_000;

/** What a check says of a value: nothing if it fits. */
export async function failureOf(
  check: Check,
  input: string,
  value: Json,
  evaluate: Evaluate,
): Promise<string | undefined> {
  const message = await faultOf(check, input, value, evaluate);
  return message === undefined ? undefined : check.errorMessage ?? message;
}

async function faultOf(
  check: Check,
  input: string,
  value: Json,
  evaluate: Evaluate,
): Promise<string | undefined> {
  switch (check.type) {
    case "schema": {
      const read = await schemaCheck(check.schema);
      if (!read.ok) return schemaFault(input, read);
      const errors = read.check(value);
      return errors.length === 0 ? undefined : listErrors(errors);
    }
    case "size": {
      const size = jsonBytes(value);
      return size <= check.maxBytes
        ? undefined
        : `Data size (${size} bytes) exceeds limit (${check.maxBytes} bytes)`;
    }
    case "format":
      return hasFormat(check.format, value) ? undefined : `Data does not match format: ${check.format}`;
    case "custom": {
      const result = await evaluate(check.expression, value);
      if (!result.ok) return result.message;
      if (result.value === true) return undefined;
      return typeof result.value === "string" ? result.value : "Custom validation failed";
    }
  }
}

function hasFormat(format: "json" | "url" | "email", value: Json): boolean {
  // What is no text has been JSON all along.
  if (format === "json") return typeof value !== "string" || parseJson(value).ok;
  if (typeof value !== "string") return false;
  return format === "url" ? URL.canParse(value) : value.length <= LONGEST_EMAIL && EMAIL.test(value);
}
