/**
 * One attempt of a `ts` cell in a process of its own. Owns: the limits of a cell process and the reading of its frames.
 * Never: how a cell's source becomes a module; that is `engine/expr`.
 *
 * X4 Everything that a cell process says is parsed strictly and bounded; past a limit it is killed.
 * X5 The first value or error counts and ends the process; what comes after it is not read.
 */
import type { Clock } from "../base/clock.ts";
import { type Json, parseJson } from "../base/json.ts";
import type { FailureCategory } from "../plan/types.ts";
import type { FrameBody } from "../wire/frame.ts";
import { newSecret } from "../access/secret.ts";
import { cellFault, describeDeath, type Thrown } from "./cell_fault.ts";
import { type Child, launch } from "./launch.ts";
import { type LogWriter, logWriter } from "./log_writer.ts";
import { readLines, readTail } from "./read_lines.ts";

/** Limits of one attempt. */
export interface CellLimits {
  heapMb: number;
  memoryMb: number;
  /** Characters of everything printed. */
  outputLength: number;
  lineBytes: number;
  /** Bytes of the value's JSON. */
  valueBytes: number;
  cpuSeconds: number;
}

/** The limits that hold when none are given. */
export const CELL_LIMITS: CellLimits = {
  heapMb: 256,
  memoryMb: 1000,
  outputLength: 10 * 1024 * 1024,
  lineBytes: 1024 * 1024,
  valueBytes: 16 * 1024 * 1024,
  cpuSeconds: 600,
};

/** What to run. */
export interface CellRequest {
  /** Module text whose default export is the value, or a function from inputs to it. */
  module: string;
  /** Lines of `module` before the cell's first line; error places are told without them. */
  lineOffset: number;
  /** A line of `module` before whose cell text stand `columns` characters of ours. */
  shift?: { line: number; columns: number };
  /** Values by name. */
  inputs: Readonly<Record<string, Json>>;
  /** Kills the process. */
  signal: AbortSignal;
  /** Takes what the cell prints, in order. */
  emit: (frame: FrameBody) => void;
  clock: Clock;
  /** Longest run in ms; absent: until `signal` aborts. */
  timeoutMs?: number;
  limits?: Partial<CellLimits>;
}

/** How it went. After an abort it is a failure with code `aborted`. */
export type CellResult =
  | { ok: true; value: Json }
  | { ok: false; category: FailureCategory; code?: string; message: string };

type Final =
  | { type: "value"; text: string; nothing: boolean }
  | { type: "fault"; thrown: Thrown }
  | { type: "limit"; code: string; message: string };

/**
 * Runs a cell's module once, in a fresh process without permissions. Never throws for what the cell does, and
 * resolves only when the process is gone.
 *
 * @example
 * ```ts
 * import { systemClock } from "../base/clock.ts";
 * const result = await runCell({
 *   module: "export default (inputs) => inputs.n + 1",
 *   lineOffset: 0,
 *   inputs: { n: 1 },
 *   signal: new AbortController().signal,
 *   emit: () => {},
 *   clock: systemClock,
 * });
 * if (!result.ok || result.value !== 2) throw new Error("wrong value");
 * ```
 */
export async function runCell(request: CellRequest): Promise<CellResult> {
  const { signal, clock, timeoutMs } = request;
  const limits = { ...CELL_LIMITS, ...request.limits };
  if (signal.aborted) return aborted();
  const child = await launch({ program: new URL("./programs/child_cell.ts", import.meta.url), ...limits });
  const token = newSecret();
  let timedOut = false;
  const over = new AbortController();
  signal.addEventListener("abort", child.kill, { once: true });
  if (signal.aborted) child.kill();
  if (timeoutMs !== undefined) {
    clock.sleep(timeoutMs, over.signal).then(() => {
      if (over.signal.aborted) return;
      timedOut = true;
      child.kill();
    });
  }
  try {
    let flooded = false;
    const told = readTail(child.stderr, 64 * 1024, (total) => {
      if (total <= limits.outputLength) return;
      flooded = true;
      child.kill();
    });
    ask(child, { token, module: toBase64(request.module), inputs: request.inputs });
    const log = logWriter(request.emit, clock);
    const final = await readFinal(child, token, limits, log);
    log.flush();
    child.kill();
    const [stderr, status] = await Promise.all([told, child.ended]);
    if (signal.aborted) return aborted();
    if (timedOut) {
      return {
        ok: false,
        category: "timeout",
        code: "cell_timeout",
        message: `The cell took over ${timeoutMs} ms`,
      };
    }
    return toResult(flooded ? printedTooMuch(limits) : final, stderr, status, request);
  } finally {
    over.abort();
    signal.removeEventListener("abort", child.kill);
  }
}

/** The child may die before it has read everything; how it ended says more than the broken pipe. */
async function ask(child: Child, message: unknown): Promise<void> {
  try {
    await new Blob([JSON.stringify(message)]).stream().pipeTo(child.stdin);
  } catch { /* see above */ }
}

async function readFinal(
  child: Child,
  token: string,
  limits: CellLimits,
  log: LogWriter,
): Promise<Final | undefined> {
  const mark = `\x01${token}`;
  const pieces: string[] = [];
  let valueBytes = 0;
  let printed = 0;
  for await (const { lines, overflow } of readLines(child.stdout, limits.lineBytes)) {
    for (const line of lines) {
      const frame = line.startsWith(mark) ? parseFrame(line.slice(mark.length)) : undefined;
      if (frame?.type === "done") return { type: "value", text: pieces.join(""), nothing: frame.nothing };
      if (frame?.type === "too_large") return tooLarge(limits);
      if (frame?.type === "error" || frame?.type === "not_json") return { type: "fault", thrown: frame };
      if (frame?.type === "piece") {
        valueBytes += new TextEncoder().encode(frame.text).length;
        if (valueBytes > limits.valueBytes) return tooLarge(limits);
        pieces.push(frame.text);
        continue;
      }
      if (frame?.type === "log") log.write(frame.level, frame.text);
      else if (line !== "") log.write("info", line);
      printed += line.length + 1;
      if (printed > limits.outputLength) {
        return printedTooMuch(limits);
      }
    }
    if (overflow) return limit("output_limit", `The cell printed a line over ${limits.lineBytes} bytes`);
  }
  return undefined;
}

const limit = (code: string, message: string): Final => ({ type: "limit", code, message });

function printedTooMuch({ outputLength }: CellLimits): Final {
  return limit("output_limit", `The cell printed more than ${outputLength} characters`);
}

function tooLarge({ valueBytes }: CellLimits): Final {
  return limit("value_too_large", `The value is over ${valueBytes} bytes of JSON: return a part of it`);
}

type ChildFrame =
  | Thrown
  | { type: "piece"; text: string }
  | { type: "done"; nothing: boolean }
  | { type: "too_large" }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; text: string };

/** `undefined` for what no honest child sends. */
function parseFrame(text: string): ChildFrame | undefined {
  const parsed = parseJson(text, { maxDepth: 1 });
  if (
    !parsed.ok || typeof parsed.value !== "object" || parsed.value === null || Array.isArray(parsed.value)
  ) return;
  const { type, level, text: words, message, name, stack, nothing } = parsed.value;
  if (type === "done") return { type, nothing: nothing === true };
  if (type === "too_large") return { type };
  if (type === "piece" && typeof words === "string") return { type, text: words };
  if (type === "not_json" && typeof message === "string") return { type, message };
  if (
    type === "error" && typeof message === "string" && typeof name === "string" && typeof stack === "string"
  ) {
    return { type, name, message, stack };
  }
  const known = level === "debug" || level === "info" || level === "warn" || level === "error";
  if (type === "log" && known && typeof words === "string") return { type, level, text: words };
}

function toResult(
  final: Final | undefined,
  stderr: string,
  status: Deno.CommandStatus,
  { lineOffset, shift, limits, emit }: CellRequest,
): CellResult {
  if (final === undefined) {
    const heapMb = limits?.heapMb ?? CELL_LIMITS.heapMb;
    return { ok: false, category: "code_error", ...describeDeath(stderr, status, heapMb) };
  }
  if (final.type === "limit") {
    return { ok: false, category: "code_error", code: final.code, message: final.message };
  }
  for (const line of stderr.split("\n")) {
    if (line !== "") emit({ type: "log", level: "error", text: line.slice(0, 4096) });
  }
  if (final.type === "fault") {
    return { ok: false, category: "code_error", ...cellFault(final.thrown, { lineOffset, shift }) };
  }
  const parsed = parseJson(final.text);
  if (!parsed.ok) {
    return {
      ok: false,
      category: "code_error",
      code: "value_not_json",
      message: `The value is not JSON: ${parsed.reason}`,
    };
  }
  if (final.nothing) {
    emit({ type: "log", level: "info", text: "The cell returned nothing, so its value is null" });
  }
  return { ok: true, value: parsed.value };
}

function aborted(): CellResult {
  return { ok: false, category: "unknown", code: "aborted", message: "The cell was stopped" };
}

function toBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}
