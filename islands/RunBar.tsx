/** The run of the page: its status, how the page hears of it, and the buttons to start and stop. */
import type { JSX } from "preact";
import { formatDuration } from "../components/cell/format.ts";
import { RUN_WORDS } from "../components/cell/status.ts";
import { StatusChip } from "../components/cell/StatusChip.tsx";
import { Icon } from "../components/Icon.tsx";
import { startRun, stopRun } from "./_client/actions.ts";
import { type Connection, type PageStore, usePage } from "./_client/page_store.ts";

const CONNECTION_WORDS: Record<Connection, string> = {
  connecting: "connecting…",
  live: "live",
  reconnecting: "reconnecting…",
  offline: "offline",
};

/** Draws the bar's right side. */
export function RunBar(): JSX.Element {
  const page = usePage();
  const connection = page.connection.value;
  return (
    <>
      <span class="run-status">{runStatus(page)}</span>
      <span class={`connection ${connection}`} title="Connection to the server">
        <span class="dot" aria-hidden="true" />
        <span class="word">{CONNECTION_WORDS[connection]}</span>
      </span>
      {page.active ? stopButton(page) : runButton(page)}
    </>
  );
}

function runStatus(page: PageStore): JSX.Element {
  const run = page.run.value;
  if (run === undefined) return <StatusChip status={{ glyph: "○", word: "not run yet", tone: "idle" }} />;
  const { glyph, word, tone } = RUN_WORDS[run.label];
  const until = page.active ? page.now.value : run.endedAt;
  const time = run.startedAt === undefined || until === undefined
    ? ""
    : ` ${formatDuration(until - run.startedAt)}`;
  return <StatusChip status={{ glyph, tone, word: word + time }} title={run.problem?.message ?? run.run} />;
}

function stopButton(page: PageStore): JSX.Element {
  const again = page.run.value?.label === "stopping";
  const ending = page.run.value?.label === "cancelling";
  return (
    <button
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

function runButton(page: PageStore): JSX.Element {
  const error = page.problems.value.find(({ severity }) => severity === "error");
  const empty = page.state.cells.length === 0;
  const why = empty
    ? "There is no cell to run"
    : error === undefined
    ? undefined
    : `Cannot run: ${error.message}`;
  return (
    <button
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
