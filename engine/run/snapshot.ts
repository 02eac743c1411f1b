/**
 * A run's state as JSON and back (EN-109). Owns: what a snapshot holds and that it is legal. Pure.
 *
 * S1 `fromSnapshot(takeSnapshot(run))` and the journal after it give the state that the whole journal gives.
 * S2 An illegal vector does not decode.
 *
 * Only steps that have left their first state are written; the lists of ready and waiting steps stand beside them,
 * because their order is part of the state.
 */
import { EngineError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Plan } from "../plan/types.ts";
import { newRun } from "./fold.ts";
import { isDecided, pendingOf } from "./fold/join.ts";
import { addItems, isUntouchedItem } from "./fold/map.ts";
import { illegal, type Run, type Step } from "./state.ts";

/** Fields of a run that are its plan's or follow from it. */
const DERIVED_RUN = new Set([
  "id",
  "plan",
  "steps",
  "successors",
  "ready",
  "open",
  "away",
  "routed",
  "waiting",
  "parked",
  "deciding",
  "short",
  "left",
]);

/** The state of a run. */
export interface Snapshot {
  run: JsonObject;
  /** Steps by name. */
  steps: Record<string, JsonObject>;
  ready: string[];
  open: string[];
  waiting: string[];
  parked: string[];
}

/** Takes a snapshot, which stays as it is while the run goes on. */
export function takeSnapshot(run: Run): Snapshot {
  const steps: Record<string, JsonObject> = {};
  for (const [name, step] of run.steps) {
    const { plan, joined, map, spent, ...state } = step;
    const untouched = plan.item === undefined ? isUntouched(run, step) : isUntouchedItem(run, step);
    if (untouched) continue;
    const own = { joined: joined && [...joined], map: map && present(map), spent: spent && { ...spent } };
    steps[name] = present({ ...state, ...own });
  }
  const state = Object.fromEntries(Object.entries(run).filter(([key]) => !DERIVED_RUN.has(key)));
  return {
    run: present({ ...state, spent: { ...run.spent } }),
    steps,
    ready: [...run.ready],
    open: [...run.open],
    waiting: [...run.waiting],
    parked: [...run.parked],
  };
}

/**
 * The run of a snapshot whose shape has been checked.
 *
 * @throws {EngineError} `store_corrupt` if it is not of this plan, or its state is impossible
 */
export function fromSnapshot(id: string, plan: Plan, snapshot: Snapshot): Run {
  const run = newRun(id, plan);
  Object.assign(run, snapshot.run);
  for (const step of run.steps.values()) step.since = run.createdAt;
  for (const name of run.maps) {
    const step = run.steps.get(name);
    if (step === undefined) throw corrupt(id, `it has a map that the plan lacks: ${name}`);
    Object.assign(step, snapshot.steps[name] as unknown as Partial<Step>);
    addItems(run, step);
  }
  for (const [name, state] of Object.entries(snapshot.steps)) {
    const step = run.steps.get(name);
    if (step === undefined) throw corrupt(id, `it has a step that the plan lacks: ${name}`);
    Object.assign(step, state satisfies JsonObject as unknown as Partial<Step>);
  }
  for (const list of ["ready", "open", "waiting", "parked"] as const) {
    for (const name of snapshot[list]) run[list].add(name);
  }
  for (const [name, step] of run.steps) {
    if (step.away !== undefined) run.away.add(name);
    if (step.phase === "ended") run.left--;
    else if (step.phase === "idle" && isDecided(step)) run.deciding.add(name);
    else if (step.wait === "budget" && step.want !== undefined && step.due === undefined) run.short.add(name);
  }
  const wrong = illegal(run);
  if (wrong !== undefined) throw corrupt(id, wrong);
  return run;
}

/** Whether a step is as `run.queued` left it. */
function isUntouched(run: Run, step: Step): boolean {
  const { phase, attempts, pending, plan, since, joined, against, limits, former } = step;
  return phase === "idle" && attempts === 0 && pending === pendingOf(plan) && since === run.createdAt &&
    joined === undefined && against === undefined && former === undefined &&
    limits === plan.limits;
}

function corrupt(id: string, why: string): EngineError {
  return new EngineError("store_corrupt", `The snapshot of ${id} cannot be used, because ${why}`);
}

function present(fields: object): JsonObject {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Record<string, Json>;
}
