/**
 * Secrets: how they are made and how they are compared. Owns: the randomness of everything that must not be guessed.
 * Never: what a secret is for.
 *
 * `crypto.getRandomValues` is called here and not through `Ids`: a test may make ids predictable, but nothing may
 * make a secret so.
 */
import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../base/hash.ts";

/** Random bits of a secret. */
const SECRET_BYTES = 32;

/**
 * A new secret: 256 random bits as 43 characters of base64url, which need no escaping in a URL, cookie or header.
 *
 * @example
 * ```ts
 * if (!/^[A-Za-z0-9_-]{43}$/.test(newSecret())) throw new Error("not a secret");
 * ```
 */
export function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The form in which a secret may be kept: its SHA-256, as 64 hexadecimal digits. */
export function digestOf(secret: string): string {
  return sha256(secret);
}

/**
 * Whether two digests are equal, in a time that does not tell where they differ.
 *
 * @example
 * ```ts
 * if (!sameDigest(digestOf("a"), digestOf("a")) || sameDigest(digestOf("a"), digestOf("b"))) throw new Error("wrong");
 * ```
 */
export function sameDigest(a: string, b: string): boolean {
  const left = new TextEncoder().encode(a);
  const right = new TextEncoder().encode(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
