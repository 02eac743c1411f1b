/**
 * JSONata, evaluated where it can do no harm. Owns: limits, messages and codes of evaluation.
 * Never: evaluation in this process, except a plain path of names.
 */
import type { Clock } from "../base/clock.ts";
import { type Json, type JsonObject, parseJson } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { readExpression } from "../expr/blocks/read.ts";
import { explain } from "../expr/expression.ts";
import type { FailureCategory } from "../plan/types.ts";
import { bundle } from "./bundle.ts";
import type { EvaluatorAnswer, EvaluatorRequest } from "./programs/evaluator_message.ts";
import { createEvaluatorPool } from "./evaluator_pool.ts";
import { launch } from "./launch.ts";
import { readPlainPath } from "./plain_path.ts";

/** What to evaluate. */
export interface Evaluation {
  expression: string;
  /** What the expression sees as `$`: for a cell, an object of values by root name. */
  input: Json;
  /** Evaluates it with each item of `input`, a list, as `$`; the value is a list as long, null for no value. */
  each?: boolean;
  /** What it sees as `$params`. Default: an empty object. */
  params?: JsonObject;
  /** Epoch ms that `$now()` and `$millis()` give: the start of the attempt. */
  now: number;
  /** Where `$random()`, `$uuid()` and `$shuffle()` begin: run, cell and attempt. */
  seed: string;
  signal: AbortSignal;
  /** 1 to 60,000; default 5,000. */
  timeoutMs?: number;
}

/** How it went. Without `value`, the expression has none, which is not null. An abort is a failure with code `aborted`. */
export type Evaluated =
  | { ok: true; value?: Json }
  | { ok: false; category: FailureCategory; code?: string; message: string };

/** Evaluates expressions; shared by all who need one. */
export interface Evaluator {
  /** Never throws for what an expression does. */
  evaluate(evaluation: Evaluation): Promise<Evaluated>;
  /** Ends all children; whoever waits gets `aborted`. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
const LONGEST_TIMEOUT_MS = 60_000;
/** How long after its time limit an evaluator is killed. */
const GRACE_MS = 500;
const HEAP_MB = 128;
const MAX_BYTES = 16 * 1024 * 1024;
const CPU_SECONDS = 600;

/**
 * An evaluator with up to four warm children, started when first needed.
 *
 * @example
 * ```ts
 * import { systemClock } from "../base/clock.ts";
 * import { noLog } from "../base/log.ts";
 * const evaluator = createEvaluator({ clock: systemClock, log: noLog });
 * const result = await evaluator.evaluate({
 *   expression: "$sum(items.price)",
 *   input: { items: [{ price: 1 }, { price: 2 }] },
 *   now: 0,
 *   seed: "run/cell/1",
 *   signal: new AbortController().signal,
 * });
 * await evaluator.close();
 * if (!result.ok || result.value !== 3) throw new Error("wrong sum");
 * ```
 */
export function createEvaluator({ clock, log }: { clock: Clock; log: Log }): Evaluator {
  const pool = createEvaluatorPool({
    clock,
    size: Math.min(4, navigator.hardwareConcurrency),
    uses: 10_000,
    busyMs: CPU_SECONDS * 1000 / 4,
    // JSON text inside JSON text may double.
    answerBytes: 3 * MAX_BYTES,
    start: async () => {
      const text = await bundle("child_evaluator.ts");
      return await launch({ program: { text }, heapMb: HEAP_MB, memoryMb: 1000, cpuSeconds: CPU_SECONDS });
    },
  });
  return {
    async evaluate(evaluation) {
      const { expression, input, each = false, params = {}, now, seed, signal } = evaluation;
      const { timeoutMs = TIMEOUT_MS } = evaluation;
      const { ast, problems, text } = readExpression(expression);
      const problem = problems[0];
      if (problem !== undefined) return failure(problem.code, explain(problem));
      const plain = ast === undefined || each ? undefined : readPlainPath(ast, input);
      if (plain !== undefined) return { ok: true, ...plain };
      const limitMs = Math.min(Math.max(1, timeoutMs), LONGEST_TIMEOUT_MS);
      const request: EvaluatorRequest = {
        expression: text,
        input,
        // Params often stand in the input as well: sent twice only if they are read.
        params: text.includes("$params") ? params : {},
        now,
        seed,
        timeoutMs: limitMs,
        ...(each ? { each } : {}),
      };
      const line = JSON.stringify(request);
      // The text around the input is small; that much over the limit is not worth a second pass.
      if (line.length > MAX_BYTES) return failure("expression_too_large", tooLarge("input", line.length));
      const exchange = await pool.exchange(line, { withinMs: limitMs + GRACE_MS, signal });
      if (exchange.type === "answer") return toEvaluated(exchange.line, limitMs);
      if (exchange.type === "aborted") {
        return { ok: false, category: "unknown", code: "aborted", message: "The evaluation was stopped" };
      }
      const why = exchange.type === "died"
        ? `it ended by itself: ${exchange.stderr.slice(0, 500)}`
        : "it was late";
      log.write({ level: "warn", source: "engine", message: `An evaluator was replaced: ${why}` });
      return exchange.type === "timeout"
        ? failure("expression_timeout", timeout(limitMs))
        : failure("expression_memory", `Expression used too much memory (limit ${HEAP_MB} MB)`);
    },
    close: () => pool.close(),
  };
}

function toEvaluated(line: string, timeoutMs: number): Evaluated {
  const answer = JSON.parse(line) as EvaluatorAnswer;
  switch (answer.type) {
    case "nothing":
      return { ok: true };
    case "value": {
      const parsed = parseJson(answer.text);
      return parsed.ok ? parsed : notJson(parsed.reason);
    }
    case "not_json":
      return notJson(answer.message);
    case "too_large":
      return failure("expression_too_large", tooLarge("result", answer.bytes));
    case "invalid":
      return failure("expression_invalid", `Invalid expression: ${answer.message}`);
    case "failed":
      if (answer.code === "D1012") return failure("expression_timeout", timeout(timeoutMs));
      if (answer.code === "D1001" && answer.value !== undefined) return notJson(answer.value);
      return failure("expression_failed", `Expression evaluation failed: ${answer.message}`);
  }
}

function failure(code: string, message: string): Evaluated {
  return { ok: false, category: "code_error", code, message };
}

const notJson = (what: string) => failure("expression_not_json", `Expression result is not JSON: ${what}`);
const timeout = (ms: number) => `Expression timeout after ${ms} ms`;
const tooLarge = (what: string, bytes: number) =>
  `Expression ${what} is too large (${(bytes / 1024 / 1024).toFixed(1)} MB, limit 16 MB)`;
