/**
 * The one worker that looks after what is nobody's. Owns: the record of the role and how it changes hands.
 *
 * The role spares work and guards nothing: two that hold it for a while, as after a jump of a clock, do no harm, because
 * every write of theirs checks what it rests on.
 */
import { encodeRecord } from "../../store/codec.ts";
import { roleKey } from "../../store/keys.ts";
import type { Check, Key, Put, Session, Store } from "../../store/store.ts";
import { readRole } from "../records.ts";

/** How long the role is held without a renewal. */
export const ROLE_TTL_MS = 180_000;
/** How much longer another waits, for clocks that differ. */
const SKEW_MS = 5_000;
const REAPER = roleKey("reaper");

/** What holding the role needs. */
export interface RolePorts {
  store: Store;
  session: Pick<Session, "worker" | "epoch">;
  write(checks: Check[], puts: Put[], deletes: Key[]): Promise<boolean>;
}

/** Takes or renews the role; false if another worker has it or was faster. A worker takes its own former one at once. */
export async function holdRole({ store, session, write }: RolePorts, now: number): Promise<boolean> {
  const { worker, epoch } = session;
  const [entry] = await store.get([REAPER]);
  const held = entry === undefined ? undefined : readRole(entry);
  if (held !== undefined && held.worker !== worker && held.until + SKEW_MS >= now) return false;
  const ours = held?.worker === worker && held.epoch === epoch;
  if (ours && held.until - now > ROLE_TTL_MS / 2) return true;
  const record = { worker, epoch, until: now + ROLE_TTL_MS };
  return await write(
    [{ key: REAPER, version: entry?.version ?? null }],
    [{ key: REAPER, value: encodeRecord(record) }],
    [],
  );
}
