/**
 * Commands that name a point of a run, and that take it back to one (EN-1401, EN-1402). Owns: these decisions.
 */
import { checkpointsOf, findCheckpoint, MAX_CHECKPOINTS } from "../checkpoint/checkpoint.ts";
import { type Handlers, happen, refuse } from "./decide.ts";

/** The handlers. */
export const checkpointCommands: Handlers<"markCheckpoint" | "restoreRun"> = {
  markCheckpoint(run, { type: _, ...said }) {
    const named = run.checkpoints?.length ?? 0;
    if (named >= MAX_CHECKPOINTS) {
      return refuse("checkpoint_limit", `Run ${run.id} has ${named} named checkpoints, which is the most`);
    }
    return happen([{ type: "run.marked", checkpoint: `cp_${named + 1}`, reason: "manual", ...said }]);
  },

  restoreRun(run, { type: _, checkpoint: id, ...told }) {
    if (run.phase !== "ended" && run.intent !== "pause") {
      return refuse("run_busy", `Run ${run.id} has not ended; pause it first`);
    }
    if (run.open.size > 0) {
      return refuse("run_busy", `Run ${run.id} has open attempts; restore it when they have ended`);
    }
    const checkpoint = findCheckpoint(run, id);
    if (checkpoint === undefined) {
      const known = checkpointsOf(run).slice(-5).map((one) => one.id);
      const hint = known.length === 0 ? "" : `; the last ones are ${known.join(", ")}`;
      return refuse("checkpoint_not_found", `Checkpoint not found: ${id.slice(0, 80)}${hint}`);
    }
    return happen([{ type: "run.restored", checkpoint: id, seq: checkpoint.seq, ...told }]);
  },
};
