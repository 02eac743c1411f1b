/** Attempts at cells written as a notebook would write them. */
import { systemClock } from "../../../engine/base/clock.ts";
import type { Json, JsonObject } from "../../../engine/base/json.ts";
import type { Attempt } from "../../../engine/kinds/kind.ts";
import type { Cell, CellKind, Param } from "../../../engine/notebook/types.ts";
import type { FrameBody } from "../../../engine/wire/frame.ts";

/** An attempt, and the frames that it emits. */
export function attemptAt(
  kind: CellKind,
  { header = {}, source = "", inputs = {}, params = [], signal }: {
    header?: JsonObject;
    source?: string;
    inputs?: Record<string, Json>;
    params?: string[];
    signal?: AbortSignal;
  },
): { attempt: Attempt; frames: FrameBody[] } {
  const frames: FrameBody[] = [];
  const cell: Cell = {
    type: "cell",
    kind,
    name: "it",
    flags: [],
    header,
    headerText: "",
    source,
    raw: "",
    line: 1,
    headerLine: 2,
    sourceLine: 2,
    indent: 0,
  };
  const declared = params.map((name): Param => ({
    name,
    type: "json",
    required: true,
    place: { line: 1, column: 1 },
  }));
  const attempt: Attempt = {
    cell,
    frontMatter: { data: {}, raw: "", params: declared },
    inputs,
    run: "run_1",
    attempt: 1,
    key: "run_1/it",
    startedAt: 0,
    signal: signal ?? new AbortController().signal,
    emit: (frame) => frames.push(frame),
    spend: { reserve: () => Promise.resolve({ ok: true }) },
    children: {
      start: () => Promise.reject(new Error("no runs here")),
      result: () => Promise.resolve(undefined),
    },
    effects: { perform: () => Promise.reject(new Error("It acts on the outside world")) },
    clock: systemClock,
  };
  return { attempt, frames };
}
