/**
 * Tokens of waitpoints: `w1.<kid>.<mac>` (EN-1003). Owns: what they are made of. Never: which secret holds.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** What a token stands for. */
export interface TokenSubject {
  run: string;
  step: string;
  attempt: number;
  waitpoint: string;
  createdAt: number;
  expiresAt: number;
}

/** Longest text that can be a token. */
export const MOST_TOKEN = 128;
const FORM = /^w1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})$/;

/** The token of a subject under a secret. */
export function tokenOf(subject: TokenSubject, { kid, secret }: { kid: string; secret: string }): string {
  return `w1.${kid}.${macOf(subject, secret)}`;
}

/** The name of the secret that a token says it was made with; nothing if it is no token. */
export function kidOf(token: string): string | undefined {
  return token.length <= MOST_TOKEN ? FORM.exec(token)?.[1] : undefined;
}

/**
 * Whether a token is the subject's under this secret, in a time that does not tell where it differs.
 *
 * @example
 * ```ts
 * const subject = { run: "run_1", step: "ok", attempt: 1, waitpoint: "wp_1_1", createdAt: 0, expiresAt: 9 };
 * const key = { kid: "k", secret: "00".repeat(32) };
 * if (!isTokenOf(tokenOf(subject, key), subject, key.secret)) throw new Error("not its own");
 * if (isTokenOf(tokenOf(subject, key), { ...subject, attempt: 2 }, key.secret)) throw new Error("another's");
 * ```
 */
export function isTokenOf(token: string, subject: TokenSubject, secret: string): boolean {
  const given = new TextEncoder().encode(FORM.exec(token.slice(0, MOST_TOKEN + 1))?.[2] ?? "");
  const right = new TextEncoder().encode(macOf(subject, secret));
  return given.length === right.length && timingSafeEqual(given, right);
}

function macOf(
  { run, step, attempt, waitpoint, createdAt, expiresAt }: TokenSubject,
  secret: string,
): string {
  // No part can hold a line end, so that no two subjects have one text.
  const text = ["w1", run, step, attempt, waitpoint, createdAt, expiresAt].join("\n");
  return createHmac("sha256", hexBytes(secret)).update(text).digest("base64url");
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}
