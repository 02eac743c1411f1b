/** `--param NAME=VALUE`. Owns: how it is read. Never: types of params; the notebook has those. */
import type { JsonObject } from "../../engine/base/json.ts";
import { CommandError, EXIT } from "../io.ts";

/** Values by param; the last one counts. */
export function paramsOf(given: string[]): JsonObject {
  return Object.fromEntries(given.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new CommandError(EXIT.usage, `A param is NAME=VALUE: current value is ${text}`);
    return [text.slice(0, at), text.slice(at + 1)];
  }));
}
