/**
 * Slots of quotas that a run's attempts hold. Owns: when one is free again.
 *
 * Q2 A slot is freed in the commit that ends, suspends or loses the attempt that holds it, whatever that commit says of
 * it, so that slots are those of open attempts; whoever takes a run over finds them by the run.
 */
import { lastText, quotaHolderKey, quotaHolderPrefix, quotaSlotKey } from "../../store/keys.ts";
import type { Key, Store } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import { readSlot } from "./quota.ts";

/** Both records of a slot. */
export function slotKeys(quota: string, run: string, step: string): Key[] {
  return [quotaSlotKey(quota, run, step), quotaHolderKey(run, step, quota)];
}

/** Adds to `deletes` the slots of attempts that are not open any more. @returns of which quotas, each as often as freed */
export function freeSlots({ run, slots }: LiveRun, deletes: Key[]): string[] {
  if (slots === undefined || slots.size === 0) return [];
  const freed: string[] = [];
  for (const [name, { attempt, quotas }] of slots) {
    const step = run.steps.get(name);
    if (step?.attempt === "open" && step.attempts === attempt) continue;
    for (const quota of quotas) deletes.push(...slotKeys(quota, run.id, name));
    freed.push(...quotas);
    slots.delete(name);
  }
  return freed;
}

/** The slots that a step of a run holds, as far as this worker took them. */
export function slotsOf(live: LiveRun | undefined, step: string): { keys: Key[]; quotas: string[] } {
  const quotas = live?.slots?.get(step)?.quotas ?? [];
  return { keys: quotas.flatMap((quota) => slotKeys(quota, live!.run.id, step)), quotas };
}

/** Reads which slots a run holds that is taken over with open attempts. */
export async function findSlots(store: Store, live: LiveRun): Promise<void> {
  for await (const entry of store.list(quotaHolderPrefix(live.run.id))) {
    const { attempt } = readSlot(entry);
    const step = entry.key[2] as string;
    live.slots ??= new Map();
    const held = live.slots.get(step);
    if (held === undefined) live.slots.set(step, { attempt, quotas: [lastText(entry.key)] });
    else held.quotas.push(lastText(entry.key));
  }
}
