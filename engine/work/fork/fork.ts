/**
 * A run that goes on from another one (EN-1405, EN-1406). Owns: what it takes over from its source, and whether another
 * version may. Never: changing the source; it is only read.
 */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import { EngineError } from "../../base/errors.ts";
import { isObject, type JsonObject } from "../../base/json.ts";
import { type Differences, differences, differencesInWords } from "../../plan/differences.ts";
import type { History, PastValue } from "../../plan/types.ts";
import { checkpointsOf, findCheckpoint } from "../../run/checkpoint/checkpoint.ts";
import { doubtText, isUnsettled } from "../../run/effects/types.ts";
import { foldRecord, newRun } from "../../run/fold.ts";
import type { Checkpoint, Run } from "../../run/state.ts";
import type { Origin, RunHead } from "../commit/live_run.ts";
import type { Documents } from "../documents.ts";
import type { Journals } from "../journal.ts";

/** What becomes of a text that is not the source's: its text is kept, cells are taken over if unchanged or by name, none. */
export const MISMATCHES = ["same", "compatible", "latest", "refuse"] as const;

/** A request for a run that goes on from another. */
export interface ForkRequest {
  /** The source. */
  run: string;
  /** Where it goes on; absent: where the source is now. */
  checkpoint?: string;
  /** Values of params that are to be others; all else is as the source had it, with the files it had read. */
  params?: JsonObject;
  /** Another text; absent: the source's. */
  text?: string;
  /** Default `refuse`. */
  onMismatch?: typeof MISMATCHES[number];
  author: string;
  /** Names this request, as that of a run. */
  key?: string;
}

/** What a run takes over. */
export interface Base {
  origin: Origin;
  goesOn: "unchanged" | "named";
  history: History;
  /** Params as the source had them, files read. */
  params: JsonObject;
}

/** What forking reads from. */
export interface ForkPorts {
  artifacts: Artifacts;
  documents: Documents;
  journals: Journals;
  /** Throws `run_not_found`. */
  headOf(run: string): Promise<RunHead>;
}

/**
 * The text of a fork, and what it takes over.
 *
 * @throws {EngineError} `run_not_found`, `checkpoint_not_found`, `effect_in_doubt`, and `version_mismatch` with the differences
 */
export async function baseOf(
  ports: ForkPorts,
  request: ForkRequest,
): Promise<{ notebook: string; text: string; base: Base; differences: Differences }> {
  const head = await ports.headOf(request.run);
  const kept = await ports.artifacts.getText(head.version);
  const { onMismatch = "refuse" } = request;
  const text = request.text === undefined || onMismatch === "same" ? kept : request.text;
  const found = differences(ports.documents.read(kept).notebook, ports.documents.read(text).notebook);
  if (text !== kept && onMismatch === "refuse") {
    const words = differencesInWords(found);
    throw new EngineError(
      "version_mismatch",
      `The text is not that of run ${head.id}: ${words}. Say onMismatch compatible, latest or same`,
      { problems: [found] },
    );
  }
  const { run, checkpoint } = await stateAt(ports, head, request.checkpoint);
  const params = run.params === undefined ? {} : await ports.artifacts.get(run.params);
  return {
    notebook: head.notebook,
    text,
    differences: found,
    base: {
      origin: {
        run: head.id,
        seq: run.seq,
        ...(checkpoint === undefined ? {} : { checkpoint: checkpoint.id }),
      },
      goesOn: text !== kept && onMismatch === "latest" ? "named" : "unchanged",
      history: historyOf(run),
      params: isObject(params) ? params : {},
    },
  };
}

/** The source as it is, or as it was at a checkpoint: its journal up to there. */
async function stateAt(
  { journals }: ForkPorts,
  head: RunHead,
  id: string | undefined,
): Promise<{ run: Run; checkpoint?: Checkpoint }> {
  const now = await journals.load(head);
  refuseDoubt(now);
  if (id === undefined) return { run: now };
  const checkpoint = findCheckpoint(now, id);
  if (checkpoint === undefined) {
    const known = checkpointsOf(now).slice(-5).map((one) => one.id);
    const hint = known.length === 0 ? "" : `; the last ones are ${known.join(", ")}`;
    throw new EngineError("checkpoint_not_found", `Checkpoint not found: ${id.slice(0, 80)}${hint}`);
  }
  const run = newRun(head.id, await journals.plan(head));
  for await (const record of journals.records(head.id, 0)) {
    if (record.seq > checkpoint.seq) break;
    foldRecord(run, record);
  }
  return { run, checkpoint };
}

/** E2 Whoever goes on would do again what may have happened, under another key. */
function refuseDoubt({ id, steps }: Run): void {
  for (const { effects = [] } of steps.values()) {
    const effect = effects.find(isUnsettled);
    if (effect === undefined) continue;
    const { description = effect.id } = effect;
    const way = `say that first: weft effects resolve ${effect.id}`;
    throw new EngineError("effect_in_doubt", `${doubtText(description)} in run ${id}; ${way}`);
  }
}

/** Values that steps of a run have come to. */
function historyOf(run: Run): History {
  const found: [string, PastValue][] = [];
  for (const { cell, fingerprint, reuse } of run.plan.steps) {
    const { outcome, value, endedAt = 0, substitute } = run.steps.get(cell)!;
    if (outcome !== "succeeded" || value === undefined) continue;
    const from = reuse?.run ?? run.id;
    found.push([cell, { run: from, fingerprint, value, at: endedAt, ...(substitute ? { substitute } : {}) }]);
  }
  return Object.fromEntries(found);
}
