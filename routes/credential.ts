/**
 * The cookie that proves who asks (SE-304, SE-306). Owns: its form. Never: whether a secret is valid; that is `Logins`.
 */
import type { Logins } from "../engine/access/logins.ts";
import type { Identity } from "./guard.ts";

const TWELVE_HOURS_S = 43_200;
/** A login belongs to whoever started the server. */
const OWNER = "owner";

/** Header value that sets the cookie of the server on `port`. */
export function cookieOf(port: number, token: string, secure: boolean): string {
  const flags = `HttpOnly; SameSite=Strict; Path=/; Max-Age=${TWELVE_HOURS_S}${secure ? "; Secure" : ""}`;
  return `weft_${port}=${token}; ${flags}`;
}

/** Who asks, by the cookie; nobody if it is missing, double or not valid. */
export function identify(request: Request, logins: Logins, port: number): Identity | undefined {
  const name = `weft_${port}=`;
  const given = (request.headers.get("cookie") ?? "").split(";").map((part) => part.trim())
    .filter((part) => part.startsWith(name));
  if (given.length !== 1) return undefined;
  return logins.check(given[0]!.slice(name.length)) ? { who: OWNER, by: "cookie" } : undefined;
}
