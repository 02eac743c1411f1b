/**
 * What would be right in place of an expression that is not. Owns: the rules, of which the first that fits speaks.
 * Never: whether an expression is right.
 */
import { FUNCTIONS, SYNONYMS } from "./functions.ts";
import { lexemes } from "./scan.ts";
import { nearest } from "../notebook/nearest.ts";

/** How other languages write what JSONata writes differently; tried on text without strings and comments. */
const HABITS: [RegExp, string][] = [
  [/==/, "Use = to compare"],
  [/&&|\|\|/, "Use and, or"],
  [/=>|->/, "Use function($x){ … }"],
  [/\[\s*\?\s*\(/, "Write the condition alone: [price > 100]"],
  [/\$\{/, "Leave out ${ }; fields are named directly"],
  [/!(?!=)/, "Use $not(x)"],
  [/[\w)\]]\s*\.\.\s*\w/, "Use ** for any depth"],
  [/[\w)\]]\s*\|\s*\w/, "Use ~> to pass a value on"],
];

/** A suggestion for text that does not parse. */
export function suggestSyntax(text: string): string {
  const open: number[] = [];
  let bare = "";
  const next = lexemes(text);
  for (let lexeme = next(); lexeme !== undefined; lexeme = next()) {
    const { type, start, end } = lexeme;
    if (type === "open") open.push(start);
    if (type === "close") open.pop();
    bare += type === "string" || type === "quoted" || type === "comment" || type === "regex"
      ? "_"
      : text.slice(start, end);
  }
  const habit = HABITS.find(([pattern]) => pattern.test(bare));
  if (habit !== undefined) return habit[1];
  const last = open.at(-1);
  if (last === undefined) return "Check JSONata syntax";
  return `Close the ${text[last]} opened at column ${last - text.lastIndexOf("\n", last)}`;
}

/** A suggestion for a function that does not exist, if one is near. */
export function suggestFunction(name: string): string | undefined {
  const near = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : nearest(name, FUNCTIONS);
  return near === undefined ? undefined : `Did you mean $${near}?`;
}
