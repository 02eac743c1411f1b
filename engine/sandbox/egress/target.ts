/**
 * Where a request goes, read from its URL. Owns: one spelling for each host (SE-702), names that are refused whatever
 * they lead to (SE-706), and whether a list of allowed hosts names the target. Never: looking names up.
 */
import { type Address, addressOf, isIn, isPublic, type Range, rangeOf } from "./address.ts";

/** Where a request goes. */
export interface Target {
  url: URL;
  secure: boolean;
  /** In its one spelling, lower case, without the dot at the end; an IPv6 address without brackets. */
  host: string;
  port: number;
  /** Present if the host is an address and no name. */
  address?: Address;
}

/** What an operator opened: a range of addresses at one port (SE-707). */
export interface Opening extends Range {
  port: number;
}

/** Why a target is refused: a sentence without a full stop, and which rule it breaks. */
export interface Denial {
  host: string;
  rule: "url" | "name" | "not_allowed" | "address" | "own_port" | "downgrade";
  message: string;
}

type Read = { ok: true; target: Target } | { ok: false; denial: Denial };

const LONGEST_URL = 16_384;
const INSIDE_NAMES = /^(?:localhost|(?:.*\.)?(?:localhost|local|internal))$/;

/**
 * Reads a URL. Only `http:` and `https:` are known, and nobody's name or password may stand in it.
 *
 * @example
 * ```ts
 * const read = targetOf("https://0x7f.1:8443/a");
 * if (!read.ok || read.target.host !== "127.0.0.1" || read.target.port !== 8443) throw new Error("another spelling");
 * ```
 */
export function targetOf(text: string): Read {
  const refuse = (why: string, host = ""): Read => ({
    ok: false,
    denial: { host, rule: "url", message: why },
  });
  if (text.length > LONGEST_URL) return refuse(`The URL is longer than ${LONGEST_URL} characters`);
  const url = URL.parse(text);
  if (url === null) return refuse("The URL is not valid; write one such as https://api.example.org/path");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return refuse(`Only http: and https: are requested, not ${url.protocol.slice(0, 40)}`);
  }
  if (url.username !== "" || url.password !== "") {
    return refuse("A URL may not hold a name or a password; send them in a header", url.hostname);
  }
  const host = hostOf(url.hostname);
  if (host === undefined) return refuse("The URL's host is not valid", url.hostname);
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  if (port === 0) return refuse("Port 0 is none", host);
  const address = addressOf(host);
  return { ok: true, target: { url, secure, host, port, ...(address === undefined ? {} : { address }) } };
}

/**
 * Refuses a target that the list does not name, or whose name is one of the inside. An entry is a host, which stands
 * for the usual port of `http` and of `https`, or `host:port`; there are no wildcards.
 *
 * @param opened whether the operator opened anything at this port; then a name of the inside may lead there
 */
export function deniedTarget(
  { host, port, secure }: Target,
  allowed: readonly string[],
  opened: boolean,
): Denial | undefined {
  const usual = port === (secure ? 443 : 80);
  const named = allowed.some((entry) => {
    const read = allowedOf(entry);
    return read?.host === host && (read.port === undefined ? usual : read.port === port);
  });
  if (!named) {
    const entry = placeOf(host, usual ? undefined : port);
    const message =
      `${entry} is not among the hosts that it may reach; add it to needs: { net: ["${entry}"] }`;
    return { host, rule: "not_allowed", message };
  }
  if (INSIDE_NAMES.test(host) && !opened) {
    return { host, rule: "name", message: `${host} is a name of this machine or of a private network` };
  }
}

/** Refuses an address inside, unless the operator opened it; our own ports stay closed (SE-707). */
export function deniedAddress(
  { host, port }: Target,
  address: Address | undefined,
  { openings, ownPorts }: { openings: readonly Opening[]; ownPorts: readonly number[] },
): Denial | undefined {
  const inside = address === undefined || !isPublic(address) || INSIDE_NAMES.test(host);
  if (!inside) return undefined;
  if (ownPorts.includes(port)) {
    return { host, rule: "own_port", message: `${placeOf(host, port)} is Weft's own and is never reached` };
  }
  const open = address !== undefined &&
    openings.some((opening) => opening.port === port && isIn(plain(address), [opening]));
  if (open) return undefined;
  const message =
    `${host} is a private or reserved address; the operator opens one by WEFT_ALLOW_PRIVATE_NET`;
  return { host, rule: "address", message };
}

/** An entry of `needs.net`, or `undefined` if it cannot be one. */
export function allowedOf(entry: string): { host: string; port?: number } | undefined {
  const [, written = "", port] = /^(\[[^\]]*\]|[^:/?#@\s[\]\\]+)(?::(\d{1,5}))?$/.exec(entry.trim()) ?? [];
  const url = URL.parse(`http://${written}/`);
  const host = written === "" || written.includes("*") || url === null ? undefined : hostOf(url.hostname);
  if (host === undefined || Number(port) > 65_535 || Number(port) === 0) return undefined;
  return { host, ...(port === undefined ? {} : { port: Number(port) }) };
}

/**
 * Reads `WEFT_ALLOW_PRIVATE_NET`: a comma list of `address:port` and `CIDR:port`, an IPv6 one in brackets.
 *
 * @returns the openings, or the entry that is none
 *
 * @example
 * ```ts
 * const read = openingsOf("127.0.0.1:8080, 10.0.0.0/8:443, [fd00::/8]:443");
 * if (!read.ok || read.openings.length !== 3) throw new Error("not read");
 * if (openingsOf("10.0.0.0/8").ok) throw new Error("an opening names its port");
 * ```
 */
export function openingsOf(text: string): { ok: true; openings: Opening[] } | { ok: false; entry: string } {
  const openings: Opening[] = [];
  for (const entry of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(entry) ?? [];
    const range = rangeOf(six ?? four ?? "");
    const fits = range !== undefined && range.bytes.length === (six === undefined ? 4 : 16);
    if (!fits || Number(port) === 0 || Number(port) > 65_535) return { ok: false, entry };
    openings.push({ ...range, port: Number(port) });
  }
  return { ok: true, openings };
}

/** A host in its one spelling, or `undefined` if there is none. */
function hostOf(hostname: string): string | undefined {
  // Without the dot at its end a name may be another one, such as an address: it is read again.
  const bare = URL.parse(`http://${hostname.replace(/\.$/, "")}/`)?.hostname;
  if (bare === undefined || bare === "" || bare.endsWith(".")) return undefined;
  if (bare.startsWith("[")) return bare.slice(1, -1);
  return bare.length <= 253 && bare.split(".").every((label) => label !== "" && label.length <= 63)
    ? bare
    : undefined;
}

function placeOf(host: string, port?: number): string {
  const written = host.includes(":") ? `[${host}]` : host;
  return port === undefined ? written : `${written}:${port}`;
}

/** An IPv4 address that is written as one of IPv6 counts as itself. */
function plain(address: Address): Address {
  const mapped = address.length === 16 && address.slice(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff && address[11] === 0xff;
  return mapped ? address.slice(12) : address;
}
