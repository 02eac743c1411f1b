/**
 * IP addresses, and which of them lie inside. Owns: reading an address from text, and whether it is public.
 * Never: names; what a name leads to is found by whoever connects.
 *
 * E1 What cannot be read as an address is not public (SE-704, SE-705).
 */

/** An address as bytes: 4 or 16 of them. */
export type Address = readonly number[];

/** A range of addresses of one family. */
export interface Range {
  bytes: Address;
  /** How many leading bits count. */
  bits: number;
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** SE-704: loopback, private, link-local, shared, special, documentation, multicast and reserved networks. */
const INSIDE_IPV4 = rangesOf(
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 " +
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
);
/** All that is given out for the public net lies in this one; what lies elsewhere is refused with it (SE-705). */
const PUBLIC_IPV6 = rangeOf("2000::/3")!;
const INSIDE_IPV6 = rangesOf("2001:db8::/32 2001:10::/28 2001:20::/28 3fff::/20");
const MAPPED = rangesOf("::/96 ::ffff:0:0/96 64:ff9b::/96");
const SIX_TO_FOUR = rangeOf("2002::/16")!;
const TEREDO = rangeOf("2001::/32")!;

/**
 * Whether an address belongs to the public net. One that carries an IPv4 address is judged by that.
 *
 * @example
 * ```ts
 * if (isPublic(addressOf("::ffff:10.0.0.1")!) || !isPublic(addressOf("2606:4700::1111")!)) throw new Error("misjudged");
 * ```
 */
export function isPublic(address: Address): boolean {
  if (address.length === 4) return !isIn(address, INSIDE_IPV4);
  if (isIn(address, MAPPED)) return isPublic(address.slice(12));
  if (isIn(address, [SIX_TO_FOUR])) return isPublic(address.slice(2, 6));
  // Of Teredo both the server and the client, whose bits are turned over.
  if (isIn(address, [TEREDO])) {
    return isPublic(address.slice(4, 8)) && isPublic(address.slice(12).map((byte) => byte ^ 0xff));
  }
  return isIn(address, [PUBLIC_IPV6]) && !isIn(address, INSIDE_IPV6);
}

/**
 * An address from its text: IPv4 in four decimal numbers, IPv6 in any of its spellings, without brackets.
 *
 * @returns `undefined` for anything else, also for an IPv6 address with a zone
 */
export function addressOf(text: string): Address | undefined {
  return ipv4Of(text) ?? ipv6Of(text);
}

/** A range such as `10.0.0.0/8`, or an address, which is a range of one. */
export function rangeOf(text: string): Range | undefined {
  const [, start = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = addressOf(start);
  if (bytes === undefined) return undefined;
  const whole = bytes.length * 8;
  const counted = bits === undefined ? whole : Number(bits);
  return counted <= whole ? { bytes, bits: counted } : undefined;
}

/** Whether an address lies in one of the ranges. An IPv4 address inside an IPv6 one is no IPv4 address here. */
export function isIn(address: Address, ranges: readonly Range[]): boolean {
  return ranges.some(({ bytes, bits }) =>
    bytes.length === address.length && bytes.every((byte, i) => {
      const counted = Math.min(8, Math.max(0, bits - 8 * i));
      return byte >> (8 - counted) === address[i]! >> (8 - counted);
    })
  );
}

function rangesOf(list: string): Range[] {
  return list.split(" ").map((text) => rangeOf(text)!);
}

function ipv4Of(text: string): Address | undefined {
  const found = IPV4.exec(text)?.slice(1);
  // A leading zero would be octal to some readers.
  if (found === undefined || found.some((part) => Number(part) > 255 || /^0./.test(part))) return undefined;
  return found.map(Number);
}

function ipv6Of(text: string): Address | undefined {
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => groupsOf(half, i === halves.length - 1));
  if (head === undefined || halves.length === 2 && tail === undefined) return undefined;
  const given = head.length + (tail?.length ?? 0);
  // "::" stands for at least one group, of two bytes.
  if (tail === undefined ? given !== 16 : given > 14) return undefined;
  return [...head, ...Array<number>(16 - given).fill(0), ...tail ?? []];
}

/** @param last whether an IPv4 address may end it */
function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    const inner = last && i === groups.length - 1 ? ipv4Of(group) : undefined;
    if (inner !== undefined) bytes.push(...inner);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
