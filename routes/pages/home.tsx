/** The list of notebooks. Owns: nothing but this view. */
import type { JSX } from "preact";
import { count, formatClock } from "../../components/cell/format.ts";
import { RUN_WORDS } from "../../components/cell/status.ts";
import { StatusChip } from "../../components/cell/StatusChip.tsx";
import { Icon } from "../../components/Icon.tsx";
import { type Theme, ThemeToggle } from "../../islands/ThemeToggle.tsx";
import type { NotebookItem } from "../notebook_list.ts";
import { Island } from "./island.tsx";
import { Bar, SkipLink } from "./shell.tsx";

/** Draws the list, or what to do where there is none. */
export function HomePage({ notebooks, theme }: { notebooks: NotebookItem[]; theme: Theme }): JSX.Element {
  return (
    <>
      <SkipLink />
      <Bar title="Notebooks">
        <Island name="ThemeToggle" of={ThemeToggle} props={{ theme }} />
      </Bar>
      <main id="weft-main" class="page">
        <h1 class="only-spoken">Notebooks</h1>
        {notebooks.length === 0
          ? <NoNotebooks />
          : <ul class="notebooks">{notebooks.map((item) => <Row key={item.id} item={item} />)}</ul>}
      </main>
    </>
  );
}

function Row({ item }: { item: NotebookItem }): JSX.Element {
  const { id, title, cells, lastRun } = item;
  const errors = item.problems.filter(({ severity }) => severity === "error").length;
  return (
    <li>
      <a class="notebook-link" href={`/n/${id.split("/").map(encodeURIComponent).join("/")}`}>
        <span class="kind">
          <Icon name="notebook" />
        </span>
        <span class="notebook-name">
          <span class="notebook-title">{title}</span>
          <span class="notebook-id">{id}.md</span>
        </span>
        <span class="notebook-facts">
          {count(cells, "cell")}
          {errors > 0 && <span class="tone-bad">{count(errors, "error")}</span>}
        </span>
        <span class="notebook-run">
          {lastRun === undefined
            ? <StatusChip status={{ glyph: "○", word: "not run yet", tone: "idle" }} />
            : (
              <StatusChip
                status={{
                  ...RUN_WORDS[lastRun.label],
                  word: `${RUN_WORDS[lastRun.label].word}, ${when(lastRun.createdAt)}`,
                }}
              />
            )}
        </span>
      </a>
    </li>
  );
}

function when(at: string): string {
  return `${at.slice(0, 10)} ${formatClock(Date.parse(at))}`;
}

const FIRST_NOTEBOOK = '# Hello\n\n```jsonata greeting\n"Hello, " & $uppercase("weft")\n```';

function NoNotebooks(): JSX.Element {
  return (
    <section class="empty">
      <h2>No notebooks yet</h2>
      <p>
        A notebook is a Markdown file below the folder that the studio was started with. Put this into{" "}
        <code>hello.md</code> there and reload:
      </p>
      <pre tabIndex={0}><code>{FIRST_NOTEBOOK}</code></pre>
    </section>
  );
}
