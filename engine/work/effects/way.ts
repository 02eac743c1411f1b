/**
 * How an effect is undone as its descriptor says (EF-067 to EF-071). Owns: what is sent for that, if anything, and what its
 * caller is told where nothing is. Pure. Never: sending.
 */
import type { Json } from "../../base/json.ts";
import type { Effect } from "./entry.ts";

/** What undoing one effect came to (EF-066). */
export interface CompensationResult {
  effectId: string;
  success: boolean;
  outcome: "compensated" | "not-needed" | "manual" | "failed" | "skipped" | "not-attempted";
  message?: string;
  error?: string;
  manualSteps?: string[];
  requiresUserAction?: boolean;
  handlerId?: string;
}

/** What undoes an effect. */
export interface UndoRequest {
  method: string;
  url: string;
  headers: [string, string][];
  body?: Json;
}

/** What is to be sent, with what is said of it; or the answer, because nothing is. */
export type Way =
  | {
    type: "send";
    request: UndoRequest;
    /** Sending it twice comes to the same (EF-074). */
    repeatable: boolean;
    done: string;
    failed: string;
  }
  | { type: "answer"; result: CompensationResult };

/** What follows the effect's own key in the key of what undoes it (EF-116). */
export const UNDO_KEY = "-undo";
const REPEATABLE: ReadonlySet<string> = new Set(["PUT", "DELETE"]);

/**
 * The way to undo an effect.
 *
 * @example
 * ```ts
 * import type { Effect } from "./entry.ts";
 * const effect = { id: "eff_1", descriptor: { type: "irreversible", reason: "It was said" } } as Effect;
 * const way = wayOf(effect);
 * if (way.type !== "answer" || way.result.outcome !== "manual") throw new Error("a person has to");
 * ```
 */
export function wayOf(effect: Effect): Way {
  const { id: effectId, descriptor } = effect;
  switch (descriptor.type) {
    case "idempotent": {
      const message = "Idempotent operation - no compensation needed";
      return { type: "answer", result: { effectId, success: true, outcome: "not-needed", message } };
    }
    case "irreversible": {
      const { reason, manualSteps = ["Manual intervention required"] } = descriptor;
      return manual(effectId, `Cannot auto-compensate: ${reason}`, manualSteps);
    }
    case "eventual": {
      const { compensatingService: url, payload } = descriptor;
      // What is not an address names a service that nobody here knows.
      if (!isAddress(url)) return noWay(effect);
      return sent(effect, { method: "POST", url, headers: {}, body: payload }, {
        done: "Compensating transaction initiated",
        failed: "Compensating service failed",
      });
    }
    case "reversible": {
      const { method, url, headers = {}, parameters } = descriptor.reverseOperation;
      if (url === undefined || method === "RESTORE") return noWay(effect);
      // A DELETE has a body only where its author gave it one.
      const bare = method === "DELETE" && JSON.stringify(parameters) === "{}";
      return sent(effect, { method, url, headers, ...(bare ? {} : { body: parameters }) }, {
        done: "Operation reversed successfully",
        failed: "Reverse operation failed",
      });
    }
  }
}

function sent(
  { idempotencyKey }: Effect,
  { method, url, headers, body }: {
    method: string;
    url: string;
    headers: Record<string, string>;
    body?: Json;
  },
  words: { done: string; failed: string },
): Way {
  const own = Object.entries(headers);
  const has = (name: string) => own.some(([known]) => known.toLowerCase() === name);
  const besides: [string, string][] = [
    ["idempotency-key", `${idempotencyKey}${UNDO_KEY}`],
    ...(body === undefined ? [] : [["content-type", "application/json"] as [string, string]]),
  ];
  return {
    type: "send",
    request: {
      method,
      url,
      headers: [...own, ...besides.filter(([name]) => !has(name))],
      ...(body === undefined ? {} : { body }),
    },
    repeatable: REPEATABLE.has(method),
    ...words,
  };
}

/** EF-071. */
function noWay({ id, description, service }: Effect): Way {
  return manual(id, `No compensation handler found for: ${description}`, [
    `Effect: ${description}`,
    `Service: ${service}`,
    "Revert this operation by hand, then mark it as compensated",
  ]);
}

function manual(effectId: string, error: string, manualSteps: string[]): Way {
  const result = { effectId, success: false, outcome: "manual", error, manualSteps } as const;
  return { type: "answer", result: { ...result, requiresUserAction: true } };
}

function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
