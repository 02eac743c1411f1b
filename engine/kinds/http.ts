/**
 * The kind `http`: a cell that asks a server, or has it do something. Owns: the way from its text to its value.
 * Never: where it may go and how; that is `engine/sandbox/egress`. What acts goes through `attempt.effects`.
 */
import { READING_METHODS } from "../notebook/effects/descriptor.ts";
import { type Egress, type EgressOutcome, MOST_REDIRECTS } from "../sandbox/egress/egress.ts";
import type { ExpressionEvaluator } from "./agent/prompt.ts";
import { displayOf } from "./display.ts";
import { act, actionOf, LONGEST_BODY } from "./http/act.ts";
import { outcomeOf } from "./http/answer.ts";
import { type HttpRequest, requestOf } from "./http/fill.ts";
import { httpProblems } from "./http/needs.ts";
import type { Attempt, Kind, Outcome } from "./kind.ts";

export { outcomeOf } from "./http/answer.ts";
export { type HttpRequest, requestOf } from "./http/fill.ts";

/** What the kind works with. */
export interface HttpTools {
  egress: Egress;
  evaluator: ExpressionEvaluator;
}

/** The kind, with the way out and the evaluator for its placeholders. */
export function httpKind({ egress, evaluator }: HttpTools): Kind {
  return {
    name: "http",
    title: "HTTP",
    description: "Asks a server over HTTP: the answer's status, headers and body are the value",
    attempts: 1,
    check: httpProblems,
    undo: (cell) => actionOf(cell)?.descriptor,
    async run(attempt) {
      const made = await requestOf(attempt, evaluator);
      if (attempt.signal.aborted) return { type: "cancelled" };
      if (!made.ok) return made.outcome;
      const action = actionOf(attempt.cell);
      if (action !== undefined) {
        return valued(await act(attempt, action, made.request, { egress, evaluator }), attempt);
      }
      const answer = await sendRequest(made.request, egress, attempt.signal);
      return attempt.signal.aborted
        ? { type: "cancelled" }
        : valued(outcomeOf(answer, attempt.clock.now()), attempt);
    },
  };
}

/** Sends a request that only reads; redirects are followed. */
export function sendRequest(
  request: HttpRequest,
  egress: Egress,
  signal: AbortSignal,
): Promise<EgressOutcome> {
  if (!READING_METHODS.has(request.method)) {
    throw new Error(`${request.method} acts, and goes out only by attempt.effects`);
  }
  return egress.send({ ...request, redirects: MOST_REDIRECTS, maxBytes: LONGEST_BODY, signal });
}

function valued(outcome: Outcome, { cell }: Attempt): Outcome {
  return outcome.type === "succeeded" ? { ...outcome, ...displayOf(outcome.value, cell) } : outcome;
}
