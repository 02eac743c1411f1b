/**
 * What a page knows of a run, folded from the wire's groups. Owns: the one function that changes a `RunView`.
 * Never: the clock, markup, the network. Browser-safe; the server folds with it for the first paint.
 *
 * V1 Total: any group of the closed unions gives a view; unknown steps appear, unknown types change nothing.
 * V2 A frame or event that comes again changes nothing; groups may be cut anywhere and sent again from any earlier one.
 * V3 No cell holds more than MAX_TEXT characters, MAX_LOGS lines or MAX_EARLIER past attempts.
 */
import type { Frame, Gap, WireEvent, WireGroup } from "./frame.ts";
import { itemOf } from "../run/words/item.ts";
import {
  type CellView,
  type EffectView,
  type LogLine,
  MAX_EARLIER,
  MAX_EFFECTS,
  MAX_LOGS,
  MAX_PAST_TEXT,
  MAX_TEXT,
  type RunView,
} from "./view.ts";

/** The view before anything is known. */
export function emptyView(run: string): RunView {
  return { run, notebook: "", version: "", label: "queued", createdAt: 0, cells: {}, cursor: "", eventAt: 0 };
}

/**
 * The view after `group`. The argument is not changed; cells that the group does not touch keep their identity.
 *
 * @example
 * ```ts
 * const group: Parameters<typeof reduce>[1] = {
 *   cursor: "c1",
 *   items: [{ kind: "frame", frame: { type: "text", text: "hi", step: "scout", attempt: 1, seq: 1, at: 5 } }],
 * };
 * const once = reduce(emptyView("run_1"), group);
 * const twice = reduce(once, group);
 * if (once.cells.scout?.text !== "hi" || twice.cells.scout?.text !== "hi") throw new Error("a frame counted twice");
 * ```
 */
export function reduce(view: RunView, group: WireGroup): RunView {
  return reduceAll(view, [group]);
}

/** The same as `reduce` for one group after the other, at the cost of one copy. */
export function reduceAll(view: RunView, groups: Iterable<WireGroup>): RunView {
  const draft = new Draft(view);
  for (const group of groups) {
    for (const item of group.items) {
      if (item.kind === "frame") applyFrame(draft, item.frame);
      else if (item.kind === "gap") applyGap(draft, item.gap);
      else if (item.kind === "event") applyEvent(draft, item.event);
    }
    draft.run.cursor = group.cursor;
  }
  return draft.finish();
}

/** Copies of what changes, made once each. */
class Draft {
  readonly run: RunView;
  readonly #touched = new Set<string>();
  readonly #ownLogs = new Set<string>();

  constructor(view: RunView) {
    this.run = { ...view, cells: { ...view.cells } };
  }

  /** The cell to write to; a new one waits. */
  cell(name: string): CellView {
    const { cells } = this.run;
    if (!this.#touched.has(name)) {
      this.#touched.add(name);
      const cell = Object.hasOwn(cells, name) ? { ...cells[name]! } : newCell();
      // Not an assignment: a step could be named like a setter of Object.prototype.
      Object.defineProperty(cells, name, {
        value: cell,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return cells[name]!;
  }

  log(name: string, line: LogLine): void {
    const cell = this.cell(name);
    if (!this.#ownLogs.has(name)) cell.logs = [...cell.logs];
    this.#ownLogs.add(name);
    cell.logs.push(line);
    if (cell.logs.length > 2 * MAX_LOGS) cell.logs.splice(0, cell.logs.length - MAX_LOGS);
  }

  /** A new attempt's log is an array of the draft's own. */
  begin(name: string, attempt: number): void {
    beginAttempt(this.cell(name), attempt);
    this.#ownLogs.add(name);
  }

  finish(): RunView {
    if (this.run.label === "pausing" || this.run.label === "paused") {
      const open = Object.values(this.run.cells).some(({ label }) => label === "running");
      this.run.label = open ? "pausing" : "paused";
    } else if (GOES_ON.has(this.run.label)) this.run.label = labelOf(Object.values(this.run.cells));
    for (const name of this.#touched) {
      const cell = this.run.cells[name]!;
      cutText(cell, MAX_TEXT);
      if (cell.logs.length > MAX_LOGS) cell.logs = cell.logs.slice(-MAX_LOGS);
      if (cell.reasoning.length > MAX_TEXT) cell.reasoning = lastOf(cell.reasoning, MAX_TEXT);
    }
    return this.run;
  }
}

/** Labels of a run that goes on: which of them it has follows from its cells, as in `runLabel` (EN-302). */
const GOES_ON: ReadonlySet<string> = new Set(["running", "retrying", "waiting", "held"]);

type GoesOn = "running" | "retrying" | "waiting" | "held";

function labelOf(cells: readonly CellView[]): GoesOn {
  const found = new Set<GoesOn>();
  for (const { label } of cells) {
    if (label === "running" || label === "queued") return "running";
    if (label === "retrying") found.add("retrying");
    else if (label === "suspended") found.add("waiting");
    else if (label === "held" || label === "in-doubt") found.add("held");
  }
  return (["retrying", "waiting", "held"] as const).find((label) => found.has(label)) ?? "running";
}

function newCell(): CellView {
  return {
    label: "waiting",
    attempt: 0,
    text: "",
    textCut: 0,
    reasoning: "",
    logs: [],
    earlier: [],
    frameSeq: 0,
    eventAt: 0,
  };
}

function applyFrame(draft: Draft, frame: Frame): void {
  const cell = draft.cell(frame.step);
  if (frame.attempt < cell.attempt) return;
  if (frame.attempt > cell.attempt) draft.begin(frame.step, frame.attempt);
  if (frame.seq <= cell.frameSeq) return;
  cell.frameSeq = frame.seq;
  switch (frame.type) {
    case "text":
      cell.text += frame.text;
      // Cut early only to bound memory: the last characters kept are the same whenever it is cut.
      if (cell.text.length > 4 * MAX_TEXT) cutText(cell, MAX_TEXT);
      break;
    case "reasoning":
      cell.reasoning += frame.text;
      if (cell.reasoning.length > 4 * MAX_TEXT) cell.reasoning = lastOf(cell.reasoning, MAX_TEXT);
      break;
    case "log":
      draft.log(frame.step, { at: frame.at, level: frame.level, text: frame.text });
      break;
    case "progress":
      cell.progress = { ...(frame.part === undefined ? {} : { part: frame.part }), text: frame.text };
      break;
  }
}

/** What a view has already is not taken back by a gap. */
function applyGap(draft: Draft, gap: Gap): void {
  const cell = draft.cell(gap.step);
  if (gap.attempt < cell.attempt || (gap.attempt === cell.attempt && (gap.to ?? gap.from) <= cell.frameSeq)) {
    return;
  }
  if (gap.attempt > cell.attempt) draft.begin(gap.step, gap.attempt);
  cell.trimmed = true;
  cell.frameSeq = gap.to ?? gap.from;
}

/** Where an event stands in its run: by its record and its number in it. A record has fewer than this many events. */
const EVENTS_A_RECORD = 65_536;
const placeOf = ({ seq, n }: WireEvent) => seq * EVENTS_A_RECORD + n + 1;

function applyEvent(draft: Draft, event: WireEvent): void {
  if ("step" in event) applyStep(draft, event);
  else applyRun(draft, event);
}

const RUN_EVENTS: ReadonlySet<string> = new Set(
  ("run.queued run.started run.adopted run.released run.paused run.resumed run.stopping run.cancelling run.expiring " +
    "run.reopened run.restored run.marked run.changed run.spent run.ended signal.received").split(" "),
);

function applyRun(draft: Draft, event: Exclude<WireEvent, { step: string }>): void {
  const { run } = draft;
  const place = placeOf(event);
  if (!RUN_EVENTS.has(event.type) || place <= run.eventAt) return;
  run.eventAt = place;
  run.label = event.label;
  switch (event.type) {
    case "run.queued":
      run.run = event.run;
      run.notebook = event.notebook;
      run.version = event.version;
      run.createdAt = event.at;
      for (const step of event.steps) draft.cell(step);
      break;
    case "run.started":
      run.startedAt ??= event.at;
      break;
    case "run.reopened":
    case "run.restored":
      delete run.endedAt;
      delete run.problem;
      break;
    case "run.spent":
      run.spend = { spent: event.spent, ...(event.limits === undefined ? {} : { limits: event.limits }) };
      break;
    case "run.ended":
      run.endedAt = event.at;
      if (event.problem !== undefined) run.problem = event.problem;
      break;
  }
}

function applyStep(draft: Draft, event: Extract<WireEvent, { step: string }>): void {
  const cell = draft.cell(event.step);
  const place = placeOf(event);
  if (place <= cell.eventAt) return;
  cell.eventAt = place;
  countItem(draft, event, cell.endedAt !== undefined && ENDED.has(cell.label));
  cell.label = event.label;
  if ("effect" in event) noteEffect(cell, event);
  else if (OF_CLOSING.has(event.type)) doubtIntended(cell);
  switch (event.type) {
    case "step.reopened":
      for (const key of OF_AN_END) delete cell[key];
      break;
    case "step.restored": {
      const { value, problem, reason, because, warnings, usage, display } = event;
      ended(cell, event.endedAt, { value, problem, skipped: reason, because, warnings, usage, display });
      break;
    }
    case "step.started":
      if (event.attempt > cell.attempt) draft.begin(event.step, event.attempt);
      cell.reason = event.reason;
      cell.startedAt = event.at;
      letGo(cell);
      break;
    case "map.opened":
      if (cell.items !== undefined) forgetItems(draft, event.step);
      cell.items = { count: event.count, ended: 0 };
      break;
    case "step.delayed":
      cell.due = event.due;
      break;
    case "step.suspended":
      cell.waits = {
        for: event.wait,
        waitpoint: event.waitpoint,
        ...event.about === undefined ? {} : { about: event.about },
      };
      if (event.due === undefined) delete cell.due;
      else cell.due = event.due;
      break;
    case "child.opened":
      cell.child = { run: event.child };
      break;
    case "child.ended":
      cell.child = { run: event.child, outcome: event.outcome };
      break;
    case "step.escalated":
      cell.due = event.due;
      break;
    case "step.resumed":
      delete cell.waits;
      if (event.due === undefined) delete cell.due;
      else cell.due = event.due;
      break;
    case "step.held":
      cell.held = event.wait;
      if (event.why === undefined) delete cell.heldWhy;
      else cell.heldWhy = event.why;
      if (event.due === undefined) delete cell.due;
      else cell.due = event.due;
      break;
    case "step.queued":
      letGo(cell);
      break;
    case "step.continued":
      letGo(cell);
      break;
    case "step.stopping":
      cell.stopping = event.as;
      break;
    case "step.retried":
      cell.endedAt = event.at;
      delete cell.waits;
      cell.due = event.due;
      if (event.problem === undefined) delete cell.problem;
      else cell.problem = event.problem;
      break;
    case "step.succeeded":
      ended(cell, event.at, { usage: event.usage, warnings: event.warnings, display: event.display });
      cell.value = event.value;
      delete cell.problem;
      break;
    case "step.reused":
      ended(cell, event.at, { reusedFrom: event.run });
      cell.value = event.value;
      break;
    case "step.supplied":
      ended(cell, event.at, {});
      cell.value = event.value;
      delete cell.problem;
      break;
    case "step.failed":
      ended(cell, event.at, { usage: event.usage });
      cell.problem = event.problem;
      break;
    case "step.skipped":
      ended(cell, event.at, { skipped: event.reason, because: event.because });
      break;
    case "step.cancelled":
      ended(cell, event.at, { skipped: event.reason, unsettled: event.unsettled });
      break;
  }
}

/** After these nobody will hear any more what came of what was under way. */
const OF_CLOSING: ReadonlySet<string> = new Set("step.retried step.cancelled step.held".split(" "));

function doubtIntended(cell: CellView): void {
  if (!cell.effects?.some(({ state }) => state === "intended")) return;
  cell.effects = cell.effects.map((effect) =>
    effect.state === "intended" ? { ...effect, state: "in-doubt" } : effect
  );
}

/** A note changes no state. */
function noteEffect(cell: CellView, event: Extract<WireEvent, { effect: string }>): void {
  const { effect: id, description = "", type } = event;
  const { effects = [] } = cell;
  const state = type.slice("effect.".length) as EffectView["state"];
  if (type === "effect.intended") {
    cell.effects = [...effects, { id, description, state }].slice(-MAX_EFFECTS);
  } else if (type !== "effect.noted") {
    cell.effects = effects.map((effect) => effect.id === id ? { ...effect, state } : effect);
  }
}

const ENDED: ReadonlySet<string> = new Set(
  "warned reused supplied succeeded failed skipped cancelled expired".split(" "),
);

/** A map that is opened again has other items, of which none has begun. */
function forgetItems(draft: Draft, map: string): void {
  for (const name of Object.keys(draft.run.cells)) {
    if (itemOf(name)?.cell !== map) continue;
    const item = draft.cell(name);
    item.label = "waiting";
    for (const key of OF_AN_END) delete item[key];
  }
}

/** Each item that ends, or is opened again, counts for its map. */
function countItem(draft: Draft, { step, label }: Extract<WireEvent, { step: string }>, was: boolean): void {
  const item = itemOf(step);
  if (item === undefined || was === ENDED.has(label)) return;
  const map = draft.cell(item.cell);
  if (map.items === undefined) return;
  const { count } = map.items;
  const ended = map.items.ended + (was ? -1 : 1);
  map.items = { count, ended };
  map.progress = { part: count === 0 ? 1 : ended / count, text: `${ended} of ${count} items` };
}

/** What a step came to, which holds no more when it runs again. */
const OF_AN_END = [
  "endedAt",
  "due",
  "held",
  "waits",
  "child",
  "heldWhy",
  "value",
  "display",
  "reusedFrom",
  "skipped",
  "because",
  "warnings",
  "usage",
  "unsettled",
  "stopping",
] as const;

/** It waits for nothing any more. */
function letGo(cell: CellView): void {
  delete cell.held;
  delete cell.heldWhy;
  delete cell.due;
}

function ended(cell: CellView, at: number, rest: Partial<CellView>): void {
  cell.endedAt = at;
  delete cell.waits;
  letGo(cell);
  delete cell.stopping;
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined) Object.assign(cell, { [key]: value });
  }
}

/** Clears what belongs to one attempt and folds the last one away, if there was one. */
function beginAttempt(cell: CellView, attempt: number): void {
  if (cell.attempt > 0) {
    const past = { attempt: cell.attempt, text: lastOf(cell.text, MAX_PAST_TEXT) };
    cell.earlier = [...cell.earlier, cell.problem === undefined ? past : { ...past, problem: cell.problem }]
      .slice(-MAX_EARLIER);
  }
  cell.attempt = attempt;
  cell.text = "";
  cell.textCut = 0;
  cell.reasoning = "";
  cell.logs = [];
  cell.frameSeq = 0;
  for (
    const key of [
      "progress",
      "problem",
      "endedAt",
      "usage",
      "warnings",
      "stopping",
      "unsettled",
      "trimmed",
    ] as const
  ) {
    delete cell[key];
  }
}

function cutText(cell: CellView, max: number): void {
  const kept = lastOf(cell.text, max);
  cell.textCut += cell.text.length - kept.length;
  cell.text = kept;
}

/** The last `max` code units, one fewer where that would begin inside a surrogate pair. */
function lastOf(text: string, max: number): string {
  if (text.length <= max) return text;
  const from = text.length - max;
  const first = text.charCodeAt(from);
  return text.slice(first >= 0xdc00 && first <= 0xdfff ? from + 1 : from);
}
