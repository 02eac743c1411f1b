/** Left of a cell: the button that runs or cancels it, and its place in run order. Owns: when the button can be used. */
import type { JSX } from "preact";
import { Icon } from "../components/Icon.tsx";
import { blockedBecause } from "../components/cell/blockers.ts";
import { isActive } from "../components/cell/status.ts";
import { startRun, tellCell } from "./_client/actions.ts";
import { type PageStore, usePage } from "./_client/page_store.ts";

/** Draws the gutter of the cell `name`. */
export function CellGutter({ name }: { name: string }): JSX.Element {
  const page = usePage();
  const cell = page.cell(name).value;
  const run = page.run.value;
  const active = isActive(run?.label);
  const stops = active && cell?.label === "running";
  const why = !stops ? whyNot(page, name) : cell.stopping === undefined ? undefined : "It was told to stop";
  const label = stops ? `Cancel ${name}` : `Run ${name}`;
  const act = () => {
    if (why !== undefined) page.refusal.value = why;
    else if (stops) void tellCell(page, name, "cancel");
    else void startRun(page, [name]);
  };
  return (
    <>
      <button
        type="button"
        class={`cell-button ${stops ? "stops" : "runs"}`}
        aria-label={why === undefined ? label : `${label}: ${why}`}
        aria-disabled={why === undefined ? undefined : "true"}
        title={why ?? label}
        onClick={act}
      >
        <Icon name={stops ? "stop" : "run"} />
      </button>
      <span class="order" title="Place in run order">{mark(cell?.label, page.facts(name)?.place)}</span>
    </>
  );
}

function mark(label: string | undefined, place: number | undefined): string {
  if (label === "running") return "[*]";
  const ran = label !== undefined && !["waiting", "queued", "skipped"].includes(label);
  return ran && place !== undefined ? `[${place}]` : "[ ]";
}

/** Why a cell cannot be run now, as a sentence. */
function whyNot(page: PageStore, name: string): string | undefined {
  const label = page.run.value?.label;
  if (label === "pausing" || label === "paused") return "The run is paused; resume or stop it first";
  if (page.active) return "A run is going on; stop it first or wait";
  const { leftOut, disabled } = page.facts(name) ?? {};
  if (leftOut) return disabled ? "The cell is disabled" : "It needs the value of a cell that is disabled";
  return blockedBecause(page.blockers.value.byCell.get(name), name);
}
