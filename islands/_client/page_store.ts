/**
 * What a page knows and shows, as signals. Owns: the run's view, one signal a cell, so that a token redraws one cell.
 * Never: the network (`live.ts`, `actions.ts`). Works on the server too, where islands draw their first picture.
 */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Json, JsonObject } from "../../engine/base/json.ts";
import type { WireGroup } from "../../engine/wire/frame.ts";
import type { Problem } from "../../engine/notebook/types.ts";
import type { CellView, RunView, Wait } from "../../engine/wire/view.ts";
import { emptyView, reduceAll } from "../../engine/wire/reduce.ts";
import { type Blockers, blockersOf } from "../../components/cell/blockers.ts";
import type { CellFacts, PageState, PastCell } from "../../components/cell/facts.ts";
import type { CellCommand } from "../../components/cell/commands.ts";
import { isActive } from "../../components/cell/status.ts";

/** How the page hears from the server. */
export type Connection = "connecting" | "live" | "reconnecting" | "offline";

/** What a page may ask of a run, or of one of its cells. */
export type Command =
  | "run"
  | "pause"
  | "resume"
  | "stop"
  | "cancel"
  | "restart"
  | `${Exclude<CellCommand, "supply">} ${string}`;

/** See the module comment. */
export class PageStore {
  readonly state: PageState;
  /** The run without regard to single cells: it changes when the run's own fields do. */
  readonly run: Signal<RunView | undefined>;
  readonly connection = signal<Connection>("connecting");
  /** The server's time, moved on while something is running. */
  readonly now: Signal<number>;
  readonly stale: Signal<Record<string, string>>;
  readonly problems: Signal<Problem[]>;
  /** Which errors stand in the way of which cells. */
  readonly blockers: ReadonlySignal<Blockers>;
  readonly values: Signal<Record<string, Json>>;
  readonly draft: Signal<JsonObject>;
  /** The version on disk, once it is not the page's. */
  readonly changedTo = signal<string | undefined>(undefined);
  /** What was asked and has not shown in the run yet; status itself only comes from the server. */
  readonly pending = signal<Command | undefined>(undefined);
  /** Why the last request was refused. */
  readonly refusal = signal<string | undefined>(undefined);
  /** Why the run is not moving. */
  readonly wait: Signal<Wait | undefined>;
  /** Moves on with each group that held an event. */
  readonly told = signal(0);
  /** Name of the cell that a frame came for last. */
  readonly latest = signal<string | undefined>(undefined);

  readonly #problems = computed(() => {
    const byCell = new Map<string, Problem[]>();
    for (const problem of this.problems.value) {
      const list = byCell.get(problem.cell ?? "");
      if (list === undefined) byCell.set(problem.cell ?? "", [problem]);
      else list.push(problem);
    }
    return byCell;
  });
  readonly #cells = new Map<string, Signal<CellView | undefined>>();
  readonly #facts: ReadonlyMap<string, CellFacts>;
  #past: Record<string, PastCell>;
  #view: RunView | undefined;

  constructor(state: PageState) {
    this.state = state;
    this.#view = state.view;
    this.#facts = new Map(state.cells.map((cell) => [cell.name, cell]));
    this.run = signal(state.view);
    this.wait = signal(state.wait);
    this.now = signal(state.now);
    this.stale = signal(state.stale);
    this.#past = { ...state.past };
    this.problems = signal(state.problems);
    this.blockers = computed(() => blockersOf(state.cells, this.problems.value));
    this.values = signal(state.values);
    this.draft = signal(state.draft);
  }

  /** The facts of a cell. */
  facts(name: string): CellFacts | undefined {
    return this.#facts.get(name);
  }

  /** Problems that concern a cell. */
  problemsOf(name: string): readonly Problem[] {
    return this.#problems.value.get(name) ?? [];
  }

  /** A cell in the newest run that touched it; `undefined` before it was in one. */
  cell(name: string): ReadonlySignal<CellView | undefined> {
    let cell = this.#cells.get(name);
    if (cell === undefined) this.#cells.set(name, cell = signal(this.#of(name)));
    return cell;
  }

  /** Whether the newest run has the cell. */
  touches(name: string): boolean {
    const cells = this.run.value === undefined ? undefined : this.#view?.cells;
    return cells !== undefined && Object.hasOwn(cells, name);
  }

  /** Whether a run goes on. */
  get active(): boolean {
    return isActive(this.run.value?.label);
  }

  /** What stands under a cell: its output in the newest run, or the last one until the newest run has come to it. */
  output(name: string): PastCell | undefined {
    const cell = this.cell(name).value;
    const past = Object.hasOwn(this.#past, name) ? this.#past[name] : undefined;
    const view = this.#view;
    if (cell === undefined || view === undefined || !Object.hasOwn(view.cells, name)) return past;
    const untouched = cell.attempt === 0 && cell.endedAt === undefined;
    return untouched && past !== undefined ? past : { run: view.run, version: view.version, cell };
  }

  /** The view as it is now, for whoever wants to go on from its cursor. */
  get view(): RunView | undefined {
    return this.#view;
  }

  /** Puts the last run behind and begins with another; with `again`, with the same one from its start. */
  begin(run: string, again = false): void {
    if (this.#view?.run === run && !again) return;
    if (this.#view !== undefined && !again) this.#past = { ...this.#past, ...pastOf(this.#view) };
    this.#view = { ...emptyView(run), notebook: this.state.notebook, createdAt: this.now.peek() };
    batch(() => {
      this.run.value = this.#view;
      this.pending.value = undefined;
      for (const [name, cell] of this.#cells) cell.value = this.#of(name);
    });
  }

  /** Takes groups of a run in; those of another run are not for this page. */
  apply(run: string, groups: readonly WireGroup[]): void {
    if (this.#view?.run !== run) return;
    const before = this.#view;
    const view = this.#view = reduceAll(before, groups);
    batch(() => {
      if (headOf(before) !== headOf(view)) {
        this.run.value = view;
        if (!isActive(view.label) || view.label === "stopping") this.pending.value = undefined;
      }
      for (const name of touched(groups)) {
        const cell = this.#cells.get(name);
        if (cell !== undefined) cell.value = this.#of(name);
      }
      if (groups.some(({ items }) => items.some(({ kind }) => kind === "event"))) this.told.value++;
      const last = groups.at(-1)?.items.at(-1);
      if (last?.kind === "frame") this.latest.value = last.frame.step;
    });
  }

  #of(name: string): CellView | undefined {
    const cells = this.#view?.cells;
    if (cells !== undefined && Object.hasOwn(cells, name)) return cells[name];
    return Object.hasOwn(this.#past, name) ? this.#past[name]!.cell : undefined;
  }
}

/** Cells of a run that say something, for when a later run does not touch them. */
function pastOf({ run, version, cells }: RunView): Record<string, PastCell> {
  const ended = Object.entries(cells).filter(([, cell]) =>
    cell.endedAt !== undefined && cell.label !== "skipped"
  );
  return Object.fromEntries(ended.map(([name, cell]) => [name, { run, version, cell }]));
}

function headOf(view: RunView): string {
  return `${view.label} ${view.startedAt} ${view.endedAt} ${view.createdAt}`;
}

/** Names of cells that groups may have changed; all, where the run's own start is among them. */
function touched(groups: readonly WireGroup[]): Set<string> {
  const names = new Set<string>();
  for (const { items } of groups) {
    for (const item of items) {
      if (item.kind === "frame") names.add(item.frame.step);
      else if (item.kind === "gap") names.add(item.gap.step);
      else if ("step" in item.event) names.add(item.event.step);
      else if (item.event.type === "run.queued") { for (const step of item.event.steps) names.add(step); }
    }
  }
  return names;
}

/** Gives islands their page. */
export const PageContext = createContext<PageStore | undefined>(undefined);

/** The page that an island is on. */
export function usePage(): PageStore {
  const page = useContext(PageContext);
  if (page === undefined) throw new Error("An island was drawn outside a page");
  return page;
}
