import { assertEquals } from "@std/assert";
import { columnsOf } from "../../components/cell/JsonValue.tsx";
import { decorate } from "../../components/cell/highlight.ts";
import { statusOf } from "../../components/cell/status.ts";
import type { CellView } from "../../engine/wire/view.ts";

const at = new Date(2026, 0, 2, 14, 3).getTime();
const cell = (more: Partial<CellView>): CellView => ({
  label: "waiting",
  attempt: 1,
  text: "",
  textCut: 0,
  reasoning: "",
  logs: [],
  earlier: [],
  frameSeq: 0,
  eventAt: 0,
  ...more,
});
const took = { startedAt: at - 4200, endedAt: at };
const view = (cells: Record<string, CellView>) => ({
  run: "r",
  notebook: "n",
  version: "v",
  label: "running" as const,
  createdAt: 0,
  cells,
  cursor: "",
  eventAt: 0,
});

const CASES: [id: string, cell: CellView | undefined, context: object, shown: string][] = [
  ["ST-221", undefined, {}, "○ not run"],
  ["ST-222", cell({}), {
    needs: ["a", "b"],
    view: view({ a: cell({ label: "running" }), b: cell({ label: "succeeded" }) }),
  }, "◔ waiting for a"],
  ["ST-223", cell({ label: "queued" }), {}, "⋯ queued"],
  ["ST-225", cell({ label: "running", startedAt: at }), { now: at + 12_340 }, "▶ running 12.3 s"],
  ["ST-225", cell({ label: "running", startedAt: at, progress: { part: 0.5, text: "half" } }), {
    now: at + 61_000,
  }, "▶ running 1:01, 50 %"],
  ["ST-226", cell({ label: "retrying", due: at + 8000 }), { now: at }, "↻ attempt 2 in 8.0 s"],
  ["ST-229", cell({ label: "succeeded", ...took }), {}, "✓ done 4.2 s, 14:03"],
  ["ST-229", cell({ label: "reused", endedAt: at }), {}, "⟲ reused, 14:03"],
  [
    "ST-230",
    cell({ label: "warned", ...took, warnings: [{ type: "cost", severity: "low", message: "m" }] }),
    {},
    "⚠ done with a warning 4.2 s",
  ],
  ["ST-231", cell({ label: "succeeded", ...took }), { stale: "code edited" }, "◐ stale"],
  [
    "ST-231 not during a run",
    cell({ label: "succeeded", ...took }),
    { stale: "code edited", active: true },
    "✓ done 4.2 s, 14:03",
  ],
  [
    "ST-231 only with a value",
    cell({ label: "failed", ...took }),
    { stale: "code edited" },
    "✕ failed 4.2 s",
  ],
  [
    "ST-232",
    cell({ label: "skipped", skipped: "upstream_failed", because: "scout" }),
    {},
    "↷ skipped, scout failed",
  ],
  ["ST-232", undefined, { disabled: true }, "⊘ disabled"],
  ["ST-234", cell({ label: "cancelled", ...took }), {}, "■ cancelled 4.2 s"],
  ["ST-506", cell({ label: "running", stopping: "skipped", startedAt: at }), {}, "◼ skipping"],
  ["EN-604", cell({ label: "cancelled", unsettled: true, ...took }), {}, "■ cancelled, did not stop"],
  ["ST-236", undefined, { invalid: true }, "! not a usable cell"],
];

for (const [id, view, context, shown] of CASES) {
  Deno.test(`${id} ${shown}`, () => {
    const { glyph, word } = statusOf(view, { now: 0, needs: [], ...context });
    assertEquals(`${glyph} ${word}`, shown);
  });
}

Deno.test("a list of flat objects is a table, anything else is not", () => {
  assertEquals(columnsOf([{ a: 1 }, { b: null }]), ["a", "b"]);
  for (const value of [[], [1], [{ a: [1] }], [{}], { a: 1 }, "x", [{ a: 1 }, 2]]) {
    assertEquals(columnsOf(value), undefined);
  }
});

Deno.test("decorate keeps every character", () => {
  const text = 'const a = "x{{ y }}"; // z\n/* open\n`t${';
  for (const kind of ["ts", "jsonata", "yaml", "agent"]) {
    assertEquals(decorate(kind, text).map((piece) => piece.text).join(""), text);
  }
  const hostile = '"'.repeat(50_000) + "/*".repeat(20_000) + "{{".repeat(5_000);
  const begin = performance.now();
  for (const kind of ["ts", "yaml", "agent"]) decorate(kind, hostile);
  assertEquals(performance.now() - begin < 2000, true);
});
