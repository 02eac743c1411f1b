/**
 * Lists of runs (AP-106, AP-603). Owns: what a filter means, for the API and the command line.
 */
import type { Engine, RunSummary } from "../../engine/mod.ts";
import { refuse } from "../respond.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;

/** Which runs; absent fields leave none out. */
export interface RunFilter {
  notebook?: string;
  version?: string;
  label?: string;
  /** `name` or `name=value`. */
  tag?: string;
  /** Epoch ms. */
  since?: number;
  until?: number;
  limit: number;
}

/** Runs that a filter lets pass, newest first, out of the newest thousand. */
export async function listRuns(engine: Engine, filter: RunFilter): Promise<RunSummary[]> {
  const { notebook, limit, ...rest } = filter;
  const narrow = Object.values(rest).some((value) => value !== undefined);
  const runs = await engine.runs({
    limit: narrow ? MAX_LIMIT : limit,
    ...notebook === undefined ? {} : { notebook },
  });
  return runs.filter((run) => passes(run, filter)).slice(0, limit);
}

function passes(run: RunSummary, { version, label, tag, since, until }: RunFilter): boolean {
  const [name, ...value] = (tag ?? "").split("=");
  const own = run.tags !== undefined && Object.hasOwn(run.tags, name!) ? run.tags[name!] : undefined;
  return (version === undefined || run.version === version) &&
    (label === undefined || run.label === label) &&
    (tag === undefined || (value.length === 0 ? own !== undefined : own === value.join("="))) &&
    run.createdAt >= (since ?? -Infinity) && run.createdAt <= (until ?? Infinity);
}

/** The filter that a query asks for. */
export function filterOf(query: URLSearchParams): RunFilter {
  const known = ["notebook", "version", "label", "tag"] as const;
  const said = Object.fromEntries(known.map((name) => [name, query.get(name) ?? undefined]));
  return {
    ...said,
    since: timeOf(query, "since"),
    until: timeOf(query, "until"),
    limit: limitOf(query.get("limit")),
  };
}

/** How many items a list may have. */
export function limitOf(given: string | null): number {
  if (given === null) return DEFAULT_LIMIT;
  const limit = Number(given);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    refuse("query_invalid", `limit must be a whole number from 1 to ${MAX_LIMIT}: ${given}`);
  }
  return limit;
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  const at = /^\d{4}-\d\d-\d\dT/.test(given) ? Date.parse(given) : NaN;
  if (Number.isNaN(at)) refuse("query_invalid", `${name} must be a time as 2026-11-20T09:30:00Z: ${given}`);
  return at;
}
