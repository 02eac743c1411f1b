/**
 * What `routes/`, `cli/` and `main.ts` may use of the engine. Owns: the list.
 */
export { createEngine, type Engine, type EngineOptions, type RunSummary } from "./work/engine.ts";
export type { RunRequest } from "./work/submit.ts";
