/**
 * Asking whether a request has had its effect (EF-049). Owns: what a probe asks and which answers say something. Never:
 * what follows from that; that is `attempt.effects`.
 */
import type { Json } from "../../base/json.ts";
import type { Descriptor, EffectHeader } from "../../notebook/effects/descriptor.ts";
import { type Egress, MOST_REDIRECTS } from "../../sandbox/egress/egress.ts";
import type { ExpressionEvaluator } from "../agent/prompt.ts";
import type { Attempt, Probe } from "../kind.ts";
import { outcomeOf } from "./answer.ts";
import { fillUrl } from "./fill.ts";
import { preparedUndo } from "./prepare_undo.ts";

/** Statuses that say that there is nothing. All others of 400 and more say nothing. */
const NOT_THERE = new Set([404, 410]);

/** The probe of a cell. Only `true` and `false` say something; with anything else it stays in doubt. */
export function probeOf(
  { url, exists }: NonNullable<EffectHeader["probe"]>,
  descriptor: Descriptor,
  attempt: Attempt,
  { egress, evaluator, allowed }: { egress: Egress; evaluator: ExpressionEvaluator; allowed: string[] },
): Probe {
  const { signal, startedAt, key, clock } = attempt;
  return async () => {
    const target = await fillUrl(url, attempt, evaluator);
    if (!target.ok) return { type: "unknown" };
    const request = { method: "GET", url: target.text, allowed, redirects: MOST_REDIRECTS, signal };
    const answer = await egress.send(request);
    if (answer.type !== "answered") return { type: "unknown" };
    if (answer.status >= 400 && !NOT_THERE.has(answer.status)) return { type: "unknown" };
    const read = outcomeOf({ ...answer, status: 200 }, clock.now());
    if (read.type !== "succeeded") return { type: "unknown" };
    const result = { ...read.value as Record<string, Json>, status: answer.status };
    const said = await evaluator.evaluate({
      expression: exists,
      input: result,
      now: startedAt,
      seed: `${key}/${attempt.attempt}`,
      signal,
    });
    if (!said.ok || typeof said.value !== "boolean") return { type: "unknown" };
    if (!said.value) return { type: "failed" };
    const undo = await preparedUndo(descriptor, result, attempt, evaluator);
    return { type: "done", result, ...(undo === undefined ? {} : { descriptor: undo }) };
  };
}
