/**
 * What can be told to one cell of the page's run, as a menu. Owns: when it is there; its place is kept while it is not,
 * so that nothing moves. What fits a cell's state is `components/cell/commands.ts`.
 */
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useComputed } from "@preact/signals";
import { Icon } from "../../components/Icon.tsx";
import { cellActions, type CellCommand } from "../../components/cell/commands.ts";
import { tellCell } from "./actions.ts";
import type { PageStore } from "./page_store.ts";
import { Popover } from "./popover.tsx";
import { ValueDialog } from "./value_dialog.tsx";

/** Draws the menu of the cell `name`. */
export function CellMenu({ page, name }: { page: PageStore; name: string }): JSX.Element {
  const actions = useComputed(() => {
    const cell = page.touches(name) ? page.cell(name).value : undefined;
    return cellActions(cell, page.run.value?.label);
  }).value;
  const own = useRef<HTMLSpanElement>(null);
  const [giving, setGiving] = useState(false);
  const there = actions.length > 0;
  useLayoutEffect(() => {
    // Whoever was on it when there was nothing left to say is on the cell's own button then.
    if (there || !own.current?.contains(document.activeElement)) return;
    document.querySelector<HTMLElement>(`#${CSS.escape(name)} .cell-button`)?.focus();
  }, [there]);
  const choose = (command: CellCommand, close: () => void) => {
    close();
    if (command === "supply") setGiving(true);
    else void tellCell(page, name, command);
  };
  return (
    <span ref={own} class={there ? "cell-menu" : "cell-menu unseen"}>
      <Popover
        class="menu-button"
        label={`What ${name} can be told`}
        title="Cancel, skip, retry, give a value"
        role="menu"
        panel={(close) =>
          actions.map(({ command, word, hint }) => (
            <button
              key={command}
              type="button"
              role="menuitem"
              class="menu-item"
              onClick={() => choose(command, close)}
            >
              <span class="menu-word">{word}</span>
              <span class="menu-hint">{hint}</span>
            </button>
          ))}
      >
        <Icon name="more" />
      </Popover>
      {giving && <ValueDialog page={page} name={name} onClose={() => setGiving(false)} />}
    </span>
  );
}
