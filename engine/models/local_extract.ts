/**
 * `local/extract`: a model that picks and never writes. Owns: the call, from prompt to stream.
 * Never: a network, a key, randomness, or a sentence that does not stand in the material.
 *
 * X3 The same request gives the same parts on every machine.
 */
import type { JsonObject } from "../base/json.ts";
import { fillSchema } from "./extract/fill_schema.ts";
import { type Asked, understand } from "./extract/instruction.ts";
import { layOut } from "./extract/layout.ts";
import { emptyIn, hasMaterial, type Material, materialOf } from "./extract/material.ts";
import { pick } from "./extract/pick.ts";
import { review } from "./extract/review.ts";
import { countWords } from "./extract/words.ts";
import type { ModelPart, ModelRequest, Provider } from "./model.ts";

/** What the model says of itself. */
export const LOCAL_DESCRIPTION =
  "Picks sentences and key phrases out of its input. It writes nothing of its own.";

type Answer = { ok: true; pieces: string[] } | { ok: false; error: { code: string; message: string } };

/**
 * The provider `local` with its one model `extract`.
 *
 * @example
 * ```ts
 * import { systemClock } from "../base/clock.ts";
 * const text = "A lease ends by itself. A worker renews its lease in time. Cats sleep all day long.";
 * let answer = "";
 * for await (const part of localExtract().stream({
 *   model: "extract",
 *   system: "",
 *   prompt: [{ type: "instruction", text: "Give one sentence about the lease of a worker:" }, {
 *     type: "material",
 *     text,
 *     value: text,
 *     name: "notes",
 *   }],
 *   signal: new AbortController().signal,
 *   clock: systemClock,
 * })) if (part.type === "text") answer += part.text;
 * if (answer !== "A worker renews its lease in time.") throw new Error(answer);
 * ```
 */
export function localExtract(): Provider {
  return { name: "local", description: LOCAL_DESCRIPTION, models: ["extract"], mostOutput, stream };
}

/** It says nothing that does not stand in its input, but under headings and in JSON of its own. */
function mostOutput(inputTokens: number): number {
  return 2 * inputTokens + 64;
}

async function* stream(request: ModelRequest): AsyncIterable<ModelPart> {
  if (request.model !== "extract") {
    const message = `Model 'local/${request.model}' does not exist; the local model is local/extract`;
    return yield { type: "error", category: "not_found", message };
  }
  const material = materialOf(request.prompt);
  const asked = understand(material.instruction);
  const answer = answerTo(asked, material, request);
  if (!answer.ok) return yield { type: "error", category: "invalid_input", ...answer.error };
  for (const text of answer.pieces) {
    // Lets the stop of a run be heard between two sentences.
    await Promise.resolve();
    if (request.signal.aborted) return;
    yield { type: "text", text };
  }
  yield {
    type: "finish",
    reason: "stop",
    inputTokens: countWords(request.system) +
      request.prompt.reduce((sum, part) => sum + countWords(part.text), 0),
    outputTokens: countWords(answer.pieces.join("")),
    ...(asked.notDone.length === 0 ? {} : { notDone: asked.notDone.join(", ") }),
  };
}

function answerTo(asked: Asked, material: Material, request: ModelRequest): Answer {
  const given = hasMaterial(request.prompt);
  if (material.sentences.length === 0 && !(given && request.schema !== undefined)) {
    const found = given
      ? `found no sentences in its material: ${emptyIn(request.prompt)}`
      : "has no material to pick from";
    const way = "Put text into the prompt with a placeholder, or name another model";
    return { ok: false, error: { code: "local_no_material", message: `local/extract ${found}. ${way}` } };
  }
  const picked = pick(asked, material);
  const pieces = asked.task === "review" ? review(material) : layOut(asked, picked);
  if (request.schema === undefined) return { ok: true, pieces };
  return fillIn(request.schema, { ...picked, text: pieces.join("") });
}

function fillIn(schema: JsonObject, source: Parameters<typeof fillSchema>[1]): Answer {
  const filled = fillSchema(schema, source);
  if (filled.ok) return { ok: true, pieces: JSON.stringify(filled.value, null, 2).split(/(?<=\},?\n)/) };
  const property = filled.property === "" ? "the value" : `'${filled.property}'`;
  const message = `local/extract cannot fill ${property}: it only picks sentences and key phrases. ` +
    "Allow null there, or name another model";
  return { ok: false, error: { code: "local_cannot", message } };
}
