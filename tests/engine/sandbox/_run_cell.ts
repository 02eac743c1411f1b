/** Runs module text as a cell and keeps what it printed. */
import { systemClock } from "../../../engine/base/clock.ts";
import type { Json } from "../../../engine/base/json.ts";
import { type CellRequest, type CellResult, runCell } from "../../../engine/sandbox/cell_process.ts";
import type { FrameBody } from "../../../engine/wire/frame.ts";

/** See the module comment. */
export async function runModule(
  module: string,
  options: Partial<CellRequest> = {},
): Promise<{ result: CellResult; frames: FrameBody[]; lines: string[] }> {
  const frames: FrameBody[] = [];
  const result = await runCell({
    module,
    lineOffset: 0,
    inputs: {},
    signal: new AbortController().signal,
    emit: (frame) => frames.push(frame),
    clock: systemClock,
    ...options,
  });
  return {
    result,
    frames,
    lines: frames.map((frame) => frame.type === "log" ? `${frame.level} ${frame.text}` : ""),
  };
}

/** The value of a cell that must succeed. */
export async function valueOf(module: string, inputs: Record<string, Json> = {}): Promise<Json> {
  const { result } = await runModule(module, { inputs });
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

/** Why a cell that must fail did. */
export async function failureOf(
  module: string,
  options: Partial<CellRequest> = {},
): Promise<{ category: string; code?: string; message: string }> {
  const { result } = await runModule(module, options);
  if (result.ok) throw new Error(`It succeeded: ${JSON.stringify(result.value).slice(0, 200)}`);
  return result;
}
