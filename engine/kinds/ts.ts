/**
 * The kind `ts`: a cell whose value is computed by TypeScript. Owns: what an attempt of it is.
 * Never: running code; that is `engine/sandbox/cell_process.ts`.
 */
import { parseCode } from "../expr/code.ts";
import { codeModule } from "../expr/code_module.ts";
import { type CellLimits, runCell } from "../sandbox/cell_process.ts";
import { stepPolicies } from "../notebook/policy.ts";
import { displayOf } from "./display.ts";
import { failed, type Kind } from "./kind.ts";

/**
 * Processor time for an attempt that may take so long: its time and a tenth, for threads beside the cell's own. The
 * engine ends an attempt that is late, so this is what ends a looping cell whose engine is gone.
 */
function cpuLimit(timeoutMs: number): Partial<CellLimits> {
  return timeoutMs === 0 ? {} : { cpuSeconds: Math.ceil(timeoutMs / 1000 * 1.1) + 5 };
}

/** The kind. Each attempt runs in a process of its own, without permissions. */
export function tsKind(): Kind {
  return {
    name: "ts",
    title: "Code",
    description: "Computes a value with TypeScript, in a process without permissions",
    attempts: 1,
    async run({ cell, frontMatter, inputs, signal, emit, clock }) {
      const problem = parseCode(cell.source).problems[0];
      if (problem !== undefined) {
        const { message, line, column, code } = problem;
        return failed("code_error", `${message} (line ${line}, column ${column})`, code);
      }
      const { text, lineOffset, shift } = codeModule(cell.source, Object.keys(inputs));
      const limits = cpuLimit(stepPolicies(cell, frontMatter, 1).timeoutMs);
      const result = await runCell({ module: text, lineOffset, shift, inputs, signal, emit, clock, limits });
      if (signal.aborted) return { type: "cancelled" };
      if (!result.ok) return failed(result.category, result.message, result.code);
      return { type: "succeeded", value: result.value, ...displayOf(result.value, cell) };
    },
  };
}
