/**
 * A notebook as a page and as a graph. Owns: the order of things on it. What changes while it is open is an island.
 */
import type { JSX } from "preact";
import { type Block, type Cell, cellsOf } from "../../engine/notebook/types.ts";
import type { CellFacts, PageState } from "../../components/cell/facts.ts";
import { Source } from "../../components/cell/Source.tsx";
import { Icon } from "../../components/Icon.tsx";
import { Markdown } from "../../components/markdown/Markdown.tsx";
import { CellGutter } from "../../islands/CellGutter.tsx";
import { CellOutput } from "../../islands/CellOutput.tsx";
import { CellStatus } from "../../islands/CellStatus.tsx";
import { Notices } from "../../islands/Notices.tsx";
import { ParamsForm } from "../../islands/ParamsForm.tsx";
import { RunBar } from "../../islands/RunBar.tsx";
import { type Theme, ThemeToggle } from "../../islands/ThemeToggle.tsx";
import type { Document } from "../document.ts";
import { GraphTable } from "./graph_table.tsx";
import { Island } from "./island.tsx";
import { Bar, SkipLink } from "./shell.tsx";

/** Props of the views of a notebook. */
export interface NotebookProps {
  document: Document;
  state: PageState;
  theme: Theme;
}

/** The page: prose and cells in page order. */
export function NotebookPage({ document, state, theme }: NotebookProps): JSX.Element {
  const { blocks } = document.notebook;
  const facts = new Map(state.cells.map((cell) => [cell.name, cell]));
  return (
    <>
      <NotebookBar state={state} theme={theme} view="page" />
      <main id="weft-main" class="page">
        <Island name="Notices" of={Notices} props={{}} />
        {state.params.length > 0 && <Island name="ParamsForm" of={ParamsForm} props={{}} />}
        {cellsOf(document.notebook).length === 0 && <EmptyNotebook prose={blocks.length > 0} />}
        {blocks.map((block) => (
          block.type === "prose"
            ? <Prose key={block.id} block={block} />
            : <CellView key={block.line} cell={block} facts={facts.get(block.name)!} />
        ))}
      </main>
    </>
  );
}

/** The graph, over the whole window, with its twin as tables below. */
export function GraphPage({ state, theme }: NotebookProps): JSX.Element {
  return (
    <>
      <NotebookBar state={state} theme={theme} view="graph" />
      <main id="weft-main" class="canvas">
        <Island name="Notices" of={Notices} props={{}} />
        {state.cells.length === 0
          ? <EmptyNotebook prose={false} />
          : <Island name="GraphView" props={{}} class="graph-place" />}
        <GraphTable state={state} />
      </main>
    </>
  );
}

function NotebookBar(
  { state, theme, view }: { state: PageState; theme: Theme; view: "page" | "graph" },
): JSX.Element {
  const path = `/n/${state.notebook.split("/").map(encodeURIComponent).join("/")}`;
  return (
    <>
      <SkipLink />
      <Bar title={state.title}>
        <nav class="views" aria-label="Views">
          {(["page", "graph"] as const).map((name) => (
            <a key={name} href={`${path}?view=${name}`} aria-current={view === name ? "page" : undefined}>
              <Icon name={name} />
              <span>{name === "page" ? "Page" : "Graph"}</span>
            </a>
          ))}
        </nav>
        <Island name="RunBar" of={RunBar} props={{}} class="run-bar" />
        <Island name="ThemeToggle" of={ThemeToggle} props={{ theme }} />
      </Bar>
      <noscript>
        <p class="notice">Scripts are off: this is the last run as it stood. Reload for news.</p>
      </noscript>
    </>
  );
}

function Prose({ block }: { block: Extract<Block, { type: "prose" }> }): JSX.Element | null {
  return block.raw.trim() === "" ? null : (
    <section class="prose">
      <Markdown text={block.raw} />
    </section>
  );
}

function CellView({ cell, facts }: { cell: Cell; facts: CellFacts }): JSX.Element {
  const invalid = cell.kind === "invalid";
  return (
    <section
      class={`cell kind-${cell.kind}`}
      id={cell.name}
      aria-label={`${cell.name}, ${facts.role ?? cell.kind}`}
    >
      <div class="gutter">
        {invalid
          ? <span class="order">[!]</span>
          : <Island name="CellGutter" of={CellGutter} props={{ name: cell.name }} />}
      </div>
      <div class="cell-body">
        <header class="cell-head">
          <span class="kind" title={facts.role ?? cell.kind}>
            <Icon name={facts.role ?? cell.kind} />
          </span>
          <h2>{cell.name}</h2>
          <span class="role">{facts.role ?? cell.kind}</span>
          <Badges facts={facts} />
          <Island name="CellStatus" of={CellStatus} props={{ name: cell.name }} class="cell-status" />
        </header>
        {invalid
          ? (
            <pre class="source-text" tabIndex={0} role="region" aria-label={`Text of ${cell.name}`}>
              <code>{cell.raw}</code>
            </pre>
          )
          : <Source name={cell.name} kind={cell.kind} header={cell.headerText} source={cell.source} />}
        <Island name="CellOutput" of={CellOutput} props={{ name: cell.name }} />
        <span class="cell-end" />
      </div>
    </section>
  );
}

function Badges({ facts }: { facts: CellFacts }): JSX.Element {
  return (
    <span class="badges">
      {facts.model !== undefined && <span class="badge" title="Model">{facts.model}</span>}
      {facts.temperature !== undefined && (
        <span class="badge" title="Temperature">T: {facts.temperature}</span>
      )}
      {facts.disabled && <span class="badge">disabled</span>}
    </span>
  );
}

const FIRST_CELL = "```agent scout\nrole: researcher\n---\nList the claims made in the text below.\n```";

function EmptyNotebook({ prose }: { prose: boolean }): JSX.Element {
  return (
    <section class="empty">
      <h2>{prose ? "No cell yet" : "This notebook is empty"}</h2>
      <p>A cell is a fenced block whose first line names its kind and itself. Put one into the file:</p>
      <pre tabIndex={0}><code>{FIRST_CELL}</code></pre>
    </section>
  );
}
