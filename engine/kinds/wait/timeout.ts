/** How long a cell waits and what then, as its header says. Owns: reading `timeout` and `onTimeout` of a waiting kind. */
import { isObject } from "../../base/json.ts";
import { durationMs } from "../../notebook/duration.ts";
import type { Cell } from "../../notebook/types.ts";
import { AT_TIMEOUT, type AtTimeout, type Timeout } from "../../run/waits/types.ts";

/**
 * The timeout of a waiting cell; nothing if it waits for ever.
 *
 * @param defaultMs what holds without `timeout`; `undefined`: no end
 *
 * @example
 * ```ts
 * import { parse } from "../../notebook/parse.ts";
 * import { cellsOf } from "../../notebook/types.ts";
 * const text = "~~~wait w\nsignal: go\ntimeout: 1h\nonTimeout: { escalate: 2h, then: skip }\n~~~\n";
 * const timeout = timeoutOf(cellsOf(parse(text).notebook)[0]!, undefined);
 * if (timeout?.ms !== 3_600_000 || timeout.then !== "escalate" || timeout.escalation.then !== "skip") throw new Error();
 * ```
 */
export function timeoutOf({ header }: Cell, defaultMs: number | undefined): Timeout | undefined {
  const ms = header.timeout === undefined ? defaultMs : durationMs(header.timeout);
  if (ms === undefined || ms === 0) return undefined;
  const { onTimeout } = header;
  if (isObject(onTimeout)) {
    const escalation = { ms: durationMs(onTimeout.escalate) ?? ms, then: wordOf(onTimeout.then) };
    return { ms, then: "escalate", escalation };
  }
  return { ms, then: wordOf(onTimeout) };
}

function wordOf(value: unknown): AtTimeout {
  return AT_TIMEOUT.find((word) => word === value) ?? "fail";
}
