/**
 * What a cell has put out. Owns: the box around it: how high it is, following its end while it streams.
 * Never: the page's own scroll position.
 */
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { valueKey } from "../components/cell/facts.ts";
import { Output } from "../components/cell/Output.tsx";
import { loadValue } from "./_client/actions.ts";
import { usePage } from "./_client/page_store.ts";

/** How near the end counts as being there. */
const NEAR_PX = 24;

/** Draws the output of the cell `name`; nothing before it was in a run. */
export function CellOutput({ name }: { name: string }): JSX.Element | null {
  const page = usePage();
  const shown = page.output(name);
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [whole, setWhole] = useState(false);
  const [over, setOver] = useState(false);
  const running = shown?.cell.label === "running";

  useLayoutEffect(() => {
    const node = box.current;
    if (node === null) return;
    setOver(node.scrollHeight > node.clientHeight + 1 || whole);
    if (running && following.current) node.scrollTop = node.scrollHeight;
  });

  if (shown === undefined) return null;
  const { run, version, cell } = shown;
  const older = version !== "" && version !== page.state.version;
  return (
    <div class="output-frame">
      {older && cell.attempt > 0 && <p class="older">output of version {version.slice(0, 7)}</p>}
      <div
        ref={box}
        class={whole ? "output whole" : "output"}
        tabIndex={over && !whole ? 0 : undefined}
        role="group"
        aria-label={`Output of ${name}`}
        onScroll={({ currentTarget: node }) => {
          following.current = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_PX;
        }}
      >
        <Output
          cell={cell}
          name={name}
          run={run}
          value={page.values.value[valueKey(run, name)]}
          onLoad={() => void loadValue(page, name)}
        />
      </div>
      {over && (
        <button type="button" class="link show-all" onClick={() => setWhole(!whole)}>
          {whole ? "Show less" : "Show all"}
        </button>
      )}
    </div>
  );
}
