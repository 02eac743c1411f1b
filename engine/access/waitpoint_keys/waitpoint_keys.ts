/**
 * The secrets of waitpoint tokens of one installation. Owns: making, keeping and changing them, and what tokens are worth.
 * Never: waitpoints themselves.
 *
 * A4 A secret is in the file of mode 0600 and in memory, and nowhere else: lists show its name and a fingerprint.
 */
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import { hit } from "../../base/faults.ts";
import { isObject, parseJson } from "../../base/json.ts";
import { digestOf } from "../secret.ts";
import { writeWhole } from "../write_whole.ts";
import { cleaned, currentKey, GRACE_MS, holdsAt, revoked, type Ring, rotated, validKey } from "./ring.ts";
import { isTokenOf, kidOf, tokenOf, type TokenSubject } from "./token.ts";

/** Secrets of one installation, and tokens made with them. */
export interface WaitpointKeys {
  /** The token of a waitpoint, made with the current secret. */
  sign(subject: TokenSubject): string;
  /** Whether a token is this waitpoint's; `undefined` costs the same time and is never one. */
  check(token: string, subject: TokenSubject | undefined): boolean;
  list(): KeyList;
  /** Makes a secret the current one; a new random one if none is given. `key_conflict`, `key_invalid`. */
  rotate(
    next: { kid: string; secretHex?: string; graceMs?: number },
  ): Promise<KeyList & { changed: boolean }>;
  /** Ends a secret at once; without another one, a new one is made. `key_not_found`. */
  revoke(kid: string): Promise<void>;
}

/** What may be shown of the secrets. */
export interface KeyList {
  current: string;
  valid: { kid: string; fingerprint: string; until?: number }[];
}

/** Where the secrets are kept, and what the environment says. */
export interface KeySource {
  /** The data folder, which exists; without one they end with the process. */
  folder?: string;
  clock: Clock;
  /** `WEFT_WAITPOINT_SECRET`: the current secret of every process that has it, in hexadecimal. */
  secretHex?: string;
}

const SECRET = /^(?:[0-9a-f]{2}){32,128}$/i;
const KID = /^[A-Za-z0-9_-]{1,32}$/;
/** Compared with where there is no waitpoint, so that this takes as long (AP-821). */
const NOBODY: TokenSubject = { run: "", step: "", attempt: 0, waitpoint: "", createdAt: 0, expiresAt: 0 };

/**
 * Opens the secrets in `waitpoint_keys.json` of the data folder; the first start makes one. A file that cannot be read
 * is no reason to make other secrets: every link that was sent out would be void.
 *
 * @throws {EngineError} `key_invalid` if the file or the environment holds none
 *
 * @example
 * ```ts
 * import { systemClock } from "../../base/clock.ts";
 * const keys = await openWaitpointKeys({ clock: systemClock });
 * const subject = { run: "run_1", step: "ok", attempt: 1, waitpoint: "wp_1_1", createdAt: 0, expiresAt: 9 };
 * const token = keys.sign(subject);
 * await keys.rotate({ kid: "next" });
 * if (!keys.check(token, subject)) throw new Error("a retired secret has its grace");
 * ```
 */
export async function openWaitpointKeys({ folder, clock, secretHex }: KeySource): Promise<WaitpointKeys> {
  const path = folder === undefined ? undefined : `${folder}/waitpoint_keys.json`;
  let ring: Ring = path === undefined ? [] : await read(path);
  let writing: Promise<void> = Promise.resolve();

  const save = (next: Ring): Promise<void> => {
    ring = cleaned(next, clock.now());
    if (path === undefined) return Promise.resolve();
    const text = JSON.stringify({ keys: ring });
    writing = writing.catch(() => {}).then(() => writeWhole(path, text, 0o600));
    return writing;
  };
  const turn = async (kid: string, secret: string, graceMs: number): Promise<boolean> => {
    if (!KID.test(kid)) throw new EngineError("key_invalid", "kid must be 1 to 32 of A-Z, a-z, 0-9, _ and -");
    if (!SECRET.test(secret)) {
      throw new EngineError("key_invalid", "A waitpoint secret is 32 to 128 bytes in hexadecimal");
    }
    const next = rotated(ring, { kid, secret: secret.toLowerCase() }, graceMs, clock.now());
    if (next === "conflict") {
      throw new EngineError(
        "key_conflict",
        `${kid} is another secret already, or was revoked; choose another name`,
      );
    }
    const changed = next !== ring;
    if (changed) await save(next);
    return changed;
  };
  const fresh = () => turn(nextKid(ring), randomHex(), GRACE_MS);
  const list = (): KeyList => ({
    current: currentKey(ring)!.kid,
    valid: ring.filter((key) => holdsAt(key, clock.now())).map(({ kid, secret, until }) => ({
      kid,
      fingerprint: digestOf(secret).slice(0, 16),
      ...(until === undefined ? {} : { until }),
    })),
  });

  if (secretHex !== undefined) await turn("env", secretHex, GRACE_MS);
  else if (currentKey(ring) === undefined) await fresh();
  return {
    sign: (subject) => tokenOf(subject, currentKey(ring)!),
    check(token, subject) {
      const key = validKey(ring, kidOf(token) ?? "", clock.now());
      const right = isTokenOf(token, subject ?? NOBODY, (key ?? currentKey(ring)!).secret);
      return right && key !== undefined && subject !== undefined;
    },
    list,
    async rotate({ kid, secretHex = randomHex(), graceMs = GRACE_MS }) {
      const changed = await turn(kid, secretHex, graceMs);
      if (changed) hit("key.rotated");
      return { ...list(), changed };
    },
    async revoke(kid) {
      const known = ring.find((key) => key.kid === kid && !key.revoked);
      if (known === undefined) {
        throw new EngineError("key_not_found", "There is no waitpoint secret of this name");
      }
      await save(revoked(ring, kid));
      if (currentKey(ring) === undefined) await fresh();
    },
  };
}

function nextKid(ring: Ring): string {
  for (let n = ring.length + 1;; n++) if (!ring.some(({ kid }) => kid === `k${n}`)) return `k${n}`;
}

function randomHex(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

async function read(path: string): Promise<Ring> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const parsed = parseJson(text, { maxLength: 1024 * 1024, maxDepth: 4 });
  const keys = parsed.ok && isObject(parsed.value) ? parsed.value.keys : undefined;
  if (!Array.isArray(keys) || !keys.every((key) => isObject(key) && isRingKey(key))) {
    throw new EngineError(
      "key_invalid",
      `The waitpoint secrets cannot be read; restore the file or remove it: ${path}`,
    );
  }
  return keys as unknown as Ring;
}

function isRingKey({ kid, secret, until, revoked }: Record<string, unknown>): boolean {
  const good = typeof secret === "string" && (revoked === true ? secret === "" : SECRET.test(secret));
  return good && typeof kid === "string" && KID.test(kid) &&
    (until === undefined || Number.isSafeInteger(until)) && (revoked === undefined || revoked === true);
}
