/**
 * The kind `http`: a cell that asks a server. Owns: the way from its text to its value.
 * Never: where it may go and how; that is `engine/sandbox/egress`. Methods that change something are not sent.
 */
import { type Egress, type EgressOutcome, MOST_REDIRECTS } from "../sandbox/egress/egress.ts";
import type { ExpressionEvaluator } from "./agent/prompt.ts";
import { displayOf } from "./display.ts";
import { outcomeOf } from "./http/answer.ts";
import { type HttpRequest, requestOf } from "./http/fill.ts";
import { httpProblems } from "./http/needs.ts";
import { READING } from "./http/source.ts";
import { type Attempt, failed, type Kind, type Outcome } from "./kind.ts";

export { outcomeOf } from "./http/answer.ts";
export { type HttpRequest, requestOf } from "./http/fill.ts";

/** Longest body that can be a value, in bytes. */
const LONGEST_BODY = 16 * 1024 * 1024;

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
    async run(attempt) {
      const made = await requestOf(attempt, evaluator);
      if (attempt.signal.aborted) return { type: "cancelled" };
      if (!made.ok) return made.outcome;
      if (!READING.has(made.request.method)) {
        const message = `${made.request.method} is not available yet; only GET, HEAD and OPTIONS are sent`;
        return failed("invalid_input", message, "method_unavailable");
      }
      const answer = await sendRequest(made.request, egress, attempt.signal);
      return attempt.signal.aborted
        ? { type: "cancelled" }
        : valued(outcomeOf(answer, attempt.clock.now()), attempt);
    },
  };
}

/** Sends a request; redirects are followed for methods that only read. */
export function sendRequest(
  request: HttpRequest,
  egress: Egress,
  signal: AbortSignal,
): Promise<EgressOutcome> {
  return egress.send({ ...request, redirects: MOST_REDIRECTS, maxBytes: LONGEST_BODY, signal });
}

function valued(outcome: Outcome, { cell }: Attempt): Outcome {
  return outcome.type === "succeeded" ? { ...outcome, ...displayOf(outcome.value, cell) } : outcome;
}
