/**
 * The only way out over HTTP. Owns: that a request goes where it may (SE-701 to SE-708), once for each redirect.
 * Never: retries, what an answer means, secrets.
 *
 * G1 A name is resolved once a request; every answer is checked, one bad answer refuses all, and the connection goes to
 *    an address that was checked (SE-703).
 * G2 A redirect meets the same rules as the request itself, and never widens what is allowed (SE-708, SE-711).
 */
import { lookup } from "node:dns/promises";
import type { Clock } from "../../base/clock.ts";
import { addressOf } from "./address.ts";
import { type Answer, type EgressLimits, exchange, type Unanswered } from "./exchange.ts";
import { faultInHeaders, type Headers, withoutSecrets } from "./request_headers.ts";
import { type Denial, deniedAddress, deniedTarget, type Opening, type Target, targetOf } from "./target.ts";

export type { Answer, EgressLimits, Unanswered } from "./exchange.ts";
export type { Headers } from "./request_headers.ts";

/** A request to send. */
export interface EgressRequest {
  /** In capitals. */
  method: string;
  url: string;
  headers?: Headers;
  body?: Uint8Array;
  /** Hosts that it may reach, as in `needs.net`: `host`, for the usual ports, or `host:port`. */
  allowed: readonly string[];
  /** Redirects that are followed, 5 at most, and only of GET, HEAD and OPTIONS. Default 0: the answer is the redirect. */
  redirects?: number;
  /** Longest body of an answer after decompression. Default and most: 32 MiB. */
  maxBytes?: number;
  signal: AbortSignal;
}

/** How it went. */
export type EgressOutcome = Answer | Unanswered;

/** See the module comment. */
export interface Egress {
  /** Sends a request. Never rejects. */
  send(request: EgressRequest): Promise<EgressOutcome>;
}

/** What an egress is made of. */
export interface EgressOptions {
  clock: Clock;
  /** Private targets that the operator opened. Default none. */
  openings?: readonly Opening[];
  /** Ports on which this process listens. Default none. */
  ownPorts?: () => readonly number[];
  /** Addresses of a name; rejects if it has none. Default: the system's. */
  resolve?: (name: string) => Promise<string[]>;
  /** Default: SE-709. */
  limits?: Partial<EgressLimits>;
  /** PEM of authorities to trust as well. */
  ca?: string;
}

/** SE-709. */
export const EGRESS_LIMITS: EgressLimits = {
  connectMs: 10_000,
  firstByteMs: 60_000,
  silenceMs: 60_000,
  bodyBytes: 32 * 1024 * 1024,
  headerBytes: 64 * 1024,
};
/** Redirects that are followed at most. */
export const MOST_REDIRECTS = 5;

const METHODS = /^(?!CONNECT$|TRACE$)[A-Z][A-Z-]{0,19}$/;
const READS = new Set(["GET", "HEAD", "OPTIONS"]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Addresses of one name that are tried. */
const MOST_ADDRESSES = 4;

/** Makes an egress; nothing is opened before something is sent. */
export function createEgress(options: EgressOptions): Egress {
  return { send: (request) => send(request, options) };
}

async function send(request: EgressRequest, options: EgressOptions): Promise<EgressOutcome> {
  const { method, headers = [], allowed, signal } = request;
  if (!METHODS.test(method)) {
    return invalid(`${JSON.stringify(method.slice(0, 30))} is not a method that is sent`);
  }
  const fault = faultInHeaders(headers);
  if (fault !== undefined) return invalid(fault);
  const most = READS.has(method) ? Math.min(request.redirects ?? 0, MOST_REDIRECTS) : 0;
  const limits = { ...EGRESS_LIMITS, ...options.limits };
  limits.bodyBytes = Math.min(limits.bodyBytes, request.maxBytes ?? Infinity);
  let next = { headers, url: request.url, body: request.body };
  let from: Target | undefined;
  for (let followed = 0;; followed++) {
    const outcome = await hop({ ...next, method, allowed, signal, limits, from }, options);
    if (outcome.type !== "answered") return followed === 0 ? outcome : { ...outcome, type: "in_doubt" };
    const { location } = outcome.headers;
    if (!REDIRECTS.has(outcome.status) || location === undefined || most === 0) return outcome;
    if (followed >= most) {
      const message = `${new URL(outcome.url).hostname} led on more than ${most} times`;
      return { type: "in_doubt", code: "redirect_limit", category: "invalid_output", message };
    }
    const at = new URL(outcome.url);
    const to = URL.parse(location, at);
    const read = targetOf(at.href);
    from = read.ok ? read.target : undefined;
    const stays = to?.origin === at.origin;
    next = {
      url: to?.href ?? location,
      headers: stays ? next.headers : withoutSecrets(next.headers),
      body: stays ? next.body : undefined,
    };
  }
}

interface Hop {
  method: string;
  url: string;
  headers: Headers;
  body?: Uint8Array;
  allowed: readonly string[];
  signal: AbortSignal;
  limits: EgressLimits;
  /** What led here. */
  from?: Target;
}

/** One request, checked in full. */
async function hop(given: Hop, options: EgressOptions): Promise<EgressOutcome> {
  const { url, allowed, from, limits, signal } = given;
  const { openings = [], clock, ca } = options;
  const read = targetOf(url);
  if (!read.ok) return from === undefined ? invalid(read.denial.message) : denied(read.denial);
  const { target } = read;
  if (from?.secure && !target.secure) {
    const message = `A redirect from https to http is not followed, to ${target.host}`;
    return denied({ host: target.host, rule: "downgrade", message });
  }
  const opened = openings.some(({ port }) => port === target.port);
  const refused = deniedTarget(target, allowed, opened);
  if (refused !== undefined) return denied(refused);
  const found = await addressesOf(target, limits.connectMs, signal, options);
  if (!found.ok) return found.outcome;
  const rules = { openings, ownPorts: options.ownPorts?.() ?? [] };
  for (const address of found.addresses) {
    const refused = deniedAddress(target, addressOf(address), rules);
    if (refused !== undefined) return denied(refused);
  }
  const { method, headers, body } = given;
  const common = { target, method, headers, body, limits, clock, signal, ca };
  let outcome: EgressOutcome | undefined;
  for (const address of found.addresses.slice(0, MOST_ADDRESSES)) {
    outcome = await exchange({ ...common, address });
    // Another address of the same name may do where no connection came about.
    if (outcome.type !== "not_sent" || outcome.code !== "connect_failed") break;
  }
  return outcome!;
}

type Found = { ok: true; addresses: string[] } | { ok: false; outcome: Unanswered };

async function addressesOf(
  { host, address }: Target,
  ms: number,
  signal: AbortSignal,
  { clock, resolve = systemAddresses }: EgressOptions,
): Promise<Found> {
  if (address !== undefined) return { ok: true, addresses: [host] };
  const fail = (code: string, category: Unanswered["category"], message: string): Found => ({
    ok: false,
    outcome: { type: "not_sent", code, category, message },
  });
  const answered = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([signal, answered.signal])).then(() => undefined);
  try {
    const addresses = await Promise.race([resolve(host), late]);
    if (signal.aborted) return fail("cancelled", "unknown", "The request was stopped");
    if (addresses === undefined) {
      return fail("connect_timeout", "timeout", `No address of ${host} was found within ${ms / 1000} s`);
    }
    if (addresses.length > 0) return { ok: true, addresses };
  } catch {
    // Said below.
  } finally {
    answered.abort();
  }
  return fail("name_not_found", "network", `No address of ${host} was found`);
}

async function systemAddresses(name: string): Promise<string[]> {
  return (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
}

function denied({ message, host, rule }: Denial): Unanswered {
  return { type: "not_sent", code: "egress_denied", category: "refused", message, denied: { host, rule } };
}

function invalid(message: string): Unanswered {
  return { type: "not_sent", code: "request_invalid", category: "invalid_input", message };
}
