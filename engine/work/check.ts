/**
 * Everything that is wrong with a notebook's text, as far as can be told without running it. Owns: what is asked.
 *
 * SE-401 Starts no process, reads no file and opens no connection.
 */
import { systemClock } from "../base/clock.ts";
import { noLog } from "../base/log.ts";
import { inOrder } from "../notebook/problem.ts";
import type { Problem } from "../notebook/types.ts";
import { makePlan } from "../plan/plan.ts";
import { readDocument } from "./documents.ts";
import { createKindTools } from "./kind_tools.ts";

/**
 * The problems of a text, in order of place: of the document, of its data flow, and of running all of it here.
 *
 * @example
 * ```ts
 * const [problem] = checkText("~~~jsonata a\nb + 1\n~~~\n");
 * if (problem?.message !== "No cell or param is named 'b'" || problem.line !== 2) throw new Error("not found");
 * ```
 */
export function checkText(text: string): Problem[] {
  const { notebook, graph, version, problems } = readDocument(text);
  const workspace = { files: () => Promise.resolve([]) };
  const { kinds } = createKindTools({
    workspace,
    clock: systemClock,
    log: noLog,
    env: () => undefined,
    envNames: () => [],
  });
  const planned = makePlan({
    graph,
    notebook,
    version,
    params: {},
    problems,
    kinds: (name) => kinds.get(name),
  });
  return inOrder([...problems, ...planned.problems.filter((problem) => !problems.includes(problem))]);
}
