/**
 * The words of a cell's and a run's status (ST-221 to ST-236). Owns: glyph, word and tone for each label.
 * Never: a clock; the caller says what time it is. Browser-safe.
 */
import type { CellView, RunView, StepLabel } from "../../engine/wire/view.ts";
import { formatClock, formatDuration } from "./format.ts";

/** Colour group of a status. */
export type Tone = "idle" | "wait" | "queue" | "run" | "good" | "warn" | "bad" | "stale";

/** A status as shown: `word` is always there, so nothing hangs on colour or glyph. */
export interface Status {
  label: StepLabel | "idle" | "stale" | "disabled" | "invalid";
  glyph: string;
  word: string;
  tone: Tone;
  /** For the tooltip. */
  detail?: string;
}

/** What `statusOf` looks at besides the cell. */
export interface StatusContext {
  /** Server time, epoch ms. */
  now: number;
  /** Cells whose value this one needs. */
  needs: readonly string[];
  view?: RunView;
  /** Why the plan would run it again, if its value is stale. */
  stale?: string;
  disabled?: boolean;
  invalid?: boolean;
  /** A run is going on, so that nothing is stale yet. */
  active?: boolean;
}

/**
 * The status of a cell.
 *
 * @example
 * ```ts
 * const idle = statusOf(undefined, { now: 0, needs: [] });
 * if (idle.word !== "not run" || idle.glyph !== "○") throw new Error("wrong words");
 * ```
 */
export function statusOf(cell: CellView | undefined, context: StatusContext): Status {
  if (context.invalid) return { label: "invalid", glyph: "!", word: "not a usable cell", tone: "bad" };
  if (context.disabled) return { label: "disabled", glyph: "⊘", word: "disabled", tone: "idle" };
  if (cell === undefined) return { label: "idle", glyph: "○", word: "not run", tone: "idle" };
  if (context.stale !== undefined && !context.active && hasValue(cell)) {
    return { label: "stale", glyph: "◐", word: "stale", tone: "stale", detail: context.stale };
  }
  return { label: cell.label, ...WORDS[cell.label](cell, context) };
}

/** Whether a cell ended with a value. */
export function hasValue(cell: CellView): boolean {
  return cell.label === "succeeded" || cell.label === "warned" || cell.label === "reused" ||
    cell.label === "supplied";
}

type Words = (cell: CellView, context: StatusContext) => Omit<Status, "label">;

const WORDS: Record<StepLabel, Words> = {
  waiting: (_, { needs, view }) => {
    const open = needs.filter((name) => isOpen(view?.cells[name]?.label));
    const names = open.slice(0, 3).join(", ") + (open.length > 3 ? ` and ${open.length - 3} more` : "");
    return { glyph: "◔", word: open.length > 0 ? `waiting for ${names}` : "waiting", tone: "wait" };
  },
  queued: () => ({ glyph: "⋯", word: "queued", tone: "queue" }),
  running: (cell, { now }) => {
    if (cell.stopping !== undefined) {
      const word = cell.stopping === "skipped" ? "skipping" : "cancelling";
      return {
        glyph: "◼",
        word,
        tone: "wait",
        detail: "It was told to stop, and has a few seconds to do so",
      };
    }
    const part = cell.progress?.part === undefined ? "" : `, ${Math.round(cell.progress.part * 100)} %`;
    const time = cell.startedAt === undefined ? "" : ` ${formatDuration(now - cell.startedAt)}`;
    return { glyph: "▶", word: `running${time}${part}`, tone: "run", detail: cell.progress?.text };
  },
  retrying: (cell, { now }) => {
    const wait = Math.max(0, (cell.due ?? now) - now);
    return {
      glyph: "↻",
      word: `attempt ${cell.attempt + 1} in ${formatDuration(wait)}`,
      tone: "run",
      detail: cell.problem?.message,
    };
  },
  suspended: (cell, { now }) => {
    if (cell.items !== undefined) {
      return { glyph: "▶", word: `${cell.items.ended} of ${cell.items.count} items done`, tone: "run" };
    }
    const left = cell.due === undefined ? undefined : formatDuration(Math.max(0, cell.due - now));
    if (cell.waits === undefined) {
      return { glyph: "◷", word: left === undefined ? "waiting" : `goes on in ${left}`, tone: "wait" };
    }
    const word = `waiting for ${WAIT_WORDS[cell.waits.for]}`;
    return {
      glyph: "✋",
      word,
      tone: "wait",
      ...(left === undefined ? {} : { detail: `For another ${left}` }),
    };
  },
  held: (cell, { now }) => {
    const left = cell.due === undefined ? "" : ` for ${formatDuration(Math.max(0, cell.due - now))}`;
    const word = `${HELD_WORDS[cell.held ?? "operator"]}${left}`;
    return { glyph: "⏸", word, tone: "wait", detail: cell.heldWhy };
  },
  "in-doubt": () => ({ glyph: "?", word: "in doubt: did it happen?", tone: "warn" }),
  succeeded: (cell) => ({ glyph: "✓", word: `done${took(cell)}${at(cell)}`, tone: "good" }),
  reused: (cell) => ({ glyph: "⟲", word: `reused${at(cell)}`, tone: "good", detail: cell.reusedFrom }),
  supplied: (cell) => ({ glyph: "✎", word: `given by hand${at(cell)}`, tone: "good" }),
  warned: (cell) => {
    const count = cell.warnings?.length ?? 0;
    const note = count > 1 ? `done with ${count} warnings` : "done with a warning";
    return { glyph: "⚠", word: `${note}${took(cell)}`, tone: "warn", detail: cell.warnings?.[0]?.message };
  },
  skipped: (cell) => ({ glyph: "↷", word: skipWord(cell), tone: "idle", detail: lateWord(cell) }),
  failed: (cell) => ({
    glyph: "✕",
    word: `failed${took(cell)}`,
    tone: "bad",
    detail: firstLine(cell.problem?.message),
  }),
  cancelled: (cell) => ({
    glyph: "■",
    word: cell.unsettled
      ? "cancelled, did not stop"
      : cell.skipped === "not_needed"
      ? `cancelled${took(cell)}, not needed any more`
      : `cancelled${took(cell)}`,
    tone: cell.unsettled ? "warn" : "idle",
    detail: lateWord(cell),
  }),
  expired: (cell) => ({ glyph: "⌛", word: `out of time${took(cell)}`, tone: "bad" }),
};

/** EN-604: what is said of an attempt that ignored its abort. */
export function lateWord({ unsettled }: CellView): string | undefined {
  return unsettled ? "It did not stop when it was told to and may still be at work" : undefined;
}

function isOpen(label: StepLabel | undefined): boolean {
  return label === "waiting" || label === "queued" || label === "running" || label === "retrying" ||
    label === "suspended" || label === "held" || label === "in-doubt";
}

const WAIT_WORDS: Record<NonNullable<CellView["waits"]>["for"], string> = {
  signal: "a signal",
  approval: "approval",
  children: "a run of its own",
};

const HELD_WORDS: Record<NonNullable<CellView["held"]>, string> = {
  capability: "no worker can run it",
  quota: "waits for a quota",
  budget: "over its budget",
  doubt: "in doubt",
  operator: "put aside",
};

function skipWord({ skipped, because }: CellView): string {
  if (skipped === "run_stopped") return "skipped, the run was stopped";
  if (skipped === "run_expired") return "skipped, the run was out of time";
  if (skipped === "asked") return "skipped by hand";
  if (skipped === "timed_out") return "skipped, nothing came in time";
  if (skipped === "item_failed") return "skipped, another item failed";
  if (skipped === "not_taken") {
    return because === undefined ? "not taken" : `skipped, ${because} was not taken`;
  }
  if (skipped === "join_impossible") return "skipped, too few of those before it succeeded";
  if (skipped === "not_needed") {
    return because === undefined ? "not needed" : `not needed by ${because} any more`;
  }
  const how = skipped === "upstream_failed"
    ? "failed"
    : skipped === "upstream_cancelled"
    ? "was cancelled"
    : "was skipped";
  return because === undefined ? "skipped" : `skipped, ${because} ${how}`;
}

function took({ startedAt, endedAt }: CellView): string {
  return startedAt === undefined || endedAt === undefined ? "" : ` ${formatDuration(endedAt - startedAt)}`;
}

function at({ endedAt }: CellView): string {
  return endedAt === undefined ? "" : `, ${formatClock(endedAt)}`;
}

/** The first line of a message. */
export function firstLine(message: string | undefined): string | undefined {
  return message?.split(/\r?\n/, 1)[0];
}

/** Words for a run as a whole. */
export const RUN_WORDS: Record<RunView["label"], { glyph: string; word: string; tone: Tone }> = {
  delayed: { glyph: "◷", word: "begins later", tone: "queue" },
  queued: { glyph: "⋯", word: "queued", tone: "queue" },
  running: { glyph: "▶", word: "running", tone: "run" },
  retrying: { glyph: "↻", word: "retrying", tone: "run" },
  held: { glyph: "◌", word: "held", tone: "queue" },
  waiting: { glyph: "◷", word: "waiting", tone: "wait" },
  pausing: { glyph: "‖", word: "pausing", tone: "wait" },
  paused: { glyph: "‖", word: "paused", tone: "wait" },
  stopping: { glyph: "◼", word: "stopping", tone: "wait" },
  cancelling: { glyph: "◼", word: "cancelling", tone: "wait" },
  succeeded: { glyph: "✓", word: "done", tone: "good" },
  partial: { glyph: "⚠", word: "partly done", tone: "warn" },
  failed: { glyph: "✕", word: "failed", tone: "bad" },
  stopped: { glyph: "◼", word: "stopped", tone: "idle" },
  cancelled: { glyph: "■", word: "cancelled", tone: "idle" },
  expired: { glyph: "⌛", word: "out of time", tone: "bad" },
};

/** Whether a run with this label goes on. */
export function isActive(label: RunView["label"] | undefined): boolean {
  return label !== undefined &&
    ("delayed queued held running retrying waiting pausing paused stopping cancelling").split(" ").includes(
      label,
    );
}
