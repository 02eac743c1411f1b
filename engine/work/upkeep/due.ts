/**
 * How long what a run left is kept. Owns: when it is looked at, and what is decided then. Pure.
 *
 * An ended run stands in the due index once: under `frames` until these have gone, under `run` from then on. Each class
 * has its own order of time, and what is kept longer than its time is moved to a later one, so that nothing that is kept
 * stands before what may go.
 */
import type { Retention } from "../../notebook/policy.ts";
import { encodeRecord } from "../../store/codec.ts";
import { dueKey } from "../../store/keys.ts";
import type { Key, Put } from "../../store/store.ts";
import type { RunHead } from "../commit/live_run.ts";

export const DAY_MS = 86_400_000;
/** How soon what is kept beyond its time is looked at again. */
const AGAIN_MS = DAY_MS;

/** What holds for a run: its notebook's word before the engine's. */
export function retentionFor({ retention }: RunHead, settings: Retention): Retention {
  return { ...settings, ...retention };
}

/** When a run that has ended is first looked at, and for what. */
export function firstDue(head: RunHead, settings: Retention): NonNullable<RunHead["due"]> {
  const { keepDays, keepFramesDays } = retentionFor(head, settings);
  const what = keepFramesDays < keepDays && !isTrimmed(head) ? "frames" : "run";
  return { at: timeOf(head, what === "frames" ? keepFramesDays : keepDays), what };
}

/** Whether the frames of an ended run have gone, or are going. One that ran on since has new ones. */
export function isTrimmed({ trimmedAt, endedAt }: RunHead): boolean {
  return trimmedAt !== undefined && endedAt !== undefined && trimmedAt >= endedAt;
}

/** A head as it is stored from the end of its run on. */
export function retired(head: RunHead, settings: Retention): RunHead {
  return head.phase === "ended" ? { ...head, due: firstDue(head, settings) } : head;
}

/** A run's entry in the due index, if it has one. */
export function dueEntry({ id, due }: RunHead): Key | undefined {
  return due === undefined ? undefined : dueKey(due.what, due.at, id);
}

/** The same as a record to write. */
export function duePut(head: RunHead): Put[] {
  const key = dueEntry(head);
  return key === undefined ? [] : [{ key, value: encodeRecord(null) }];
}

/** What is known of a run whose time has come. */
export interface Known {
  head: RunHead;
  pinned: boolean;
  /** Whether at least `keepRuns` runs of its notebook are newer. */
  beyond: boolean;
}

/** What to do with it: let it go, or look again. */
export type Verdict = { type: "drop" } | { type: "again"; at: number };

/** EN-1901, SG-110: frames go by age; a run by age if it is not among its notebook's newest; pinned ones stay. */
export function verdictOn({ head, pinned, beyond }: Known, settings: Retention, now: number): Verdict {
  const { keepDays, keepFramesDays } = retentionFor(head, settings);
  const frames = head.due?.what === "frames";
  const at = timeOf(head, frames ? keepFramesDays : keepDays);
  if (head.deletedAt !== undefined) return { type: "drop" };
  if (now < at) return { type: "again", at };
  if (pinned || (!frames && !beyond)) return { type: "again", at: now + AGAIN_MS };
  return { type: "drop" };
}

/**
 * Where a run should stand that has ended: where it does, unless it does not stand anywhere, or the settings have become
 * shorter since.
 */
export function dueNow(head: RunHead, settings: Retention, now: number): NonNullable<RunHead["due"]> {
  if (head.deletedAt !== undefined) return head.due ?? { at: head.deletedAt, what: "run" };
  const first = firstDue(head, settings);
  const { due } = head;
  if (due === undefined || (due.what === "frames" && first.what === "run")) return first;
  const { keepDays, keepFramesDays } = retentionFor(head, settings);
  const at = timeOf(head, due.what === "frames" ? keepFramesDays : keepDays);
  // What is kept beyond its time is never more than a day away.
  return due.at > Math.max(at, now + AGAIN_MS) ? { at, what: due.what } : due;
}

function timeOf({ endedAt, createdAt }: RunHead, days: number): number {
  return Math.round((endedAt ?? createdAt) + days * DAY_MS);
}
