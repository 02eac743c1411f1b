/**
 * What people are told of schemas. Owns: the sentence for a bad one, and how many errors are listed (DF-106, DF-109).
 */
import type { SchemaFault } from "./read.ts";

/** Errors of a schema that a message lists. */
const LISTED = 5;

/** What is wrong with the schema of a port. */
export function schemaFault(name: string, { fault, remote }: SchemaFault): string {
  return remote === undefined
    ? `Schema of '${name}' is not valid: ${fault}`
    : `Schema of '${name}' refers to ${remote}; only local references are allowed`;
}

/** The first errors of a check, and how many more there are. */
export function listErrors(errors: readonly string[]): string {
  const more = errors.length - LISTED;
  return errors.slice(0, LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
