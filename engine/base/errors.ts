/**
 * Errors that tell a machine what to do next and a person what happened.
 * Owns: the table of codes. Never: HTTP; a front door turns {@link toWire}'s answer into its own form.
 *
 * A code enters the table with the code that raises it, so that the table lists only what can happen.
 */

/** Kinds of error: who has to change something before it can go well. */
export type ErrorClass =
  | "validation"
  | "auth"
  | "not_found"
  | "conflict"
  | "gone"
  | "state"
  | "contention"
  | "limit"
  | "internal"
  | "unavailable";

/** What to do with the same request: nothing, change it, read again, wait, or send it again. */
export type Retry = "never" | "fix" | "refresh" | "wait" | "again";

interface CodeRow {
  status: number;
  class: ErrorClass;
  retry: Retry;
  title: string;
}

/** Every code with its HTTP status, class, advice and title. */
export const ERROR_CODES = {
  json_invalid: { status: 400, class: "validation", retry: "fix", title: "Not JSON" },
  query_invalid: { status: 400, class: "validation", retry: "fix", title: "Query not understood" },
  id_invalid: { status: 400, class: "validation", retry: "fix", title: "Not a usable name" },
  cursor_invalid: { status: 400, class: "validation", retry: "fix", title: "Cursor not understood" },
  key_invalid: { status: 400, class: "validation", retry: "fix", title: "Key not usable" },
  host_refused: { status: 400, class: "validation", retry: "fix", title: "Host not served" },
  schema_invalid: { status: 422, class: "validation", retry: "fix", title: "Fields not as declared" },
  notebook_invalid: { status: 422, class: "validation", retry: "fix", title: "Notebook has errors" },
  cycle_found: { status: 422, class: "validation", retry: "fix", title: "Cells form a cycle" },
  kind_unknown: { status: 422, class: "validation", retry: "fix", title: "Cell kind not available" },
  param_missing: { status: 422, class: "validation", retry: "fix", title: "Param missing" },
  param_invalid: { status: 422, class: "validation", retry: "fix", title: "Param not valid" },
  lane_unknown: { status: 422, class: "validation", retry: "fix", title: "No such lane" },
  child_recursion: { status: 422, class: "validation", retry: "fix", title: "Notebook runs itself" },
  child_depth: { status: 422, class: "validation", retry: "fix", title: "Notebooks too deep in each other" },
  graph_too_large: { status: 422, class: "validation", retry: "fix", title: "Too many cells" },
  estimate_over_limit: { status: 422, class: "validation", retry: "fix", title: "Estimate is over a limit" },
  auth_missing: { status: 401, class: "auth", retry: "fix", title: "Not signed in" },
  auth_invalid: { status: 401, class: "auth", retry: "fix", title: "Sign-in not accepted" },
  csrf_failed: { status: 403, class: "auth", retry: "never", title: "Request not from the studio" },
  origin_refused: { status: 403, class: "auth", retry: "never", title: "Origin not served" },
  route_unknown: { status: 404, class: "not_found", retry: "never", title: "No such page" },
  notebook_not_found: { status: 404, class: "not_found", retry: "never", title: "No such notebook" },
  version_not_found: { status: 404, class: "not_found", retry: "never", title: "No such version" },
  run_not_found: { status: 404, class: "not_found", retry: "never", title: "No such run" },
  lane_not_found: { status: 404, class: "not_found", retry: "never", title: "No such lane" },
  worker_not_found: { status: 404, class: "not_found", retry: "never", title: "No such worker" },
  checkpoint_not_found: { status: 404, class: "not_found", retry: "never", title: "No such checkpoint" },
  step_not_found: { status: 404, class: "not_found", retry: "never", title: "No such step" },
  attempt_not_found: { status: 404, class: "not_found", retry: "never", title: "No such attempt" },
  value_not_ready: { status: 404, class: "state", retry: "wait", title: "No value yet" },
  method_not_allowed: { status: 405, class: "validation", retry: "fix", title: "Method not allowed" },
  media_unsupported: { status: 415, class: "validation", retry: "fix", title: "Content type not taken" },
  idempotency_conflict: {
    status: 409,
    class: "conflict",
    retry: "fix",
    title: "Key used for another request",
  },
  run_ended: { status: 409, class: "state", retry: "never", title: "Run has ended" },
  step_ended: { status: 409, class: "state", retry: "never", title: "Step has ended" },
  run_busy: { status: 409, class: "contention", retry: "wait", title: "Run has not ended" },
  lane_closed: { status: 409, class: "state", retry: "never", title: "Lane takes no runs" },
  checkpoint_limit: { status: 429, class: "limit", retry: "never", title: "Too many checkpoints" },
  version_mismatch: { status: 409, class: "conflict", retry: "fix", title: "Versions differ" },
  restart_limit: { status: 409, class: "state", retry: "never", title: "Restarted too often" },
  step_suspended: { status: 409, class: "contention", retry: "wait", title: "Step is suspended" },
  command_not_found: { status: 404, class: "not_found", retry: "never", title: "No such command" },
  not_suspended: { status: 409, class: "state", retry: "never", title: "Not suspended" },
  waitpoint_not_found: { status: 404, class: "not_found", retry: "never", title: "No such waitpoint" },
  approval_not_found: { status: 404, class: "not_found", retry: "never", title: "No such approval" },
  approval_decided: { status: 409, class: "conflict", retry: "never", title: "Decided already" },
  link_used: { status: 409, class: "conflict", retry: "never", title: "Link was used" },
  not_approver: { status: 403, class: "auth", retry: "never", title: "Not yours to decide" },
  token_invalid: { status: 403, class: "auth", retry: "never", title: "Token not valid" },
  key_conflict: { status: 409, class: "conflict", retry: "fix", title: "Name is taken" },
  key_not_found: { status: 404, class: "not_found", retry: "never", title: "No such key" },
  waitpoint_closed: { status: 409, class: "state", retry: "never", title: "Waitpoint is closed" },
  waitpoint_limit: { status: 429, class: "limit", retry: "never", title: "Too many waitpoints" },
  child_limit: { status: 429, class: "limit", retry: "wait", title: "Too many runs of its own" },
  signal_limit: { status: 429, class: "limit", retry: "wait", title: "Too many signals" },
  token_expired: { status: 403, class: "auth", retry: "never", title: "Time of the token is over" },
  tag_limit: { status: 422, class: "validation", retry: "fix", title: "Too many or too long tags" },
  inbox_full: { status: 429, class: "limit", retry: "wait", title: "Too many commands wait" },
  attempt_stale: { status: 409, class: "state", retry: "never", title: "Attempt is over" },
  attempt_open: { status: 409, class: "contention", retry: "wait", title: "Attempt is running" },
  not_ready: { status: 409, class: "contention", retry: "wait", title: "Inputs not settled" },
  effect_not_found: { status: 404, class: "not_found", retry: "never", title: "No such effect" },
  effect_settled: { status: 409, class: "state", retry: "never", title: "Effect is settled" },
  effect_not_done: { status: 409, class: "state", retry: "never", title: "Effect is not done" },
  effect_in_doubt: { status: 409, class: "state", retry: "fix", title: "An effect is in doubt" },
  effect_limit: { status: 429, class: "limit", retry: "never", title: "Too many effects" },
  budget_exceeded: { status: 409, class: "state", retry: "fix", title: "Budget does not suffice" },
  budget_not_found: { status: 404, class: "not_found", retry: "never", title: "No such budget" },
  quota_not_found: { status: 404, class: "not_found", retry: "never", title: "No such quota" },
  name_taken: { status: 409, class: "conflict", retry: "fix", title: "Name is taken" },
  lease_held: { status: 409, class: "contention", retry: "wait", title: "Run is owned" },
  lease_lost: { status: 409, class: "contention", retry: "refresh", title: "Lease lost" },
  session_lost: { status: 409, class: "contention", retry: "refresh", title: "Session lost" },
  frames_trimmed: { status: 410, class: "gone", retry: "refresh", title: "Output no longer kept" },
  body_too_large: { status: 413, class: "limit", retry: "fix", title: "Body too large" },
  record_too_large: { status: 413, class: "limit", retry: "fix", title: "Record too large" },
  storage_full: { status: 507, class: "limit", retry: "fix", title: "No room to store more" },
  internal: { status: 500, class: "internal", retry: "again", title: "Something broke here" },
  store_corrupt: { status: 500, class: "internal", retry: "never", title: "Stored data not readable" },
  store_unavailable: { status: 503, class: "unavailable", retry: "wait", title: "Store not reachable" },
  store_in_use: { status: 503, class: "unavailable", retry: "wait", title: "Store in use" },
  draining: { status: 503, class: "unavailable", retry: "wait", title: "Shutting down" },
} as const satisfies Record<string, CodeRow>;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What an answer to the outside says of an error. */
export interface WireError {
  code: ErrorCode;
  class: ErrorClass;
  retry: Retry;
  status: number;
  title: string;
  /** A sentence: what is wrong and what to do. */
  detail: string;
  /** Everything that is wrong, where a list says more than a sentence. */
  problems?: readonly unknown[];
}

/**
 * An error with a code. The message is a sentence for a person, without a full stop; a value that is wrong
 * stands at its end after a colon.
 *
 * @example
 * ```ts
 * const error = new EngineError("run_not_found", "No run has this id: run_1");
 * if (error.status !== 404 || error.retry !== "never") throw new Error("wrong row");
 * ```
 */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly problems?: readonly unknown[];

  /**
   * @param code a row of {@link ERROR_CODES}
   * @param message a sentence for a person
   * @param options `cause` for the log, `problems` for the answer
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; problems?: readonly unknown[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EngineError";
    this.code = code;
    this.problems = options.problems;
  }

  /** HTTP status of the code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** Advice of the code. */
  get retry(): Retry {
    return ERROR_CODES[this.code].retry;
  }
}

/**
 * What the outside may know of anything thrown. An error without a code is a bug: its words stay in the log
 * under `incident`, and the answer says only that.
 */
export function toWire(error: unknown, incident: string): WireError {
  if (error instanceof EngineError) {
    const { status, class: kind, retry, title } = ERROR_CODES[error.code];
    return {
      code: error.code,
      class: kind,
      retry,
      status,
      title,
      detail: error.message,
      ...(error.problems === undefined ? {} : { problems: error.problems }),
    };
  }
  return {
    ...ERROR_CODES.internal,
    code: "internal",
    detail: `This is a bug. The log has it under ${incident}`,
  };
}
