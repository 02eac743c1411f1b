/**
 * Quotas as whoever looks after them sees and sets them (AP-907, AP-908). Owns: reading and writing their rules, from any
 * process. Never: admission.
 */
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import type { Ids } from "../../base/ids.ts";
import { freeAt } from "../../run/spend/window.ts";
import { encodeRecord } from "../../store/codec.ts";
import { quotaKey, quotaPrefix, quotaSlotPrefix, quotaUsePrefix, quotaWaitPrefix } from "../../store/keys.ts";
import type { Key, Store } from "../../store/store.ts";
import { changeRecord } from "../request/change_record.ts";
import { type Quota, quotaSchema, readQuota, readSlot, readWait } from "./quota.ts";

/** Quotas that there may be, and holders that are shown. */
const MOST_MADE = 1_000;
const MOST_SHOWN = 100;
/** Steps that are told of new rules at once; the others ask when their time has come. */
const MOST_WOKEN = 500;

/** A quota and how it stands. */
export interface QuotaState extends Quota {
  /** How many began in the window; absent without one. */
  inWindow?: number;
  /** Who holds slots, at most 100 of them, and how many do. */
  holders: { run: string; step: string; attempt: number; at: number }[];
  held: number;
  waiting: number;
  /** When one more may begin, if the window alone stands against it, epoch ms. */
  nextFreeAt?: number;
}

/** What the front doors may ask of quotas. Throws `quota_not_found`, `name_taken`, `schema_invalid`. */
export interface Quotas {
  list(): Promise<QuotaState[]>;
  get(name: string): Promise<QuotaState>;
  make(quota: Quota): Promise<QuotaState>;
  /** Other rules under the same name; what waits asks again. */
  change(name: string, quota: Omit<Quota, "name">): Promise<QuotaState>;
  remove(name: string): Promise<void>;
}

/** What they need. `changed` is called when the rules have changed. */
export interface QuotaPorts {
  store: Store;
  clock: Clock;
  ids: Ids;
  changed(): Promise<void>;
  /** Lets a step ask again that waits. */
  wake(run: string, step: string): Promise<void>;
}

/** See {@link Quotas}. */
export function openQuotas(ports: QuotaPorts): Quotas {
  const { store, changed } = ports;
  const find = async (name: string) => {
    const [entry] = await store.get([quotaKey(name)]);
    if (entry === undefined) throw notFound(name);
    return readQuota(entry);
  };
  const write = async (given: Quota, fresh: boolean) => {
    const parsed = quotaSchema.safeParse(given);
    if (!parsed.success) throw new EngineError("schema_invalid", parsed.error.issues[0]!.message);
    const quota = parsed.data as Quota;
    await changeRecord(ports, quotaKey(quota.name), async (entry) => {
      if (fresh && entry !== undefined) {
        throw new EngineError("name_taken", `There is a quota of this name: ${quota.name}`);
      }
      if (!fresh && entry === undefined) throw notFound(quota.name);
      if (fresh && (await keysUnder(quotaPrefix, MOST_MADE)).length >= MOST_MADE) {
        throw new EngineError("schema_invalid", `There may be ${MOST_MADE} quotas; remove one first`);
      }
      return {
        puts: [{ key: quotaKey(quota.name), value: encodeRecord(quota) }],
        result: undefined,
      };
    });
    await changed();
    await wakeAll(quota.name);
    return await stateOf(ports, quota);
  };
  /** Who waits was told a time that may be another now. A run that is gone has nothing to go on with. */
  const wakeAll = async (name: string) => {
    for (const [, , , run, step] of await keysUnder(quotaWaitPrefix(name), MOST_WOKEN)) {
      await ports.wake(String(run), String(step)).catch((error) => {
        if (!(error instanceof EngineError)) throw error;
      });
    }
  };
  const keysUnder = async (prefix: Key, limit: number) =>
    (await Array.fromAsync(store.list(prefix, { limit }))).map(({ key }) => key);
  return {
    async list() {
      const all = await Array.fromAsync(store.list(quotaPrefix));
      return await Promise.all(all.map((entry) => stateOf(ports, readQuota(entry))));
    },
    get: async (name) => await stateOf(ports, await find(name)),
    make: (quota) => write(quota, true),
    change: (name, quota) => write({ ...quota, name }, false),
    async remove(name) {
      await changeRecord(ports, quotaKey(name), (entry) => {
        if (entry === undefined) throw notFound(name);
        return { deletes: [quotaKey(name)], result: undefined };
      });
      await changed();
      await wakeAll(name);
    },
  };
}

function notFound(name: string): EngineError {
  return new EngineError("quota_not_found", `No quota has this name: ${name.slice(0, 64)}`);
}

async function stateOf({ store, clock }: QuotaPorts, quota: Quota): Promise<QuotaState> {
  const { name, windowMs, max } = quota;
  const now = clock.now();
  const slots = await Array.fromAsync(store.list(quotaSlotPrefix(name)));
  const waits = await Array.fromAsync(store.list(quotaWaitPrefix(name)));
  const waiting = waits.filter((entry) => readWait(entry).until >= now).length;
  const begun: number[] = [];
  if (windowMs !== undefined) {
    const after = quotaUsePrefix(name, Math.max(0, now - windowMs + 1));
    for await (const { key } of store.list(quotaUsePrefix(name), { after })) begun.push(key[2] as number);
  }
  const latest = begun.slice(-(max ?? 1));
  const at = freeAt(quota, { now, begun: latest, holders: slots.length, ahead: waiting });
  return {
    ...quota,
    ...(windowMs === undefined ? {} : { inWindow: begun.length }),
    holders: slots.slice(0, MOST_SHOWN).map((entry) => {
      const [, , run, step] = entry.key as string[];
      return { run: run!, step: step!, ...readSlot(entry) };
    }),
    held: slots.length,
    waiting,
    ...(at === undefined || at === Infinity ? {} : { nextFreeAt: at }),
  };
}
