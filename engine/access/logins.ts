/**
 * Who may use the studio: one-time codes and the logins they turn into. Owns: their making, keeping and checking.
 * Never: cookies and URLs; those are the front door's.
 *
 * A1 A code works once, within 10 minutes, and only in the process that made it.
 * A2 Neither a code nor a token is kept: only their SHA-256, compared in constant time.
 */
import type { Clock } from "../base/clock.ts";
import { isObject, parseJson } from "../base/json.ts";
import { digestOf, newSecret, sameDigest } from "./secret.ts";
import { writeWhole } from "./write_whole.ts";

const CODE_MS = 10 * 60_000;
const LOGIN_MS = 12 * 60 * 60_000;
/** Past these the oldest are forgotten. */
const MOST_CODES = 100;
const MOST_LOGINS = 1000;

/** Codes and logins of one installation. */
export interface Logins {
  /** A new one-time code, for a URL that is shown once. */
  newCode(): string;
  /** Turns a code into a login's token; `undefined` if it is unknown, used or too old. The login is then durable. */
  redeem(code: unknown): Promise<string | undefined>;
  /** Whether this is the token of a login that stands. Anything may be asked. */
  check(token: unknown): boolean;
  /** Ends a login at once. */
  revoke(token: unknown): Promise<void>;
}

interface Kept {
  digest: string;
  expiresAt: number;
}

/**
 * Opens the logins kept in `logins.json` of the data folder, which is made if it is not there. A file that is not
 * readable counts as empty: whoever was signed in signs in again.
 *
 * @param folder the data folder, which exists
 *
 * @example
 * ```ts
 * import { systemClock } from "../base/clock.ts";
 * const folder = await Deno.makeTempDir();
 * const logins = await openLogins({ folder, clock: systemClock });
 * const code = logins.newCode();
 * const token = await logins.redeem(code);
 * const again = await logins.redeem(code);
 * await Deno.remove(folder, { recursive: true });
 * if (!logins.check(token) || again !== undefined) throw new Error("a code works once");
 * ```
 */
export async function openLogins({ folder, clock }: { folder: string; clock: Clock }): Promise<Logins> {
  const path = `${folder}/logins.json`;
  let logins = await read(path);
  let codes: Kept[] = [];
  let writing: Promise<void> = Promise.resolve();

  const find = (kept: Kept[], secret: unknown): Kept | undefined => {
    if (typeof secret !== "string" || secret === "") return undefined;
    const digest = digestOf(secret);
    const now = clock.now();
    let found: Kept | undefined;
    for (const one of kept) if (sameDigest(one.digest, digest) && one.expiresAt > now) found = one;
    return found;
  };
  const save = (): Promise<void> => {
    logins = logins.filter(({ expiresAt }) => expiresAt > clock.now()).slice(-MOST_LOGINS);
    const text = JSON.stringify({ logins });
    writing = writing.catch(() => {}).then(() => writeWhole(path, text, 0o600));
    return writing;
  };

  return {
    newCode() {
      const code = newSecret();
      codes = [...codes, { digest: digestOf(code), expiresAt: clock.now() + CODE_MS }].slice(-MOST_CODES);
      return code;
    },
    async redeem(code) {
      const found = find(codes, code);
      if (found === undefined) return undefined;
      codes = codes.filter((other) => other !== found);
      const token = newSecret();
      logins.push({ digest: digestOf(token), expiresAt: clock.now() + LOGIN_MS });
      await save();
      return token;
    },
    check: (token) => find(logins, token) !== undefined,
    async revoke(token) {
      const found = find(logins, token);
      if (found === undefined) return;
      logins = logins.filter((other) => other !== found);
      await save();
    },
  };
}

async function read(path: string): Promise<Kept[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const parsed = parseJson(text, { maxLength: 1024 * 1024, maxDepth: 4 });
  const list = parsed.ok && isObject(parsed.value) ? parsed.value.logins : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => {
    if (!isObject(one)) return [];
    const { digest, expiresAt } = one;
    const good = typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest) &&
      Number.isSafeInteger(expiresAt);
    return good ? [{ digest, expiresAt: expiresAt as number }] : [];
  }).slice(-MOST_LOGINS);
}
