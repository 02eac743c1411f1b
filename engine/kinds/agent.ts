/**
 * The cell kind `agent`: a prompt to a model. Owns: the way from cell to value, step by step.
 * Never: retries, budgets, providers.
 *
 * A1 No model is called while a placeholder has no value or a schema is not usable.
 * A2 Text is emitted as it comes; the value is made of the same pieces, joined.
 */
import { type AgentSettings, agentSettings } from "../notebook/agent.ts";
import type { ModelPart, ModelRequest, Models } from "../models/model.ts";
import { PRICES_AS_OF } from "../models/prices.ts";
import type { Usage, Warning } from "../run/event.ts";
import { displayOf } from "./display.ts";
import { type Attempt, failed, type Kind, type Outcome } from "./kind.ts";
import { type PortReader, portReader } from "./agent/ports.ts";
import { type ExpressionEvaluator, type FilledPrompt, fillPrompt } from "./agent/prompt.ts";
import { inputOf, plannedUse, tokensOf, wantsOf } from "./agent/estimate.ts";
import { systemOfRole } from "./agent/roles.ts";

/** What agents work with. */
export interface AgentTools {
  models: Models;
  evaluator: ExpressionEvaluator;
}

/** Longest answer, in UTF-16 code units. */
const LONGEST_ANSWER = 8 * 1024 * 1024;

type Resolved = Extract<ReturnType<Models["resolve"]>, { ok: true }>;
type Finish = Extract<ModelPart, { type: "finish" }>;
/** A step of the pipeline: what the next one needs, or how the attempt ends here. */
type Step<T> = { ok: true } & T | { ok: false; outcome: Outcome };

/** The kind, with the models it may call and the evaluator for its placeholders. */
export function agentKind(tools: AgentTools): Kind {
  return {
    name: "agent",
    title: "Agent",
    description: "Asks a model: the cell's text is the prompt, its answer the value",
    attempts: 3,
    estimate(cell, frontMatter) {
      const { model, maxTokens, system = "" } = agentSettings(cell, frontMatter);
      const found = tools.models.resolve(model);
      if (!found.ok) return undefined;
      return plannedUse(tokensOf(system) + tokensOf(cell.source), found, maxTokens, tools.models);
    },
    run: (attempt) => execute(attempt, tools),
  };
}

async function execute(attempt: Attempt, tools: AgentTools): Promise<Outcome> {
  const settings = agentSettings(attempt.cell, attempt.frontMatter);
  const model = tools.models.resolve(settings.model);
  if (!model.ok) return failed("invalid_input", model.reason, "model_unknown");
  const ports = await portReader(settings.outputs);
  if (!ports.ok) return ports.outcome;
  const request = await requestFor(settings, ports.reader, attempt, tools);
  if (!request.ok) return request.outcome;
  const input = inputOf(request.request);
  const wants = wantsOf(input, model, settings.maxTokens, tools.models);
  const reserved = await attempt.spend.reserve(wants);
  if (!reserved.ok) return reserved.outcome;
  const most = reserved.amounts === undefined ? {} : { maxTokens: reserved.amounts.tokens! - input };
  const answer = await listen(model, { ...request.request, model: model.model, ...most }, attempt);
  if (!answer.ok) return answer.outcome;
  const usage = usageOf(answer.finish, model, tools.models);
  if (answer.finish.reason === "content-filter") return refused(model.id, usage);
  const value = ports.reader.read(answer.text);
  if (!value.ok) return withUsage(value.outcome, usage);
  const warnings = warningsOf(answer.finish, model.id);
  return {
    type: "succeeded",
    value: value.value,
    usage,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...displayOf(value.value, attempt.cell),
  };
}

/** Prompt, system prompt and settings as the model gets them. */
async function requestFor(
  settings: AgentSettings,
  reader: PortReader,
  attempt: Attempt,
  { evaluator }: AgentTools,
): Promise<Step<{ request: Omit<ModelRequest, "model"> }>> {
  const { cell, signal, clock } = attempt;
  const prompt = await fillPrompt(cell.source, cell.sourceLine, attempt, evaluator);
  if (!prompt.ok) return prompt;
  if (textOf(prompt) === "") {
    return { ok: false, outcome: failed("invalid_input", "Prompt is empty", "prompt_empty") };
  }
  const system = await systemFor(settings, attempt, evaluator);
  if (!system.ok) return system;
  const { temperature, maxTokens, mock } = settings;
  return {
    ok: true,
    request: {
      system: withSchema(textOf(system), reader),
      prompt: prompt.parts,
      attempt: attempt.attempt,
      signal,
      clock,
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(reader.schema === undefined ? {} : { schema: reader.schema }),
      ...(mock === undefined ? {} : { script: mock }),
    },
  };
}

/** The header's `system`, which may hold placeholders, else the prompt of the role. */
function systemFor(
  { system, role }: AgentSettings,
  attempt: Attempt,
  evaluator: ExpressionEvaluator,
): Promise<FilledPrompt> {
  if (system !== undefined) return fillPrompt(system, attempt.cell.headerLine, attempt, evaluator);
  return Promise.resolve({ ok: true, parts: [{ type: "instruction", text: systemOfRole(role) }] });
}

function textOf({ parts }: Extract<FilledPrompt, { ok: true }>): string {
  return parts.map((part) => part.text).join("").trim();
}

/** Not every server has a schema mode, so the schema is said in words too. */
function withSchema(system: string, { schema }: PortReader): string {
  if (schema === undefined) return system;
  return `${system}\n\nAnswer with one JSON object that fits this JSON Schema, and with nothing else:\n${
    JSON.stringify(schema)
  }`;
}

/** Reads the stream to its end and passes it on as it comes. */
async function listen(
  { provider, id }: Resolved,
  request: ModelRequest,
  attempt: Attempt,
): Promise<Step<{ text: string; finish: Finish }>> {
  const pieces: string[] = [];
  let length = 0;
  let thought = false;
  for await (const part of provider.stream(request)) {
    if (attempt.signal.aborted) break;
    if (part.type === "finish") return { ok: true, text: pieces.join(""), finish: part };
    if (part.type === "error") return { ok: false, outcome: failedBy(part, id, length === 0 && !thought) };
    attempt.emit(part);
    thought ||= part.type === "reasoning";
    if (part.type !== "text") continue;
    pieces.push(part.text);
    length += part.text.length;
    if (length > LONGEST_ANSWER) return tooLong(id);
  }
  if (attempt.signal.aborted) return { ok: false, outcome: { type: "cancelled", usage: { model: id } } };
  const message = `The stream of ${id} ended before the answer was complete`;
  const cut = failed("network", message, "provider_stream_cut");
  return { ok: false, outcome: withUsage(cut, { model: id }) };
}

function tooLong(id: string): { ok: false; outcome: Outcome } {
  const message = `The answer of ${id} is over the limit of ${LONGEST_ANSWER} characters. Set maxTokens`;
  const outcome = failed("invalid_output", message, "answer_too_long");
  return { ok: false, outcome: withUsage(outcome, { model: id }) };
}

/** Failures before an answer began for which no provider takes money: it did not take the call. */
const NOT_CHARGED: ReadonlySet<string> = new Set(
  "rate_limited auth not_found invalid_input unavailable overloaded".split(" "),
);

/** @param bare whether nothing of an answer had come */
function failedBy(
  { category, code, message, retryAfterMs }: Extract<ModelPart, { type: "error" }>,
  id: string,
  bare: boolean,
): Outcome {
  const free = bare && NOT_CHARGED.has(category);
  return {
    type: "failed",
    problem: { category, message, ...(code === undefined ? {} : { code }) },
    usage: { model: id, ...(free ? { inputTokens: 0, outputTokens: 0, usdMicros: 0 } : {}) },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function refused(id: string, usage: Usage): Outcome {
  const message = `${id} stopped the answer by its content filter. Change the prompt or the model`;
  return withUsage(failed("refused", message, "content_filtered"), usage);
}

function withUsage(outcome: Outcome, usage: Usage): Outcome {
  return outcome.type === "succeeded" || outcome.type === "failed" ? { ...outcome, usage } : outcome;
}

function usageOf(finish: Finish, { id }: Resolved, models: Models): Usage {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = finish;
  const known = inputTokens !== undefined && outputTokens !== undefined;
  const usdMicros = known ? models.cost(id, inputTokens, outputTokens) : undefined;
  return {
    model: id,
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(cacheReadTokens === undefined ? {} : { cacheReadTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(usdMicros === undefined ? {} : { usdMicros, prices: PRICES_AS_OF }),
  };
}

function warningsOf({ reason, notDone }: Finish, id: string): Warning[] {
  const warnings: Warning[] = [];
  if (reason === "length") {
    const message = "The answer was cut off at the limit of tokens";
    warnings.push({
      type: "quality",
      severity: "medium",
      message,
      suggestion: "Raise maxTokens or ask for less",
    });
  }
  if (notDone !== undefined) {
    const message = `${id} only picks sentences; it did not do: ${notDone}`;
    warnings.push({
      type: "quality",
      severity: "medium",
      message,
      suggestion: "Name a model that writes, such as one of Ollama",
    });
  }
  return warnings;
}
