/**
 * Providers by name. Owns: which there are, from what variables they take key, address and headers, and what an
 * id means. Never: a request; making the registry reads variables and nothing else.
 */
import { isObject, parseJson } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { networkProvider, type ProviderSettings } from "./ai_sdk.ts";
import { localExtract } from "./local_extract.ts";
import { mockModels } from "./mock.ts";
import type { Models, Provider } from "./model.ts";
import { costOf } from "./prices.ts";

/** What the registry is made from. */
export interface ModelsOptions {
  /** Value of an environment variable; `undefined` or empty if it is not set. */
  env(name: string): string | undefined;
  /** Names of all variables, to find `WEFT_PROVIDER_N_BASE_URL`. Absent: only the built-in providers. */
  envNames?: () => string[];
  log?: Log;
}

/** Names without a provider: each is a role whose model is chosen in Settings. */
const ROLES = ["chat", "edit", "autocomplete", "judge"];
const CUSTOM = /^WEFT_PROVIDER_([A-Z0-9_]+)_BASE_URL$/;

const BUILT_IN: Omit<ProviderSettings, "key" | "headers">[] = [
  {
    name: "openai",
    description: "Models of OpenAI",
    protocol: "openai",
    baseUrl: "https://api.openai.com/v1",
    keyVariables: ["OPENAI_API_KEY"],
  },
  {
    name: "anthropic",
    description: "Models of Anthropic",
    protocol: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    keyVariables: ["ANTHROPIC_API_KEY"],
  },
  {
    name: "google",
    description: "Models of Google",
    protocol: "google",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    keyVariables: ["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"],
  },
  {
    name: "ollama",
    description: "Models on this machine, served by Ollama",
    protocol: "compatible",
    baseUrl: "http://127.0.0.1:11434/v1",
    keyVariables: [],
  },
];

/**
 * The providers of this process. `local` and `mock` are always there; the others are known by their variables and
 * called only for a cell that names them.
 *
 * @example
 * ```ts
 * const models = createModels({ env: () => undefined });
 * const found = models.resolve("ollama:llama3:8b");
 * if (!found.ok || found.id !== "ollama/llama3:8b") throw new Error("not canonical");
 * if (models.resolve("nobody/x").ok) throw new Error("an unknown provider was found");
 * ```
 */
export function createModels(options: ModelsOptions): Models {
  const providers = new Map<string, Provider>();
  const add = (provider: Provider) => providers.set(provider.name, provider);
  add(localExtract());
  add(mockModels());
  for (const settings of BUILT_IN) add(networkProvider(withVariables(settings, options)));
  for (const settings of customProviders(options)) {
    if (!providers.has(settings.name)) add(networkProvider(settings));
  }
  return {
    resolve: (id) => resolve(id, providers),
    cost: costOf,
    list: () =>
      [...providers.values()].flatMap(({ name, models, description, keyMissing }) =>
        models.map((model) => ({
          id: `${name}/${model}`,
          description,
          ...(keyMissing === undefined ? {} : { keyMissing }),
        }))
      ),
    providers: () =>
      [...providers.values()].map(({ name, description, keyMissing }) => ({
        name,
        description,
        ...(keyMissing === undefined ? {} : { keyMissing }),
      })),
  };
}

function resolve(id: string, providers: ReadonlyMap<string, Provider>): ReturnType<Models["resolve"]> {
  const at = id.search(/[/:]/);
  const known = `Known providers: ${[...providers.keys()].join(", ")}`;
  if (at === -1) {
    if (ROLES.includes(id)) {
      return {
        ok: false,
        reason: `No model is chosen for the role '${id}'. Name one as provider/model. ${known}`,
      };
    }
    return { ok: false, reason: `Model '${id}' names no provider; write provider/model. ${known}` };
  }
  const provider = providers.get(id.slice(0, at));
  const model = id.slice(at + 1);
  if (provider === undefined) {
    return { ok: false, reason: `Provider '${id.slice(0, at)}' of model '${id}' is not known. ${known}` };
  }
  if (model.trim() === "") return { ok: false, reason: `Model '${id}' has no name after its provider` };
  return { ok: true, provider, model, id: `${provider.name}/${model}` };
}

function withVariables(
  settings: Omit<ProviderSettings, "key" | "headers">,
  { env }: ModelsOptions,
): ProviderSettings {
  const variable = `${settings.name.toUpperCase()}_BASE_URL`;
  const chosen = env(variable)?.trim();
  const key = settings.keyVariables.map((name) => env(name)?.trim()).find((value) => value);
  const made = { ...settings, headers: {}, ...(key ? { key } : {}) };
  if (!chosen) return made;
  if (!URL.canParse(chosen)) {
    return { ...made, problem: `${variable} is not a URL; provider '${settings.name}' needs one` };
  }
  const baseUrl = cleanUrl(chosen);
  // Another server than OpenAI's own speaks the older protocol, which all servers know, and may need no key.
  const elsewhere = settings.protocol === "openai" &&
    new URL(baseUrl).origin !== new URL(settings.baseUrl).origin;
  return { ...made, baseUrl, ...(elsewhere ? { protocol: "compatible" as const, keyVariables: [] } : {}) };
}

/** Providers that the variables name: vLLM, LM Studio, llama.cpp and whatever speaks the same. */
function customProviders({ env, envNames, log }: ModelsOptions): ProviderSettings[] {
  return (envNames?.() ?? []).sort().flatMap((variable) => {
    const upper = CUSTOM.exec(variable)?.[1];
    const baseUrl = env(variable)?.trim();
    if (upper === undefined || !baseUrl) return [];
    const name = upper.toLowerCase();
    if (!URL.canParse(baseUrl)) {
      log?.write({
        level: "warn",
        source: "engine",
        message: `${variable} is not a URL; provider '${name}' is left out`,
      });
      return [];
    }
    const key = env(`WEFT_PROVIDER_${upper}_API_KEY`)?.trim();
    return [{
      name,
      description: `Models at ${new URL(baseUrl).host}`,
      protocol: "compatible" as const,
      baseUrl: cleanUrl(baseUrl),
      keyVariables: [],
      headers: headersOf(`WEFT_PROVIDER_${upper}_HEADERS`, env, log),
      ...(key ? { key } : {}),
    }];
  });
}

function headersOf(variable: string, env: ModelsOptions["env"], log?: Log): Record<string, string> {
  const text = env(variable)?.trim();
  if (!text) return {};
  const parsed = parseJson(text, { maxLength: 65_536, maxDepth: 2 });
  if (
    parsed.ok && isObject(parsed.value) &&
    Object.values(parsed.value).every((value) => typeof value === "string")
  ) {
    return parsed.value as Record<string, string>;
  }
  // Its text may hold a key, so the sentence does not.
  log?.write({
    level: "warn",
    source: "engine",
    message: `${variable} is not a JSON object of texts; no headers are sent`,
  });
  return {};
}

/** Without a slash at the end; an empty path becomes `/v1`, any other stays. */
function cleanUrl(text: string): string {
  const url = new URL(text);
  url.pathname = url.pathname.replace(/\/+$/, "") || "/v1";
  return url.href.replace(/\/+$/, "");
}
