/**
 * Headers of a request. Owns: which may be set and what may stand in them (SE-710), and which of them follow a redirect
 * to another origin (SE-708).
 */

/** Name and value, in the order in which they are sent. */
export type Headers = readonly (readonly [name: string, value: string])[];

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
/** What may not stand in a value: all that ends a line, and every other character that is none to be seen. */
// deno-lint-ignore no-control-regex -- that is what it looks for
const UNSEEN = /[\0-\x08\x0a-\x1f\x7f]/;
const LONGEST_VALUE = 16_384;
const MOST = 100;
/** The connection's own, which the engine sets. */
const NOT_SET = new Set(
  ("host content-length connection keep-alive transfer-encoding te trailer upgrade expect accept-encoding " +
    "http2-settings").split(" "),
);
/** The rest may hold a secret under a name of its own, so that it stays behind. */
const ANYWHERE = new Set(["accept", "accept-language", "user-agent"]);

/**
 * Why headers cannot be sent, as a sentence without a full stop that never shows a value.
 *
 * @example
 * ```ts
 * if (faultInHeaders([["accept", "text/plain"]]) !== undefined) throw new Error("nothing is wrong with it");
 * if (faultInHeaders([["x-a", "b\r\nHost: c"]]) === undefined) throw new Error("it would be two headers");
 * ```
 */
export function faultInHeaders(headers: Headers): string | undefined {
  if (headers.length > MOST) return `A request has at most ${MOST} headers`;
  for (const [name, value] of headers) {
    const shown = JSON.stringify(name.slice(0, 60));
    if (!TOKEN.test(name)) return `${shown} is not a header's name`;
    if (isOurs(name)) return `Header ${name.toLowerCase()} cannot be set; it is the connection's own`;
    if (UNSEEN.test(value)) return `Header ${name} holds a line end or a control character`;
    if (value.length > LONGEST_VALUE) return `Header ${name} is longer than ${LONGEST_VALUE} characters`;
    if (/[^\0-\xff]/.test(value)) return `Header ${name} holds a character beyond Latin-1`;
  }
}

/** What is sent on to another origin. */
export function withoutSecrets(headers: Headers): Headers {
  return headers.filter(([name]) => ANYWHERE.has(name.toLowerCase()));
}

function isOurs(name: string): boolean {
  return NOT_SET.has(name.toLowerCase()) || /^proxy-/i.test(name);
}
