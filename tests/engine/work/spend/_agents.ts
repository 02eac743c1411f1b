/** An engine whose agents call the scripted models, and notebooks of such agents. */
import { systemClock } from "../../../../engine/base/clock.ts";
import { systemIds } from "../../../../engine/base/ids.ts";
import { noLog } from "../../../../engine/base/log.ts";
import { agentKind } from "../../../../engine/kinds/agent.ts";
import type { Kind } from "../../../../engine/kinds/kind.ts";
import type { ModelRequest, Models } from "../../../../engine/models/model.ts";
import { createModels } from "../../../../engine/models/registry.ts";
import { createEngine, type Engine } from "../../../../engine/mod.ts";
import type { Store } from "../../../../engine/store/store.ts";
import { type EngineTraits, noFiles, ScriptedKind } from "../_harness.ts";

/** Calls of models, as the provider saw them. */
export interface Calls {
  count: number;
  open: number;
  most: number;
  requests: ModelRequest[];
}

/** Called before a model answers. */
type Meanwhile = (request: ModelRequest, call: number) => Promise<void> | void;

/** An engine with agents and scripted `ts` cells; `meanwhile` is what happens while a call is under way. */
export async function agentsOn(
  store: Store,
  { meanwhile, traits = {}, kind = new ScriptedKind() }: {
    meanwhile?: Meanwhile;
    traits?: EngineTraits;
    kind?: ScriptedKind;
  } = {},
): Promise<{ engine: Engine; calls: Calls }> {
  const calls: Calls = { count: 0, open: 0, most: 0, requests: [] };
  const real = createModels({ env: () => undefined });
  const models: Models = {
    ...real,
    resolve(id) {
      const found = real.resolve(id);
      if (!found.ok) return found;
      const { provider } = found;
      return {
        ...found,
        provider: {
          ...provider,
          async *stream(request) {
            const number = ++calls.count;
            calls.requests.push(request);
            calls.most = Math.max(calls.most, ++calls.open);
            try {
              await meanwhile?.(request, number);
              yield* provider.stream(request);
            } finally {
              calls.open--;
            }
          },
        },
      };
    },
  };
  const evaluator = { evaluate: () => Promise.reject(new Error("nothing to evaluate")) };
  const kinds = new Map<string, Kind>([["agent", agentKind({ models, evaluator })], ["ts", kind]]);
  const { worker = "w1", clock = systemClock, log = noLog, kinds: _, ...rest } = traits;
  const ports = { store, kinds, workspace: noFiles, clock, ids: systemIds(clock), log, ...rest };
  return { engine: await createEngine(worker === null ? ports : { ...ports, worker }), calls };
}

/** Agents by name, each with its script and more lines of header. */
export function agents(front: string, cells: Record<string, { script: string; header?: string }>): string {
  const fences = Object.entries(cells).map(([name, { script, header = "" }]) =>
    `~~~agent ${name}\nmodel: mock/script\nsystem: s\nmock: ${script}\n${header}---\nGo\n~~~\n`
  );
  return `---\n${front}\n---\n${fences.join("\n")}`;
}

/** A script that says a word and tells what it used. */
export const uses = (input: number, output: number) =>
  `[{ text: done }, { usage: { inputTokens: ${input}, outputTokens: ${output} } }]`;
