/**
 * The keys of a notebook: which there are, where, and what each may be. Owns: the tables.
 * Never: the rules' working (`rules.ts`), or what depends on more than one key (`cell.ts`, `front_matter.ts`).
 */
import { areTokens, TOKENS_FORM } from "./capability.ts";
import { LANE_NAME } from "./lane_name.ts";
import { durationMs } from "../duration.ts";
import { LONGEST_WINDOW_MS, MOST_QUOTA, MOST_QUOTAS, QUOTA_NAME } from "../spend/quotas.ts";
import { PORT_TYPES } from "../outputs.ts";
import { ON_LIMIT } from "../spend/limits.ts";
import {
  BACKOFFS,
  ERROR_POLICIES,
  FAILURE_CATEGORIES,
  JITTERS,
  MAX_ATTEMPTS,
  MAX_KEEP_DAYS,
  MAX_KEEP_RUNS,
} from "../policy.ts";
import { CELL_KINDS, type CellKind, PARAM_TYPES } from "../types.ts";
import * as rule from "./rules.ts";
import type { Rule, Rules } from "./rules.ts";

const { anything, duration, either, filled, listOf, mapOf, matching, object, oneOf, schema, text, yesOrNo } =
  rule;

const texts = listOf(text, "a list of texts");
const cellName = "[a-z][a-z0-9_]{0,63}";
const source = matching(new RegExp(`^${cellName}(\\.${cellName})?$`), "cell or cell.port");

const timeout: Rule = {
  expected: "0 or a duration from 1s",
  message: "Timeout must be 0 (none) or at least 1 second",
  fits: (value) => {
    const ms = durationMs(value);
    return ms === 0 || (ms ?? 0) >= 1000;
  },
};

const retry = object({
  attempts: rule.whole(1, MAX_ATTEMPTS, `Attempts must be between 1 and ${MAX_ATTEMPTS}`),
  backoff: oneOf(...BACKOFFS),
  initial: duration,
  factor: rule.number(1, 100),
  max: duration,
  jitter: oneOf(...JITTERS),
  on: listOf(oneOf(...FAILURE_CATEGORIES), "a list of categories of failure"),
}, "keys and values, such as { attempts: 3, initial: 1s }");

const amount = rule.number(0);
const limits = object(
  { tokens: amount, usd: amount, minutes: amount, calls: amount },
  "numbers by name, such as { tokens: 20000, usd: 0.50, minutes: 10, calls: 20 }",
);
const onLimit = oneOf(...ON_LIMIT);

const output = object(
  { type: oneOf(...PORT_TYPES), schema, description: text, language: text },
  "keys and values, such as { type: json }",
);
const input = object({
  from: either(source, listOf(source, "a list of these")),
  type: oneOf(...PORT_TYPES),
  required: yesOrNo,
  default: anything,
  schema,
  description: text,
  parse: yesOrNo,
  transform: listOf(object(), "a list of at most 20 transformations", 20),
  validate: listOf(object(), "a list of at most 20 checks", 20),
  allowPartial: yesOrNo,
}, "keys and values, such as { from: scout }");

/** Most items of a map. */
export const MAX_ITEMS = 1_000;

const ANY_CELL: Rules = {
  inputs: mapOf(input, "names with a source, such as inputs: { claims: { from: scout } }"),
  outputs: mapOf(output, "names with a type, such as outputs: { claims: { type: json } }"),
  after: listOf(
    matching(new RegExp(`^${cellName}\\??$`), "a cell's name"),
    "a list of cells, such as [a, b?]",
  ),
  when: text,
  each: object({
    in: filled("'each' needs an expression for its items under in"),
    as: matching(new RegExp(`^${cellName}$`), "a name such as item"),
    concurrency: rule.whole(1, 256),
    errors: oneOf("stop", "continue"),
    max: rule.whole(1, MAX_ITEMS),
  }, "keys and values, such as each: { in: scout.claims }"),
  join: either(
    oneOf("all", "any"),
    object({
      quorum: rule.whole(1),
      of: listOf(matching(new RegExp(`^${cellName}$`), "a cell's name"), "a list of cells"),
    }, "{ quorum: n }"),
  ),
  rest: oneOf("cancel-remaining", "let-run"),
  retry,
  timeout,
  onTimeout: either(text, object()),
  errors: oneOf(...ERROR_POLICIES),
  fallback: object(
    { value: anything, cell: matching(new RegExp(`^${cellName}$`), "a cell's name") },
    "a value, such as fallback: { value: [] }",
  ),
  limits,
  onLimit,
  quotas: listOf(
    either(
      matching(QUOTA_NAME, "the name of a quota"),
      object({
        name: matching(QUOTA_NAME, "a name"),
        window: {
          expected: "a duration from 1ms to 31d",
          fits: (value) => {
            const ms = durationMs(value);
            return ms !== undefined && ms >= 1 && ms <= LONGEST_WINDOW_MS;
          },
        },
        max: rule.whole(1, MOST_QUOTA),
        maxConcurrent: rule.whole(1, MOST_QUOTA),
      }),
    ),
    "a list of quotas, such as [{ name: api, window: 1m, max: 10 }, { name: gpu, maxConcurrent: 1 }]",
    MOST_QUOTAS,
  ),
  requires: { expected: TOKENS_FORM, fits: areTokens },
  needs: object({ net: texts, read: texts, write: texts, env: texts }),
  effect: object(),
  onCancel: text,
  onFailure: text,
  streaming: yesOrNo,
  stream: object({
    split: oneOf("chunk", "line", "token"),
    highWaterMark: rule.whole(1),
    backpressureThreshold: anything,
    keep: oneOf("full", "partial", "regenerate"),
  }),
  cache: yesOrNo,
};

const MODEL: Rules = {
  role: text,
  model: filled("No model selected"),
  temperature: rule.number(0, 2, "Temperature must be between 0 and 2"),
  maxTokens: rule.whole(1, Infinity, "Max tokens must be at least 1"),
  system: filled("System prompt is empty"),
};

const AT_TIMEOUT = oneOf("fail", "cancel", "skip", "auto-resume");
const onTimeout = either(
  AT_TIMEOUT,
  object({ escalate: duration, then: AT_TIMEOUT }, "such as { escalate: 1d, then: cancel }"),
);

const OWN: Partial<Record<CellKind, Rules>> = {
  agent: { ...MODEL, tools: texts, readOnly: texts, mock: listOf(anything, "a list of steps") },
  approval: {
    ask: text,
    context: anything,
    value: anything,
    schema,
    deciders: texts,
    needed: rule.whole(1, 100),
    twoPerson: yesOrNo,
    onTimeout,
    onReject: oneOf("fail", "continue"),
  },
  wait: {
    for: either(duration, matching(/\{\{/, "a placeholder")),
    until: matching(/^\d{4}-\d\d-\d\dT|\{\{/, "a time as 2026-11-20T09:30:00Z"),
    signal: matching(
      /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
      "a name of letters, digits, dots, dashes and underscores",
    ),
    match: anything,
    count: rule.whole(1, 100),
    distinct: oneOf("signals", "sources"),
    onTimeout,
  },
  input: {
    param: text,
    text,
    value: anything,
    file: text,
    files: text,
    as: oneOf("text", "json", "csv"),
    description: text,
    label: text,
  },
  notebook: {
    notebook: filled("'notebook' does not say which one"),
    params: object(undefined, "values by name, such as { topic: tea }"),
    onTimeout,
  },
  jsonata: {},
  ts: {},
  http: {},
  tool: { readOnly: yesOrNo },
};

/** Keys of which a `wait` cell has exactly one. */
export const WAIT_SOURCES = ["for", "until", "signal"] as const;

/** Keys of which an `input` cell has exactly one. */
export const INPUT_SOURCES = ["param", "text", "value", "file", "files"] as const;

/** Kinds whose body is all header. */
export const HEADER_ONLY: ReadonlySet<CellKind> = new Set<CellKind>([
  "approval",
  "input",
  "notebook",
  "wait",
]);

/** The keys of a kind. `open`: the kind has keys of its own that the format leaves to it. */
export const CELL_RULES = new Map<CellKind, { rules: Rules; open: boolean }>(
  CELL_KINDS.map((kind) => [
    kind,
    { rules: { ...ANY_CELL, ...OWN[kind] }, open: OWN[kind] === undefined },
  ]),
);

/** The keys of front matter. */
export const FRONT_RULES: Rules = {
  weft: {
    expected: "1",
    message: "This is not a notebook of version 1: set weft to 1",
    fits: (value) => value === 1,
  },
  title: text,
  author: text,
  tags: texts,
  category: text,
  params: object(undefined, "params by name, such as { topic: { type: string } }"),
  defaults: object(MODEL),
  limits,
  onLimit,
  errors: oneOf(...ERROR_POLICIES),
  concurrency: rule.whole(1),
  retry,
  timeout,
  lane: matching(LANE_NAME, "a lane's name: letters, digits and . _ -"),
  priority: rule.whole(0, 100),
  mode: text,
  confirmAboveUsd: rule.number(0),
  logLevel: oneOf("debug", "info", "warn", "error"),
  timeZone: text,
  streams: object(),
  storage: object(),
  retention: object({
    keepRuns: rule.whole(0, MAX_KEEP_RUNS),
    keepDays: rule.number(0, MAX_KEEP_DAYS),
    keepFramesDays: rule.number(0, MAX_KEEP_DAYS),
  }),
  notifications: object(),
  sampling: anything,
  handlers: anything,
  mcp: object(),
  onCancel: text,
  onFailure: text,
  template: object(),
  from: object(),
};

/** The keys of a param (DF-621). `default`, `enum` and bounds are checked against the type elsewhere. */
export const PARAM_RULES: Rules = {
  type: oneOf(...PARAM_TYPES),
  default: anything,
  description: text,
  label: text,
  required: yesOrNo,
  enum: listOf(anything, "a list of values"),
  min: rule.number(),
  max: rule.number(),
  schema,
};
