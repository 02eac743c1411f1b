/**
 * What a cell has put out. Owns: the box around it: how high it is, following its end while it streams.
 * Never: the page's own scroll position.
 */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { valueKey } from "../components/cell/facts.ts";
import { Output } from "../components/cell/Output.tsx";
import type { Problem } from "../engine/notebook/types.ts";
import { loadValue } from "./_client/actions.ts";
import { DoubtForms } from "./_client/asked/doubt.tsx";
import { usePage } from "./_client/page_store.ts";
import { Waiting } from "./_client/asked/waiting.tsx";

/** How near the end counts as being there. */
const NEAR_PX = 24;

/** Values up to this size are fetched unasked, as the server puts them into the page unasked. */
const FETCH_BYTES = 65_536;

/** Draws the problems and the output of the cell `name`; nothing before it was in a run. */
export function CellOutput({ name }: { name: string }): JSX.Element | null {
  const page = usePage();
  const shown = page.output(name);
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [whole, setWhole] = useState(false);
  const [over, setOver] = useState(false);
  const running = shown?.cell.label === "running";
  const open = running || shown?.cell.label === "retrying";
  const height = useRef(0);
  const value = shown?.cell.value;
  const missing = shown !== undefined && value !== undefined && !("inline" in value) &&
    value.bytes <= FETCH_BYTES && shown.cell.display?.as !== "chart" &&
    page.values.value[valueKey(shown.run, name)] === undefined;

  useLayoutEffect(() => {
    const node = box.current;
    if (node === null) return;
    if (!open) height.current = node.offsetHeight;
    setOver(node.scrollHeight > node.clientHeight + 1 || whole);
    if (running && following.current) node.scrollTop = node.scrollHeight;
  });

  useEffect(() => {
    if (missing) void loadValue(page, name);
  }, [missing, shown?.run]);

  const problems = page.problemsOf(name);
  const list = problems.length === 0 ? null : <CellProblems problems={problems} />;
  if (shown === undefined) return list;
  const { run, version, cell } = shown;
  const older = version !== "" && version !== page.state.version;
  // What ran before was as high as this; nothing below jumps while the new output comes.
  const held = open && height.current > 0 && !whole ? { minHeight: `${height.current}px` } : undefined;
  return (
    <>
      {list}
      <div class={held === undefined ? "output-frame" : "output-frame held"}>
        {older && cell.attempt > 0 && <p class="older">output of version {version.slice(0, 7)}</p>}
        <div
          ref={box}
          class={whole ? "output whole" : "output"}
          style={held}
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
        {cell.label === "suspended" && cell.waits !== undefined && run === page.run.value?.run && (
          <Waiting name={name} run={run} waits={cell.waits} due={cell.due} />
        )}
        {cell.label === "in-doubt" && <DoubtForms name={name} run={run} state={cell.effects} />}
        {over && (
          <button type="button" class="link show-all" onClick={() => setWhole(!whole)}>
            {whole ? "Show less" : "Show all"}
          </button>
        )}
      </div>
    </>
  );
}

/** ST-108: what is wrong with the cell, where, and what would be right. */
function CellProblems({ problems }: { problems: readonly Problem[] }): JSX.Element {
  return (
    <ul class="cell-problems">
      {problems.slice(0, 20).map((problem, i) => (
        <li key={i} class={`note ${problem.severity === "error" ? "bad" : "warn"}`}>
          <span class="place">{problem.line}:{problem.column}</span> {problem.message}
          {problem.expected !== undefined && <span class="suggestion">Expected: {problem.expected}</span>}
        </li>
      ))}
    </ul>
  );
}
