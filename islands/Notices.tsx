/**
 * What the page has to tell apart from its cells: problems, refusals, a changed file, where the news is.
 * Owns: the live region (ST-952): one message for a status that changed, none for a token.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { effect } from "@preact/signals";
import { RUN_WORDS } from "../components/cell/status.ts";
import { Icon } from "../components/Icon.tsx";
import { count } from "../components/cell/format.ts";
import { type PageStore, usePage } from "./_client/page_store.ts";

/** How long after its return a person cannot have begun to read. */
const JUST_BACK_MS = 1500;

/** Draws the notices above the page's content. */
export function Notices(): JSX.Element {
  const page = usePage();
  const [jump, setJump] = useState<string>();
  useEffect(() => watchLatest(page, setJump), []);
  useEffect(() => reloadOnReturn(page), []);
  return (
    <>
      {page.refusal.value !== undefined && (
        <div class="notice bad" role="alert">
          <p>{page.refusal.value}</p>
          <button type="button" class="link" onClick={() => page.refusal.value = undefined}>Dismiss</button>
        </div>
      )}
      {page.changedTo.value !== undefined && (
        <div class="notice" role="status">
          <p>The file changed on disk</p>
          <button type="button" class="link" onClick={() => location.reload()}>Show the new version</button>
        </div>
      )}
      <ProblemList page={page} />
      <Spoken page={page} />
      {jump !== undefined && (
        <a class="jump" href={`#${jump}`} onClick={(event) => (event.preventDefault(), goTo(jump))}>
          <Icon name="down" /> Jump to latest
        </a>
      )}
    </>
  );
}

function ProblemList({ page }: { page: PageStore }): JSX.Element | null {
  const problems = page.problems.value;
  if (problems.length === 0) return null;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const words = [
    ...errors > 0 ? [count(errors, "error")] : [],
    ...problems.length > errors ? [count(problems.length - errors, "warning")] : [],
  ].join(", ");
  return (
    <details class={`problems ${errors > 0 ? "bad" : "warn"}`} open={errors > 0}>
      <summary>{words}</summary>
      <ul>
        {problems.slice(0, 100).map((problem, i) => (
          <li key={i} class={problem.severity}>
            <a href={problem.cell === undefined ? "#weft-main" : `#${problem.cell}`}>
              <span class="place">{problem.line}:{problem.column}</span>
              <span class="what">{problem.message}</span>
            </a>
            {problem.expected !== undefined && <span class="expected">Expected: {problem.expected}</span>}
          </li>
        ))}
      </ul>
      {problems.length > 100 && <p class="more">{problems.length - 100} more</p>}
    </details>
  );
}

/** Says for a screen reader how the run goes. */
function Spoken({ page }: { page: PageStore }): JSX.Element {
  const said = useRef(page.run.peek()?.label);
  const run = page.run.value;
  const changed = run !== undefined && run.label !== said.current;
  if (changed) said.current = run.label;
  const text = useRef("");
  if (changed) text.current = `Run ${RUN_WORDS[run.label].word}`;
  return <p class="only-spoken" role="status" aria-live="polite">{text.current}</p>;
}

/** Tells which running cell is out of sight, and when none is. */
function watchLatest(page: PageStore, tell: (cell: string | undefined) => void): () => void {
  let watched: string | undefined;
  const observer = new IntersectionObserver((entries) => {
    const last = entries.at(-1)!;
    tell(last.isIntersecting ? undefined : watched);
  });
  const stop = effect(() => {
    const name = page.active ? page.latest.value : undefined;
    if (name === watched) return;
    watched = name;
    observer.disconnect();
    const cell = name === undefined ? null : document.getElementById(name);
    if (cell === null) tell(undefined);
    else observer.observe(cell.querySelector(".cell-end") ?? cell);
  });
  return () => {
    stop();
    observer.disconnect();
  };
}

function goTo(cell: string): void {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById(cell)?.scrollIntoView({ block: "end", behavior: calm ? "auto" : "smooth" });
}

/** Whoever comes back to the page after an edit elsewhere sees the new file at once, not a notice of it. */
function reloadOnReturn(page: PageStore): () => void {
  let shownAt = -Infinity;
  const look = () => shownAt = document.hidden ? shownAt : performance.now();
  addEventListener("visibilitychange", look);
  const stop = effect(() => {
    const back = performance.now() - shownAt < JUST_BACK_MS;
    if (page.changedTo.value !== undefined && back && !page.active) location.reload();
  });
  return () => {
    removeEventListener("visibilitychange", look);
    stop();
  };
}
