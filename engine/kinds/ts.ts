/**
 * The kind `ts`: a cell whose value is computed by TypeScript. Owns: what an attempt of it is.
 * Never: running code; that is `engine/sandbox/cell_process.ts`.
 */
import { parseCode } from "../expr/code.ts";
import { codeModule } from "../expr/code_module.ts";
import { runCell } from "../sandbox/cell_process.ts";
import { displayOf } from "./display.ts";
import { failed, type Kind } from "./kind.ts";

/** The kind. Each attempt runs in a process of its own, without permissions. */
export function tsKind(): Kind {
  return {
    name: "ts",
    title: "Code",
    description: "Computes a value with TypeScript, in a process without permissions",
    attempts: 1,
    async run({ cell, inputs, signal, emit, clock }) {
      const problem = parseCode(cell.source).problems[0];
      if (problem !== undefined) {
        const { message, line, column, code } = problem;
        return failed("code_error", `${message} (line ${line}, column ${column})`, code);
      }
      const { text, lineOffset, shift } = codeModule(cell.source, Object.keys(inputs));
      const result = await runCell({ module: text, lineOffset, shift, inputs, signal, emit, clock });
      if (signal.aborted) return { type: "cancelled" };
      if (!result.ok) return failed(result.category, result.message, result.code);
      return { type: "succeeded", value: result.value, ...displayOf(result.value, cell) };
    },
  };
}
