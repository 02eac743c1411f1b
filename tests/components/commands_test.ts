import { assertEquals } from "@std/assert";
import { cellActions, unsuccessful } from "../../components/cell/commands.ts";
import { emptyView } from "../../engine/wire/reduce.ts";
import type { CellView, RunView } from "../../engine/wire/view.ts";

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

const CASES: [CellView | undefined, RunView["label"] | undefined, string][] = [
  [undefined, "running", ""],
  [cell({ label: "running" }), undefined, ""],
  [cell({ label: "running" }), "running", "cancel skip"],
  [cell({ label: "running" }), "stopping", "cancel skip"],
  [cell({ label: "running", stopping: "cancelled" }), "running", ""],
  [cell({ label: "running" }), "cancelling", ""],
  [cell({ label: "queued" }), "paused", "skip supply"],
  [cell({ label: "waiting" }), "stopping", ""],
  [cell({ label: "retrying" }), "retrying", "retry skip supply"],
  [cell({ label: "suspended" }), "waiting", "skip supply"],
  [cell({ label: "failed" }), "running", "retry"],
  [cell({ label: "succeeded" }), "running", "retry"],
  [cell({ label: "failed" }), "failed", "retry"],
  [cell({ label: "succeeded" }), "failed", ""],
  [cell({ label: "skipped", skipped: "upstream_failed" }), "failed", ""],
  [cell({ label: "skipped", skipped: "upstream_failed" }), "running", ""],
  [cell({ label: "skipped", skipped: "run_stopped" }), "stopped", "retry"],
];

for (const [view, run, told] of CASES) {
  const what = view === undefined ? "no cell" : `${view.label} ${view.stopping ?? view.skipped ?? ""}`;
  Deno.test(`ST-204 EN-605 ${what.trim()} in ${run ?? "no run"} takes: ${told || "nothing"}`, () => {
    assertEquals(cellActions(view, run).map(({ command }) => command).join(" "), told);
  });
}

Deno.test("EN-606 a restart runs again what did not succeed", () => {
  const labels = {
    a: "succeeded",
    b: "failed",
    c: "skipped",
    d: "reused",
    e: "cancelled",
    f: "expired",
  } as const;
  const cells = Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, cell({ label })]));
  assertEquals(unsuccessful({ ...emptyView("r"), cells }), ["b", "c", "e", "f"]);
  assertEquals(unsuccessful(undefined), []);
});
