/**
 * An agent cell's settings, typed. Owns: reading them from a checked header over the notebook's `defaults`.
 * Never: prompts of roles, models themselves.
 */
import { isObject, type Json } from "../base/json.ts";
import { type OutputPort, outputsOf } from "./outputs.ts";
import type { Cell, FrontMatter } from "./types.ts";

/** What an agent is asked to be. Absent: the engine's or the provider's own choice. */
export interface AgentSettings {
  role?: string;
  /** `provider/model`. */
  model: string;
  /** 0 to 2. */
  temperature?: number;
  /** At least 1. */
  maxTokens?: number;
  system?: string;
  outputs: OutputPort[];
  /** The script that `mock/script` plays. */
  mock?: Json;
}

/** Model of an agent for which neither cell nor notebook names one. It needs no key and no network. */
export const DEFAULT_MODEL = "local/extract";

/**
 * Settings of an agent: the cell's header, else the front matter's `defaults`, else absent. A value of the wrong type,
 * for which the parser has a problem, counts as absent.
 *
 * @example
 * ```ts
 * import { parse } from "./parse.ts";
 * import { cellsOf } from "./types.ts";
 * const text = "---\ndefaults: { temperature: 0.2 }\n---\n~~~agent a\nrole: critic\n---\nJudge this\n~~~\n";
 * const { notebook } = parse(text);
 * const settings = agentSettings(cellsOf(notebook)[0]!, notebook.frontMatter);
 * if (settings.temperature !== 0.2 || settings.role !== "critic") throw new Error("not read");
 * ```
 */
export function agentSettings(cell: Cell, frontMatter: FrontMatter): AgentSettings {
  const defaults = isObject(frontMatter.data.defaults) ? frontMatter.data.defaults : {};
  const text = (key: string) =>
    [cell.header[key], defaults[key]].find((value): value is string =>
      typeof value === "string" && value.trim() !== ""
    );
  const number = (key: string, min: number, max: number) =>
    [cell.header[key], defaults[key]].find((value): value is number =>
      typeof value === "number" && value >= min && value <= max
    );
  return {
    ...present("role", text("role")),
    model: text("model") ?? DEFAULT_MODEL,
    ...present("temperature", number("temperature", 0, 2)),
    ...present("maxTokens", number("maxTokens", 1, Number.MAX_SAFE_INTEGER)),
    ...present("system", text("system")),
    outputs: outputsOf(cell),
    ...present("mock", cell.header.mock),
  };
}

/** An object with the one key, or with none if the value is absent. */
function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : { [key]: value } as { [P in K]?: V };
}
