/**
 * What the engine and an evaluator say to each other: one line of JSON each way. Owns: the shapes.
 */
import type { Json } from "../../base/json.ts";

/** A question. */
export interface EvaluatorRequest {
  expression: string;
  /** What the expression sees as `$`. */
  input: Json;
  /** What it sees as `$params`. */
  params: Json;
  /** Epoch ms that `$now()` and `$millis()` give. */
  now: number;
  /** Where `$random()`, `$uuid()` and `$shuffle()` begin. */
  seed: string;
  timeoutMs: number;
  /** Evaluate it for each item of `input`, a list; the value is the list of results, null for none. */
  each?: true;
}

/** An answer. `position` counts UTF-16 code units of the expression, from 0 or from the end of the token at fault. */
export type EvaluatorAnswer =
  | { type: "value"; text: string }
  | { type: "nothing" }
  | { type: "invalid"; code?: string; message: string; position?: number; value?: string }
  | { type: "failed"; code?: string; message: string; position?: number; value?: string }
  | { type: "not_json"; message: string }
  | { type: "too_large"; bytes: number };
