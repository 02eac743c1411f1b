/**
 * That a join settles. Owns: this decision, which the state calls for by itself (`next.ts`).
 */
import { leftOver } from "../fold/join.ts";
import { abort, type Handlers, happen, noStep, refuse, SAME } from "./decide.ts";

/** The handler. */
export const joinCommands: Handlers<"settleJoin"> = {
  settleJoin(run, { step: name }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (run.phase === "ended" || step.join !== undefined) return SAME;
    if (!run.deciding.has(name)) return refuse("not_ready", `The join of ${name} is not decided`);
    const running = [...leftOver(run, step)].filter(({ attempt, told }) =>
      attempt === "open" && told === undefined
    );
    return happen([{ type: "join.settled", step: name }], running.map(abort));
  },
};
