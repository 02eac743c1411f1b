/**
 * Content hashes. Owns: the one algorithm that names texts, values and versions. Server only: it uses
 * `node:crypto`, because Web Crypto cannot hash without awaiting and the pure folders never await.
 */
import { createHash } from "node:crypto";

/**
 * SHA-256 of UTF-8 text or of bytes, as 64 lower-case hexadecimal digits.
 *
 * @example
 * ```ts
 * if (!sha256("").startsWith("e3b0c442")) throw new Error("not SHA-256");
 * ```
 */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
