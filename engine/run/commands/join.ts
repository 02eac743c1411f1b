/**
 * That a join settles. Owns: this decision, which the state calls for by itself (`next.ts`).
 */
import { leftOver } from "../fold/join.ts";
import { abortItems } from "./map.ts";
import { abort, type Handlers, happen, noStep, refuse, SAME } from "./decide.ts";

/** The handler. */
export const joinCommands: Handlers<"settleJoin"> = {
  settleJoin(run, { step: name }) {
    const step = run.steps.get(name);
    if (step === undefined) return noStep(run, name);
    if (run.phase === "ended" || step.join !== undefined) return SAME;
    if (!run.deciding.has(name)) return refuse("not_ready", `The join of ${name} is not decided`);
    const ends = [...leftOver(run, step)].filter(({ told }) => told === undefined);
    const running = ends.filter(({ attempt }) => attempt === "open").map(abort);
    return happen([{ type: "join.settled", step: name }], [
      ...running,
      ...ends.flatMap((other) => abortItems(run, other)),
    ]);
  },
};
