/** The name of a request (AP-107). Owns: which names can be one. */
import { refuse } from "../respond.ts";

/** The name by which a request is known when it comes again; `undefined` if it has none. `key_invalid`. */
export function keyOf(request: Request): string | undefined {
  const key = request.headers.get("idempotency-key");
  if (key === null) return undefined;
  if (!/^[!-~]{1,255}$/.test(key)) {
    refuse("key_invalid", "Idempotency-Key must be 1 to 255 visible ASCII characters");
  }
  return key;
}
