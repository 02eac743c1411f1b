/**
 * What `routes/`, `cli/` and `main.ts` may use of the engine. Owns: the list.
 */
import type { Json, JsonObject } from "./base/json.ts";
import type { RunLabel } from "./run/state.ts";
import type { WireGroup } from "./wire/frame.ts";
import type { RunView } from "./wire/view.ts";
import type { Problem } from "./notebook/types.ts";
import type { Plan } from "./plan/types.ts";

/** A request to run a notebook. */
export interface RunRequest {
  /** Id of the notebook in the workspace, or any name for a text from elsewhere. */
  notebook: string;
  /** The notebook's text; the run keeps it. */
  text: string;
  /** Values by param; the rest get their defaults. */
  params?: JsonObject;
  /** Only these cells and what they need, whose last values are taken where they are fresh. Absent: all cells. */
  cells?: string[];
  /** Who asks; shown with the run. */
  author: string;
}

/** A run in a list. */
export interface RunSummary {
  id: string;
  notebook: string;
  version: string;
  label: RunLabel;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
}

/** The engine as the front doors see it. Methods throw `EngineError` with the codes named. */
export interface Engine {
  /** What a run would do and what is wrong, without starting anything. */
  plan(request: Omit<RunRequest, "author">): Promise<{ plan?: Plan; problems: Problem[] }>;
  /** Starts a run. `notebook_invalid`, `cycle_found`, `kind_unknown`, `param_missing`, `param_invalid`. */
  submit(request: RunRequest): Promise<{ run: string }>;
  /** Lets open attempts end, starts no more, then ends the run as `stopped`. `run_not_found`, `run_ended`. */
  stop(run: string, by: string): Promise<void>;
  /** Aborts open attempts and ends the run as `cancelled`. `run_not_found`, `run_ended`. */
  cancel(run: string, by: string): Promise<void>;
  /** Everything that happened to a run so far, reduced, with the cursor to go on from. `run_not_found`. */
  view(run: string): Promise<RunView>;
  /** Runs of a notebook, newest first. */
  runs(filter: { notebook?: string; limit?: number }): Promise<RunSummary[]>;
  /**
   * What happened and happens to a run, from `after` (the beginning without it) to its end, without gap or repeat.
   * Ends after the group with `end`, or when `signal` aborts. `run_not_found`, `cursor_invalid`.
   */
  follow(run: string, options: { after?: string; signal: AbortSignal }): AsyncIterable<WireGroup>;
  /** The value of a cell in a run, whole. `run_not_found`, `step_not_found`, `value_not_ready`. */
  value(run: string, cell: string): Promise<Json>;
  /** The text that a run was made from. `run_not_found`. */
  textOf(run: string): Promise<string>;
  /** Calls back with each run that this process submits or takes up; returns the function that ends it. */
  onRun(listener: (run: RunSummary) => void): () => void;
  /** Stops claiming, lets attempts end within `drainMs`, aborts the rest, closes the store. */
  close(drainMs?: number): Promise<void>;
}
