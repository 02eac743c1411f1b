/** The list of notebooks. Owns: nothing but this view. */
import type { JSX } from "preact";
import { count, formatDay } from "../../components/cell/format.ts";
import { RUN_WORDS } from "../../components/cell/status.ts";
import { StatusChip } from "../../components/cell/StatusChip.tsx";
import { Icon } from "../../components/Icon.tsx";
import { type Theme, ThemeToggle } from "../../islands/ThemeToggle.tsx";
import type { NotebookItem } from "../notebook_list.ts";
import { Island } from "./island.tsx";
import { Bar, SkipLink } from "./shell.tsx";

/** Props of {@link HomePage}. */
export interface HomeProps {
  notebooks: NotebookItem[];
  theme: Theme;
  /** Epoch ms, to tell today's runs. */
  now: number;
}

/** Draws the list, or what to do where there is none. */
export function HomePage({ notebooks, theme, now }: HomeProps): JSX.Element {
  return (
    <>
      <SkipLink />
      <Bar title="">
        <Island name="ThemeToggle" of={ThemeToggle} props={{ theme }} />
      </Bar>
      <main id="weft-main" class="page">
        <header class="welcome">
          <h1>Notebooks</h1>
          <p>Each one is a pipeline that you can read. Open it, run it, and watch it work, cell by cell.</p>
        </header>
        {notebooks.length === 0
          ? <NoNotebooks />
          : <ul class="notebooks">{notebooks.map((item) => <Row key={item.id} item={item} now={now} />)}</ul>}
      </main>
    </>
  );
}

function Row({ item, now }: { item: NotebookItem; now: number }): JSX.Element {
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
                  word: `${RUN_WORDS[lastRun.label].word}, ${formatDay(Date.parse(lastRun.createdAt), now)}`,
                }}
              />
            )}
        </span>
      </a>
    </li>
  );
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
