/** The run of the page: its status, how the page hears of it, and the buttons to start, pause, stop and restart it. */
import type { JSX, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { blockedBecause } from "../components/cell/blockers.ts";
import { Icon } from "../components/Icon.tsx";
import { pauseRun, restartRun, startRun, stopRun } from "./_client/actions.ts";
import { type Connection, type PageStore, usePage } from "./_client/page_store.ts";
import { canRestart, RunWhy } from "./_client/run/run_why.tsx";

const CONNECTION_WORDS: Record<Connection, string> = {
  connecting: "connecting…",
  live: "live",
  reconnecting: "reconnecting…",
  offline: "offline",
};

/** How long a button must have been there for a click on it to be meant. */
const MEANT_MS = 400;

type ButtonRef = RefObject<HTMLButtonElement | null>;

/** Draws the bar's right side. */
export function RunBar(): JSX.Element {
  const page = usePage();
  const connection = page.connection.value;
  const main = useRef<HTMLButtonElement>(null);
  return (
    <>
      <span class="run-status">
        <RunWhy page={page} />
      </span>
      <span class={`connection ${connection}`} title="Connection to the server">
        <span class="dot" aria-hidden="true" />
        <span class="word">{CONNECTION_WORDS[connection]}</span>
      </span>
      {canRestart(page)
        ? <RestartButton key="restart" next={main} />
        : <PauseButton key="pause" next={main} />}
      {page.active ? stopButton(page, main) : runButton(page, main)}
    </>
  );
}

/**
 * Pauses and resumes. It keeps its place while no run goes on, so that nothing beside it moves when one starts; whoever
 * was on it when the run ended is on the main button then.
 */
function PauseButton({ next }: { next: ButtonRef }): JSX.Element {
  const page = usePage();
  const own = useRef<HTMLButtonElement>(null);
  const { active } = page;
  useLayoutEffect(() => {
    if (!active && document.activeElement === own.current) next.current?.focus();
  }, [active]);
  useLayoutEffect(() => leaving(own, next), []);
  const label = page.run.value?.label;
  const held = label === "pausing" || label === "paused";
  const over = label === "stopping" || label === "cancelling";
  const word = held ? "Resume" : "Pause";
  const title = over
    ? "the run is ending"
    : held
    ? "go on with the cells that wait"
    : "let running cells end, hold the others back";
  return (
    <button
      ref={own}
      type="button"
      class={active ? "side-button" : "side-button unseen"}
      aria-label={word}
      aria-disabled={over ? "true" : undefined}
      title={`${word}: ${title}`}
      onClick={() => over || void pauseRun(page, held ? "resume" : "pause")}
    >
      <Icon name={held ? "run" : "pause"} />
    </button>
  );
}

/** ST-508: runs again what did not succeed. It stands where Pause was, so a click meant for that one is not taken. */
function RestartButton({ next }: { next: ButtonRef }): JSX.Element {
  const page = usePage();
  const own = useRef<HTMLButtonElement>(null);
  const shownAt = useRef(0);
  useLayoutEffect(() => {
    shownAt.current = performance.now();
    return leaving(own, next);
  }, []);
  const act = () => {
    if (performance.now() - shownAt.current > MEANT_MS) void restartRun(page);
  };
  const title = "Restart failed cells: what did not succeed runs again, in this run";
  return (
    <button
      ref={own}
      type="button"
      class="side-button"
      aria-label="Restart failed cells"
      title={title}
      onClick={act}
    >
      <Icon name="restart" />
    </button>
  );
}

/** When a button goes away, whoever is on it is on the main button then. */
function leaving(own: ButtonRef, next: ButtonRef): () => void {
  const node = own.current;
  return () => {
    if (document.activeElement === node) next.current?.focus();
  };
}

function stopButton(page: PageStore, own: ButtonRef): JSX.Element {
  const again = page.run.value?.label === "stopping";
  const ending = page.run.value?.label === "cancelling";
  return (
    <button
      ref={own}
      type="button"
      class="main-button stops"
      disabled={ending}
      title={again ? "Abort running cells at once" : "Let running cells end, start no more"}
      onClick={() => void stopRun(page)}
    >
      <Icon name="stop" />
      {ending ? "Cancelling" : again ? "Cancel now" : "Stop"}
    </button>
  );
}

function runButton(page: PageStore, own: ButtonRef): JSX.Element {
  const why = page.state.cells.length === 0
    ? "There is no cell to run"
    : blockedBecause(page.blockers.value.all);
  return (
    <button
      ref={own}
      type="button"
      class="main-button runs"
      aria-disabled={why === undefined ? undefined : "true"}
      title={why ?? "Run all cells; fresh values are taken over"}
      onClick={() => why === undefined ? void startRun(page) : page.refusal.value = why}
    >
      <Icon name="run" />
      {page.pending.value === "run" ? "Starting" : "Run all"}
    </button>
  );
}
