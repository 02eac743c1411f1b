/**
 * `quotas` of a cell's header: how often and how many at a time. Owns: reading it. Never: counting.
 */
import { isObject, type Json } from "../../base/json.ts";
import { durationMs } from "../duration.ts";

/** Names of quotas. */
export const QUOTA_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** Most of a window or at a time, quotas that one cell may be under, and the longest window, in ms. */
export const MOST_QUOTA = 10_000;
export const MOST_QUOTAS = 4;
export const LONGEST_WINDOW_MS = 31 * 86_400_000;

/** One quota as a cell says it; with a name alone it is one that the deployment knows. */
export interface CellQuota {
  name: string;
  windowMs?: number;
  max?: number;
  maxConcurrent?: number;
}

/**
 * The quotas that a checked header names.
 *
 * @example
 * ```ts
 * const [api, gpu] = readQuotas(["api", { name: "gpu", window: "1m", max: 3 }]);
 * if (api?.name !== "api" || gpu?.windowMs !== 60_000 || gpu.max !== 3) throw new Error("not read");
 * ```
 */
export function readQuotas(given: Json | undefined): CellQuota[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((quota): CellQuota[] => {
    if (typeof quota === "string") return [{ name: quota }];
    if (!isObject(quota) || typeof quota.name !== "string") return [];
    const { name, window, max, maxConcurrent } = quota;
    const windowMs = typeof window === "string" ? durationMs(window) : undefined;
    return [{
      name,
      ...(windowMs === undefined ? {} : { windowMs }),
      ...(typeof max === "number" ? { max } : {}),
      ...(typeof maxConcurrent === "number" ? { maxConcurrent } : {}),
    }];
  });
}
