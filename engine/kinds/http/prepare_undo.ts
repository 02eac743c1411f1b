/**
 * How an action is undone, filled in with what came of it (EF-032, EF-033). Owns: what the placeholders of a descriptor
 * become, and what it is if they become nothing. Never: undoing.
 */
import { isObject, type Json } from "../../base/json.ts";
import { type Descriptor, holdsPlaceholders } from "../../notebook/effects/descriptor.ts";
import { targetOf } from "../../sandbox/egress/target.ts";
import type { ExpressionEvaluator } from "../agent/prompt.ts";
import type { Attempt, Outcome } from "../kind.ts";
import { filled } from "../wait/filled.ts";
import { fillUrl } from "./fill.ts";

/** How the reason begins where a descriptor could not be filled in. */
export const UNPREPARED = "Compensation could not be prepared: ";
/** Largest filled descriptor, in characters of JSON: it is part of an event. */
const MOST = 8_000;
const MOST_WORDS = 2_000;

/**
 * The descriptor with its placeholders filled from `result`, inputs and params; `undefined` if it has none. One that
 * cannot be filled becomes `irreversible` and says why.
 */
export async function preparedUndo(
  descriptor: Descriptor,
  result: Json,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Descriptor | undefined> {
  if (!holdsPlaceholders(descriptor)) return undefined;
  // It has happened, so that its descriptor is filled in even if the attempt is told to end meanwhile.
  const after = { ...attempt, inputs: { ...attempt.inputs, result }, signal: new AbortController().signal };
  const whole = await fillDescriptor(descriptor, after, evaluator);
  if (typeof whole !== "string" && JSON.stringify(whole).length <= MOST) return whole;
  const why = typeof whole === "string" ? whole : "it is too large with its placeholders filled in";
  return { type: "irreversible", reason: `${UNPREPARED}${why}`.slice(0, MOST_WORDS).toWellFormed() };
}

/** The filled descriptor, or why there is none. */
async function fillDescriptor(
  descriptor: Descriptor,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<Descriptor | string> {
  if (descriptor.type !== "reversible") {
    const whole = await filled(descriptor as unknown as Json, attempt, evaluator);
    if (!whole.ok) return whyNot(whole.outcome);
    return wordsIn(whole.value) ?? whole.value as unknown as Descriptor;
  }
  const { url, service, ...operation } = descriptor.reverseOperation;
  const rest = await filled(operation as unknown as Json, attempt, evaluator);
  if (!rest.ok) return whyNot(rest.outcome);
  const { headers } = rest.value as { headers?: Json };
  const wrong = wordsIn(headers ?? {});
  if (wrong !== undefined) return wrong;
  const known = { ...rest.value as object, service } as typeof descriptor.reverseOperation;
  if (url === undefined) return { type: "reversible", reverseOperation: known };
  const text = await fillUrl(url, attempt, evaluator);
  if (!text.ok) return whyNot(text.outcome);
  const read = targetOf(text.text);
  if (!read.ok) return text.text.trim() === "" ? "its url is empty" : read.denial.message;
  // Without a service of its own the descriptor has that of its url, which is known only now.
  const named = service.includes("{{") ? { service: read.target.url.host } : {};
  return { type: "reversible", reverseOperation: { ...known, ...named, url: text.text.trim() } };
}

/** What stands as words in a descriptor must be words; a payload and parameters may be anything. */
function wordsIn(value: Json): string | undefined {
  for (const [key, part] of Object.entries(isObject(value) ? value : {})) {
    if (key === "payload" || key === "canRetry") continue;
    for (const word of Array.isArray(part) ? part : [part]) {
      if (typeof word !== "string" || word.length > MOST_WORDS) {
        return `${key} comes out as no text that fits`;
      }
    }
  }
}

function whyNot(outcome: Outcome): string {
  return outcome.type === "failed" ? outcome.problem.message : "it was stopped";
}
