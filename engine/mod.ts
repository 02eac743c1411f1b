/**
 * What `routes/`, `cli/` and `main.ts` may use of the engine. Owns: the list.
 */
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type Planned,
  type RunDetails,
  type RunSummary,
} from "./work/engine.ts";
export { type Budget, budgetSchema } from "./work/spend/shared/budget.ts";
export type { Budgets, BudgetState, LedgerLine } from "./work/spend/shared/budgets.ts";
export { type Quota, quotaSchema } from "./work/quota/quota.ts";
export type { Quotas, QuotaState } from "./work/quota/quotas.ts";
export type { ScopeUsage } from "./work/control/inspect.ts";
export type { Instruction, TellOptions, Told } from "./work/control/tell.ts";
export type { RunState, StepState } from "./work/control/explain.ts";
export { EFFECT_STATES, type EffectState } from "./run/effects/types.ts";
export { type Resolution, RESOLUTIONS } from "./run/command.ts";
export type { EffectAnswer, EffectFilter, EffectLog, EffectPage } from "./work/effects/effects.ts";
export type { Effect, EffectEntry } from "./work/effects/entry.ts";
export type { CompensationResult } from "./work/effects/way.ts";
export type { Approval, Decision, WaitpointFilter, Waits } from "./work/waits/waits.ts";
export { type ForkRequest, MISMATCHES } from "./work/fork/fork.ts";
export type { Checkpoint } from "./run/state.ts";
export type { Differences } from "./plan/differences.ts";
export type { WaitpointRecord } from "./work/waits/record.ts";
export type { SignalResult } from "./run/waits/types.ts";
export type { CommandAnswer } from "./work/records.ts";
export type { Wait } from "./run/words/wait.ts";
export { LANE_STATES, type LaneRules, LEAST_WEIGHT, MOST_WEIGHT } from "./work/lanes/lane.ts";
export type { LaneChange, Lanes, LaneState } from "./work/lanes/lanes.ts";
export type { Explanation, WorkerLack } from "./work/workers/explain_run.ts";
export type { LeaseState, Workers, WorkerState } from "./work/workers/workers.ts";
export { checkText } from "./work/check.ts";
export { type Document, readDocument } from "./work/documents.ts";
export { createKindTools, type KindTools } from "./work/kind_tools.ts";
export type { RunRequest } from "./work/submit.ts";
export { observed } from "./store/observed.ts";
export { openStore } from "./store/open.ts";
export { renderChart } from "./sandbox/chart.ts";
