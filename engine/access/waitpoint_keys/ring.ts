/**
 * The secrets that waitpoint tokens are made with, as data. Owns: which of them holds when (EN-1007). Pure.
 *
 * A3 A retired secret holds while `now < until`, whatever is rotated after it; a revoked one never again.
 */

/** One secret. */
export interface RingKey {
  kid: string;
  /** Hexadecimal, 32 bytes at least; gone once it is revoked. */
  secret: string;
  /** Retired: holds while it is earlier than this. Absent: tokens are made with it. */
  until?: number;
  revoked?: true;
}

/** Secrets in the order of their making; one that is neither retired nor revoked is the current one. */
export type Ring = readonly RingKey[];

/** How long a retired secret holds if nobody says, in ms. */
export const GRACE_MS = 86_400_000;

/** The secret that tokens are made with now. */
export function currentKey(ring: Ring): RingKey | undefined {
  return ring.findLast(({ until, revoked }) => until === undefined && !revoked);
}

/** The secret of a name, if it holds at `now`. */
export function validKey(ring: Ring, kid: string, now: number): RingKey | undefined {
  return ring.find((key) => key.kid === kid && holdsAt(key, now));
}

/** Whether a secret holds at a time. */
export function holdsAt({ until, revoked }: RingKey, now: number): boolean {
  return !revoked && (until === undefined || now < until);
}

/**
 * The ring with this secret as the current one; the one before holds for `graceMs` more. The same name and secret
 * change nothing; a name with another secret, or one that was revoked, is a conflict.
 *
 * @example
 * ```ts
 * const first = rotated([], { kid: "a", secret: "00" }, 10, 0);
 * const second = rotated(first as Ring, { kid: "b", secret: "01" }, 10, 0) as Ring;
 * if (validKey(second, "a", 9) === undefined || validKey(second, "a", 10) !== undefined) throw new Error("no grace");
 * if (rotated(second, { kid: "b", secret: "02" }, 10, 0) !== "conflict") throw new Error("taken for another");
 * ```
 */
export function rotated(
  ring: Ring,
  { kid, secret }: { kid: string; secret: string },
  graceMs: number,
  now: number,
): Ring | "conflict" {
  const known = ring.find((key) => key.kid === kid);
  if (known !== undefined && (known.revoked || known.secret !== secret)) return "conflict";
  if (currentKey(ring)?.kid === kid) return ring;
  const before = ring.filter((key) => key.kid !== kid).map((key) =>
    key.until === undefined && !key.revoked ? { ...key, until: now + graceMs } : key
  );
  return [...before, { kid, secret }];
}

/** The ring in which a secret never holds again; the name stays, so that it cannot come back. */
export function revoked(ring: Ring, kid: string): Ring {
  return ring.map((key) => key.kid === kid ? { kid, secret: "", revoked: true } : key);
}

/** The ring without what has retired and holds no more. */
export function cleaned(ring: Ring, now: number): Ring {
  return ring.filter((key) => key.revoked || holdsAt(key, now));
}
