import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { emptyView, reduce, reduceAll } from "../../../engine/wire/reduce.ts";
import type { FrameBody, WireEvent, WireGroup } from "../../../engine/wire/frame.ts";
import { type CellView, MAX_EARLIER, MAX_LOGS, MAX_TEXT, type RunView } from "../../../engine/wire/view.ts";

type Item = WireGroup["items"][number];
/** What `Omit` does, for each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Events of one record are told apart by the order in which the test makes them. */
let made = 0;
const event = (seq: number, body: Without<WireEvent, "seq" | "at" | "n" | "marker">): Item => ({
  kind: "event",
  event: { ...body, seq, n: made++, at: 1000 + seq } as WireEvent,
});
const frame = (seq: number, body: FrameBody, attempt = 1, step = "scout"): Item => ({
  kind: "frame",
  frame: { ...body, step, attempt, seq, at: 2000 + seq },
});
const text = (seq: number, piece: string, attempt = 1) => frame(seq, { type: "text", text: piece }, attempt);
const after = (...items: Item[]): RunView => reduce(emptyView("run_1"), { cursor: "c", items });

const queued = event(1, {
  type: "run.queued",
  run: "run_1",
  notebook: "demo",
  version: "v",
  author: "me",
  label: "queued",
  steps: ["scout", "strong"],
});
const started = (seq: number, attempt: number) =>
  event(seq, {
    type: "step.started",
    step: "scout",
    label: "running",
    attempt,
    reason: attempt > 1 ? "retry" : "first",
  });
const problem = { category: "network", message: "Connection refused" } as const;
const succeeded = event(9, {
  type: "step.succeeded",
  step: "scout",
  label: "succeeded",
  attempt: 2,
  value: { inline: "b" },
  usage: { outputTokens: 3 },
});

/** A run with a retry, as the wire tells it. */
const STORY: Item[] = [
  queued,
  event(2, { type: "run.started", label: "running" }),
  event(2, { type: "step.queued", step: "scout", label: "queued" }),
  started(2, 1),
  text(1, "hel"),
  text(2, "lo"),
  frame(3, { type: "log", level: "info", text: "a line" }),
  event(4, { type: "step.retried", step: "scout", label: "retrying", attempt: 1, due: 5000, problem }),
  event(5, { type: "step.queued", step: "scout", label: "queued" }),
  started(5, 2),
  frame(1, { type: "reasoning", text: "hm" }, 2),
  text(2, "by", 2),
  frame(3, { type: "progress", part: 0.5, text: "half" }, 2),
  text(4, "e", 2),
  succeeded,
  event(9, {
    type: "step.skipped",
    step: "strong",
    label: "skipped",
    reason: "upstream_failed",
    because: "scout",
  }),
  event(9, { type: "run.ended", label: "partial" }),
];

const CELLS: { name: string; items: Item[]; expect: Partial<CellView> }[] = [
  { name: "a cell of the run waits", items: [queued], expect: { label: "waiting", attempt: 0 } },
  {
    name: "text pieces join",
    items: [queued, started(2, 1), text(1, "hel"), text(2, "lo")],
    expect: { text: "hello", label: "running", frameSeq: 2, startedAt: 1002, reason: "first" },
  },
  {
    name: "a frame that comes again is ignored",
    items: [text(1, "a"), text(2, "b"), text(1, "a"), text(2, "b")],
    expect: { text: "ab" },
  },
  {
    name: "an event that comes again does not take the cell back",
    items: [started(5, 2), succeeded, started(5, 2), text(9, "late", 1)],
    expect: {
      label: "succeeded",
      text: "",
      value: { inline: "b" },
      endedAt: 1009,
      usage: { outputTokens: 3 },
    },
  },
  {
    name: "ST-253 a new attempt folds the last one away with its problem",
    items: STORY.slice(0, 10),
    expect: { text: "", logs: [], attempt: 2, earlier: [{ attempt: 1, text: "hello", problem }] },
  },
  {
    name: "a retry says when",
    items: STORY.slice(0, 8),
    expect: { label: "retrying", due: 5000, problem, text: "hello", earlier: [] },
  },
  {
    name: "a lost worker leaves no problem",
    items: [
      started(2, 1),
      event(3, { type: "step.retried", step: "scout", label: "queued", attempt: 1, due: 1 }),
      started(3, 2),
    ],
    expect: { earlier: [{ attempt: 1, text: "" }], label: "running" },
  },
  {
    name: "a reused value names its run",
    items: [event(2, {
      type: "step.reused",
      step: "scout",
      label: "reused",
      value: { inline: 1 },
      run: "run_0",
    })],
    expect: { label: "reused", value: { inline: 1 }, reusedFrom: "run_0" },
  },
];

for (const { name, items, expect } of CELLS) {
  Deno.test(`V1 reduce: ${name}`, () => {
    const cell = after(...items).cells.scout!;
    const seen = Object.fromEntries(Object.keys(expect).map((key) => [key, cell[key as keyof CellView]]));
    assertEquals(seen, expect);
  });
}

Deno.test("V1 reduce: the whole story", () => {
  const view = after(...STORY);
  assertEquals(
    {
      run: view.run,
      notebook: view.notebook,
      label: view.label,
      createdAt: view.createdAt,
      startedAt: view.startedAt,
    },
    { run: "run_1", notebook: "demo", label: "partial", createdAt: 1001, startedAt: 1002 },
  );
  assertEquals(Object.keys(view.cells), ["scout", "strong"]);
  assertEquals(view.cells.strong?.because, "scout");
  assertEquals(view.cells.scout?.text, "bye");
});

Deno.test("V1 reduce changes neither its argument nor cells that a group does not name", () => {
  const before = after(...STORY.slice(0, 6));
  const copy = structuredClone(before);
  const next = reduce(before, {
    cursor: "d",
    items: [text(3, "!"), frame(4, { type: "log", level: "info", text: "x" })],
  });
  assertEquals(before, copy);
  assertEquals(next.cells.strong === before.cells.strong, true);
  assertEquals(next.cells.scout === before.cells.scout, false);
});

Deno.test("V1 names of Object.prototype are cells like others", () => {
  const view = reduce(emptyView("r"), {
    cursor: "",
    items: ["constructor", "__proto__"].map((step) => frame(1, { type: "text", text: step }, 1, step)),
  });
  assertEquals(Object.entries(view.cells).map(([name, cell]) => [name, cell.text]), [
    ["constructor", "constructor"],
    ["__proto__", "__proto__"],
  ]);
  assertEquals(Object.getPrototypeOf(view.cells), Object.prototype);
});

Deno.test("V2 any cut and any repetition from an earlier place gives the same view", () => {
  const whole = after(...STORY);
  const cuts = fc.array(fc.record({ back: fc.nat(6), size: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 20,
  });
  fc.assert(fc.property(cuts, fc.nat(STORY.length), (steps, late) => {
    const groups: WireGroup[] = [];
    let at = 0;
    for (const { back, size } of steps) {
      const from = Math.max(0, at - back);
      groups.push({ cursor: "x", items: STORY.slice(from, from + size) });
      at = Math.max(at, Math.min(from + size, STORY.length));
    }
    groups.push({ cursor: "x", items: STORY.slice(at) });
    // What was known stays so, whatever comes again last.
    groups.push({ cursor: "c", items: STORY.slice(late, late + 3) });
    assertEquals(groups.reduce(reduce, emptyView("run_1")), whole);
    assertEquals(reduceAll(emptyView("run_1"), groups), whole);
  }));
});

Deno.test("V2 a gap says that output is not kept, takes back nothing that was seen, and is over with the next attempt", () => {
  const gap = (from: number, to?: number, attempt = 1): Item => ({
    kind: "gap",
    gap: { step: "scout", attempt, from, ...to === undefined ? {} : { to } },
  });
  const table: [string, Item[], Partial<CellView>][] = [
    ["nothing was seen", [started(2, 1), gap(1, 3)], { trimmed: true, text: "", attempt: 1 }],
    ["nobody counted", [started(2, 1), gap(1)], { trimmed: true, attempt: 1 }],
    ["without its start", [gap(1, 3)], { trimmed: true, attempt: 1 }],
    ["all was seen", [started(2, 1), text(1, "a"), text(2, "b"), gap(1, 2)], {
      trimmed: undefined,
      text: "ab",
    }],
    ["some was seen", [started(2, 1), text(1, "a"), gap(2, 3)], { trimmed: true, text: "a" }],
    ["what it covers comes late", [started(2, 1), gap(1, 2), text(2, "b"), text(3, "c")], { text: "c" }],
    ["the next attempt", [started(2, 1), gap(1, 3), started(5, 2)], { trimmed: undefined, attempt: 2 }],
    ["an earlier attempt", [started(5, 2), gap(1, 3)], { trimmed: undefined, attempt: 2 }],
  ];
  for (const [name, items, expected] of table) {
    for (const again of [items, [...items, ...items]]) {
      const cell = after(...again).cells.scout!;
      for (const [key, value] of Object.entries(expected)) {
        assertEquals(cell[key as keyof CellView], value, `${name}: ${key}`);
      }
    }
  }
});

Deno.test("V3 text keeps its last MAX_TEXT characters, whole ones, however it was cut", () => {
  const pieces = Array.from({ length: 700 }, (_, i) => text(i + 1, "𝛼x".repeat(300) + i));
  const all = pieces.map((item) => item.kind === "frame" && item.frame.type === "text" ? item.frame.text : "")
    .join("");
  const one = reduce(emptyView("r"), { cursor: "", items: pieces });
  const many = pieces.reduce((view, item) => reduce(view, { cursor: "", items: [item] }), emptyView("r"));
  const cell = one.cells.scout!;
  assertEquals(cell.text === all.slice(cell.textCut), true);
  assertEquals(cell.text.length <= MAX_TEXT && cell.text.length >= MAX_TEXT - 1, true);
  assertEquals(cell.text.isWellFormed(), true);
  assertEquals(many, one);
  const inside = after(text(1, `${"𝛼".repeat(MAX_TEXT)}x`)).cells.scout!;
  assertEquals([inside.text.isWellFormed(), inside.text.length], [true, MAX_TEXT - 1]);
});

Deno.test("V3 logs and earlier attempts have a limit", () => {
  const logs = Array.from(
    { length: 2500 },
    (_, i) => frame(i + 1, { type: "log", level: "info", text: `${i}` }),
  );
  const cell = after(...logs).cells.scout!;
  assertEquals([cell.logs.length, cell.logs.at(-1)?.text], [MAX_LOGS, "2499"]);
  const attempts = Array.from({ length: 60 }, (_, i) => started(i + 1, i + 1));
  assertEquals(after(...attempts).cells.scout?.earlier.length, MAX_EARLIER);
});

Deno.test("reducing 20,000 groups of a run with 10,000 cells stays linear", () => {
  const steps = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
  const groups: WireGroup[] = [{
    cursor: "0",
    items: [event(1, {
      type: "run.queued",
      run: "r",
      notebook: "n",
      version: "v",
      author: "a",
      label: "queued",
      steps,
    })],
  }];
  for (let i = 0; i < 20_000; i++) {
    groups.push({
      cursor: `${i}`,
      items: [frame(Math.floor(i / 10_000) + 1, { type: "text", text: "t" }, 1, `c${i % 10_000}`)],
    });
  }
  const begin = performance.now();
  const view = reduceAll(emptyView("r"), groups);
  assertEquals(view.cells.c9999?.text, "tt");
  assertEquals(performance.now() - begin < 2000, true);
});

Deno.test("EN-302 the label of a run that goes on follows from its cells", () => {
  const retried = event(4, {
    type: "step.retried",
    step: "scout",
    label: "retrying",
    attempt: 1,
    due: 9_000,
    problem,
  });
  const delayed = event(4, {
    type: "step.delayed",
    step: "scout",
    label: "suspended",
    attempt: 1,
    due: 9_000,
  });
  const begun = [queued, event(2, { type: "run.started", label: "running" }), started(3, 1)];
  const other = event(5, { type: "step.queued", step: "strong", label: "queued" });
  const paused = event(6, { type: "run.paused", label: "paused" });
  for (
    const [items, label] of [
      [begun, "running"],
      [[...begun, retried], "retrying"],
      [[...begun, delayed], "waiting"],
      [[...begun, retried, other], "running"],
      [[...begun, retried, paused], "paused"],
      [[queued], "queued"],
    ] as const
  ) assertEquals(after(...items).label, label);
});
