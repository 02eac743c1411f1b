/**
 * The status of the page's run, and behind it the one answer to why it is not moving (ST-513) or what can be done now
 * that it has ended. Owns: these words from the page's store.
 */
import type { ComponentChildren, JSX } from "preact";
import { count, formatClock, formatDuration } from "../../../components/cell/format.ts";
import { RUN_WORDS } from "../../../components/cell/status.ts";
import { StatusChip } from "../../../components/cell/StatusChip.tsx";
import { unsuccessful } from "../../../components/cell/commands.ts";
import type { RunView, Wait } from "../../../engine/wire/view.ts";
import { restartRun } from "../actions.ts";
import { RaiseLimit, SpendLines } from "./budget.tsx";
import type { PageStore } from "../page_store.ts";
import { Popover } from "../popover.tsx";

/** Draws the status; a button where there is more to say. */
export function RunWhy({ page }: { page: PageStore }): JSX.Element {
  const run = page.run.value;
  if (run === undefined) return <StatusChip status={{ glyph: "○", word: "not run yet", tone: "idle" }} />;
  const { glyph, tone } = RUN_WORDS[run.label];
  const wait = page.wait.value;
  const chip = (
    <StatusChip status={{ glyph, tone, word: wordOf(page, wait) }} title={run.problem?.message ?? run.run} />
  );
  if (wait !== undefined) {
    const title = "Why is it not moving?";
    return (
      <Popover class="why-button" label={title} role="dialog" panel={() => <Why page={page} wait={wait} />}>
        {chip}
      </Popover>
    );
  }
  if (!canRestart(page)) return chip;
  return (
    <Popover
      class="why-button"
      label="What can be done?"
      role="dialog"
      panel={(close) => <Ended page={page} close={close} />}
    >
      {chip}
    </Popover>
  );
}

/** Whether the run has ended and a restart would run something (EN-606). */
export function canRestart(page: PageStore): boolean {
  const run = page.run.value;
  return run !== undefined && !page.active && run.label !== "succeeded" && unsuccessful(page.view).length > 0;
}

/** What a run that waits for the clock does then. */
const NEXT_WORDS: Partial<Record<RunView["label"], string>> = { delayed: "begins", waiting: "goes on" };

/** What a run waits for that no clock brings. */
const WAIT_WORDS: Partial<Record<Wait["wait"], string>> = {
  approval: "waiting for approval",
  signal: "waiting for a signal",
  operator: "waiting for an operator",
  doubt: "in doubt",
  budget: "over its budget",
};

function wordOf(page: PageStore, wait: Wait | undefined): string {
  const run = page.run.value!;
  const { word } = RUN_WORDS[run.label];
  const person = wait === undefined ? undefined : WAIT_WORDS[wait.wait];
  if (person !== undefined && (run.label === "waiting" || run.label === "held")) return person;
  if (wait?.until !== undefined) return `${NEXT_WORDS[run.label] ?? word} in ${until(page, wait.until)}`;
  const end = page.active ? page.now.value : run.endedAt;
  return run.startedAt === undefined || end === undefined
    ? word
    : `${word} ${formatDuration(end - run.startedAt)}`;
}

function until(page: PageStore, at: number): string {
  return formatDuration(Math.max(0, at - page.now.value));
}

function Why({ page, wait }: { page: PageStore; wait: Wait }): JSX.Element {
  const sentence = (text: string): ComponentChildren => text === "" ? null : <p>{text}.</p>;
  return (
    <div class="why">
      <h2>Why is it not moving?</h2>
      {sentence(`${cellOf(page, wait)}${wait.what}`)}
      {sentence(wait.next)}
      {page.view?.spend !== undefined && <SpendLines spend={page.view.spend} />}
      {wait.wait === "budget" && page.view?.spend !== undefined && (
        <RaiseLimit run={page.view.run} spend={page.view.spend} />
      )}
      <p class="why-time">
        Since {formatClock(wait.since)}
        {wait.until !== undefined && `, goes on in ${until(page, wait.until)}`}
      </p>
    </div>
  );
}

/** The cell whose time is waited for. */
function cellOf({ view }: PageStore, { until }: Wait): string {
  const found = Object.entries(view?.cells ?? {}).find(([, { due }]) => until !== undefined && due === until);
  return found === undefined ? "" : `${found[0]}: `;
}

/** Cells named before the rest is counted. */
const MOST_NAMES = 4;

function Ended({ page, close }: { page: PageStore; close: () => void }): JSX.Element {
  const names = unsuccessful(page.view);
  const more = names.length - MOST_NAMES;
  const list = names.slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return (
    <div class="why">
      <h2>{count(names.length, "cell")} did not succeed</h2>
      <p>{list}.</p>
      <p>They can run again in this run, with everything below them. What succeeded keeps its value.</p>
      <button
        type="button"
        class="plain-button"
        onClick={() => {
          close();
          void restartRun(page);
        }}
      >
        Restart failed cells
      </button>
    </div>
  );
}
