/** The status of a cell in its head, with what it can be told. Owns: what goes into it from the page's store. */
import type { JSX } from "preact";
import { type Status, statusOf } from "../components/cell/status.ts";
import { StatusChip } from "../components/cell/StatusChip.tsx";
import { CellMenu } from "./_client/cell_menu.tsx";
import { type PageStore, usePage } from "./_client/page_store.ts";

/** Draws the status of the cell `name`. */
export function CellStatus({ name }: { name: string }): JSX.Element {
  const page = usePage();
  const status = useStatus(page, name);
  const title = [status.word, status.detail].filter((part) => part !== undefined).join(": ");
  return (
    <>
      <StatusChip status={status} title={title} />
      <CellMenu page={page} name={name} />
    </>
  );
}

/** The status of a cell, read from signals: whoever calls this is drawn again when it changes. */
export function useStatus(page: PageStore, name: string): Status {
  const cell = page.cell(name).value;
  const facts = page.facts(name);
  const timed = cell?.label === "running" || cell?.label === "retrying" || cell?.label === "suspended";
  const waits = cell?.label === "waiting";
  if (waits) { for (const need of facts?.needs ?? []) page.cell(need).value; }
  return statusOf(cell, {
    now: timed ? page.now.value : 0,
    needs: facts?.needs ?? [],
    view: waits ? page.view : undefined,
    stale: page.stale.value[name],
    disabled: facts?.disabled,
    invalid: facts?.kind === "invalid",
    active: page.active,
  });
}
