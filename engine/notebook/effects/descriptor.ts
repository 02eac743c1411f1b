/**
 * What a cell does to the outside world and how that is undone, as a notebook says it. Owns: the operations, the shapes
 * of descriptors, reading and checking `effect` of a header, and what holds where a cell says nothing (EF-020 to EF-031).
 * Never: what is done; a descriptor is data, never code.
 */
import { isObject, type Json, type JsonObject } from "../../base/json.ts";

/** What an effect can be. */
export const OPERATIONS = [
  "api_call",
  "file_write",
  "database_write",
  "external_webhook",
  "email_send",
  "payment_process",
  "tool_call",
] as const;

/** One of {@link OPERATIONS}. */
export type Operation = typeof OPERATIONS[number];

/** Methods by which something is undone. */
export const REVERSE_METHODS = ["POST", "PUT", "PATCH", "DELETE", "RESTORE"] as const;

/** How an effect is undone, or why it need not or cannot be: one of these shapes (EF-030). */
export type Descriptor =
  | {
    type: "reversible";
    reverseOperation: {
      service: string;
      method: typeof REVERSE_METHODS[number];
      url?: string;
      headers?: Record<string, string>;
      parameters: Json;
    };
  }
  | { type: "idempotent"; canRetry: boolean }
  | { type: "irreversible"; reason: string; manualSteps?: string[] }
  | { type: "eventual"; compensatingService: string; payload: Json };

/** The types of descriptors, of which a header names one by its key. */
export const DESCRIPTORS = ["reversible", "idempotent", "irreversible", "eventual"] as const;

/** What stands beside the descriptor under `effect` (EF-022). */
const BESIDE = "operation service description handler idempotencyKey idempotencyHeader probe".split(" ");

/** What an `effect` of a header says; what is absent has a default that depends on the request. */
export interface EffectHeader {
  descriptor?: Descriptor;
  operation?: Operation;
  service?: string;
  description?: string;
  handler?: string;
  /** Text with placeholders: makes the key the same in all runs. */
  idempotencyKey?: string;
  /** Name of the header that carries the key. */
  idempotencyHeader?: string;
  probe?: { method: "GET"; url: string; exists: string };
}

/** Something wrong with an `effect`, and by which keys one gets there. */
export interface EffectFault {
  path: string[];
  message: string;
  expected: string;
}

/** Name of the header that carries a key where `idempotencyHeader` only says that one does (EF-061). */
export const KEY_HEADER = "Idempotency-Key";

/**
 * What an `effect` of a header is, as far as it is right, and what is wrong with it.
 *
 * @example
 * ```ts
 * const { effect, faults } = readEffect({ idempotent: { canRetry: true }, idempotencyHeader: true });
 * if (faults.length > 0 || effect.idempotencyHeader !== "Idempotency-Key") throw new Error("not read");
 * const [fault] = readEffect({ operation: "fax" }).faults;
 * if (fault?.message !== 'Unknown operation "fax"') throw new Error("not found");
 * ```
 */
export function readEffect(given: Json | undefined): { effect: EffectHeader; faults: EffectFault[] } {
  const faults: EffectFault[] = [];
  const effect: EffectHeader = {};
  if (!isObject(given)) return { effect, faults };
  const fault = (path: string[], message: string, expected: string) =>
    void faults.push({ path, message, expected });
  const named = DESCRIPTORS.filter((key) => Object.hasOwn(given, key));
  const beside = Object.keys(given).filter((key) => BESIDE.includes(key));
  if (named.length > 1 || named.length === 0 && beside.length === 0) {
    const message = `effect must name exactly one of ${DESCRIPTORS.join(", ")}`;
    fault(named.slice(1, 2), message, `one of ${DESCRIPTORS.join(", ")}`);
  } else if (named.length === 1) {
    const [type] = named as [Descriptor["type"]];
    const found = READERS[type](given[type]);
    if (typeof found === "string") fault([type], `'${type}' of effect must be ${found}`, found);
    else effect.descriptor = found;
  }
  for (const key of Object.keys(given)) {
    if (!BESIDE.includes(key) && !(DESCRIPTORS as readonly string[]).includes(key)) {
      const expected = [...DESCRIPTORS, ...BESIDE].join(", ");
      fault([key], `Unknown key '${key.slice(0, 60)}' in effect`, `one of ${expected}`);
    }
  }
  const { operation, idempotencyHeader, probe } = given;
  if (operation !== undefined) {
    effect.operation = OPERATIONS.find((known) => known === operation);
    if (effect.operation === undefined) {
      const shown = String(typeof operation === "string" ? operation : JSON.stringify(operation)).slice(
        0,
        60,
      );
      fault(["operation"], `Unknown operation "${shown}"`, `one of ${OPERATIONS.join(", ")}`);
    }
  }
  for (const key of ["service", "description", "handler", "idempotencyKey"] as const) {
    const value = given[key];
    if (value === undefined) continue;
    if (typeof value === "string" && value.trim() !== "" && value.length <= MOST_TEXT) effect[key] = value;
    else fault([key], `'${key}' of effect must be text of at most ${MOST_TEXT} characters`, "text");
  }
  if (idempotencyHeader === true) effect.idempotencyHeader = KEY_HEADER;
  else if (typeof idempotencyHeader === "string" && HEADER_NAME.test(idempotencyHeader)) {
    effect.idempotencyHeader = idempotencyHeader;
  } else if (idempotencyHeader !== undefined && idempotencyHeader !== false) {
    fault(
      ["idempotencyHeader"],
      "'idempotencyHeader' of effect must be true or the name of a header",
      "true or the name of a header",
    );
  }
  if (probe !== undefined) {
    const read = probeOf(probe);
    if (read === undefined) fault(["probe"], `'probe' of effect must be ${PROBE}`, PROBE);
    else effect.probe = read;
  }
  return { effect, faults };
}

/** Longest text of a header that is kept with an effect, in characters. */
const MOST_TEXT = 500;
/** Largest descriptor, in characters of JSON. */
const MOST_DESCRIPTOR = 4_000;
const MOST_STEPS = 20;
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
const PROBE = "{ method: GET, url, exists }, where exists is an expression";

function probeOf(given: Json): EffectHeader["probe"] {
  if (!isObject(given)) return undefined;
  const { method = "GET", url, exists, ...rest } = given;
  if (method !== "GET" || !isText(url) || !isText(exists) || Object.keys(rest).length > 0) return undefined;
  return { method, url, exists };
}

/** Each reads its form of a header, or says what it must be. */
const READERS: { [T in Descriptor["type"]]: (given: Json | undefined) => Descriptor | string } = {
  reversible(given) {
    const expected = "{ method, url, service?, headers?, parameters? }";
    if (!isObject(given) || tooLarge(given)) return expected;
    const { method, url, service, headers, parameters = {}, ...rest } = given;
    const known = REVERSE_METHODS.find((word) => word === method);
    const texts = headers === undefined || isObject(headers) && Object.values(headers).every(isText);
    if (known === undefined || !isText(url) || !texts || Object.keys(rest).length > 0) return expected;
    if (service !== undefined && !isText(service)) return expected;
    return {
      type: "reversible",
      reverseOperation: {
        service: service ?? hostOf(url),
        method: known,
        url,
        ...(headers === undefined ? {} : { headers: headers as Record<string, string> }),
        parameters,
      },
    };
  },
  idempotent(given) {
    const good = isObject(given) && typeof given.canRetry === "boolean" && Object.keys(given).length === 1;
    return good ? { type: "idempotent", canRetry: given.canRetry as boolean } : "{ canRetry: true or false }";
  },
  irreversible(given) {
    const expected = `{ reason, manualSteps? } with at most ${MOST_STEPS} steps`;
    if (!isObject(given) || tooLarge(given)) return expected;
    const { reason, manualSteps, ...rest } = given;
    if (!isText(reason) || Object.keys(rest).length > 0) return expected;
    if (manualSteps === undefined) return { type: "irreversible", reason };
    const steps = Array.isArray(manualSteps) && manualSteps.length <= MOST_STEPS && manualSteps.every(isText);
    return steps ? { type: "irreversible", reason, manualSteps: manualSteps as string[] } : expected;
  },
  eventual(given) {
    const expected = "{ compensatingService, payload }";
    if (!isObject(given) || tooLarge(given)) return expected;
    const { compensatingService, payload, ...rest } = given;
    return isText(compensatingService) && payload !== undefined && Object.keys(rest).length === 0
      ? { type: "eventual", compensatingService, payload }
      : expected;
  },
};

function isText(value: Json | undefined): value is string {
  return typeof value === "string" && value.trim() !== "";
}

/** Whether something of it is filled in only once it is known what came of the action. */
export function holdsPlaceholders(descriptor: Descriptor): boolean {
  return JSON.stringify(descriptor).includes("{{");
}

function tooLarge(value: JsonObject): boolean {
  return JSON.stringify(value).length > MOST_DESCRIPTOR;
}

/** The host of a URL; of a text that is filled in later, the text up to its path. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.slice(0, 100);
}

/**
 * What holds of an action where its cell says nothing (EF-024 to EF-026).
 *
 * @param method of a request over HTTP
 *
 * @example
 * ```ts
 * if (defaultDescriptor("api_call", "PUT").type !== "idempotent") throw new Error("a PUT may be sent again");
 * if (defaultDescriptor("api_call", "POST").type !== "irreversible") throw new Error("a POST may not");
 * ```
 */
export function defaultDescriptor(operation: Operation, method?: string): Descriptor {
  switch (operation) {
    case "api_call":
      return method === "PUT" || method === "DELETE"
        ? { type: "idempotent", canRetry: true }
        : { type: "irreversible", reason: "No compensation declared" };
    case "file_write":
      return {
        type: "reversible",
        reverseOperation: { service: "file", method: "RESTORE", parameters: {} },
      };
    case "database_write":
    case "tool_call":
      return { type: "irreversible", reason: "No compensation declared" };
    case "email_send":
      return {
        type: "irreversible",
        reason: "Email cannot be unsent",
        manualSteps: ["Send a correction to the recipients"],
      };
    case "external_webhook":
      return { type: "irreversible", reason: "A webhook cannot be recalled" };
    case "payment_process":
      return { type: "irreversible", reason: "No refund declared" };
  }
}

/** Methods of HTTP that only read, so that a request by one is no effect. */
export const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** What a cell's effect is where it acts so: what it says, and the defaults. */
export function effectOf(
  header: EffectHeader,
  { operation = header.operation ?? "api_call", method, service }: {
    operation?: Operation;
    method?: string;
    /** Host of the request, or `file` or `database`. */
    service: string;
  },
): EffectHeader & { descriptor: Descriptor; operation: Operation; service: string } {
  const named = header.service ?? service;
  return {
    ...header,
    operation,
    service: named,
    descriptor: header.descriptor ?? defaultDescriptor(operation, method),
    ...(header.idempotencyHeader === undefined && named === "stripe"
      ? { idempotencyHeader: KEY_HEADER }
      : {}),
  };
}
