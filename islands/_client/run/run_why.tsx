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
import { useEffect, useState } from "preact/hooks";
import { continueRun, type Differs, restartRun } from "../actions.ts";
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
  if (!canRestart(page) && !canContinue(page)) return chip;
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

/** Whether the run has ended and was of another version than the page's (ST-508). */
function canContinue(page: PageStore): boolean {
  const run = page.run.value;
  return run !== undefined && !page.active && run.version !== "" && run.version !== page.state.version;
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
  return (
    <div class="why">
      {canRestart(page) && <Restart page={page} close={close} />}
      {canContinue(page) && <Continue page={page} close={close} />}
    </div>
  );
}

/** `a, b and 3 more`. */
function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function Restart({ page, close }: { page: PageStore; close: () => void }): JSX.Element {
  const names = unsuccessful(page.view);
  return (
    <>
      <h2>{count(names.length, "cell")} did not succeed</h2>
      <p>{listed(names)}.</p>
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
    </>
  );
}

/** ST-508, EN-1406: another run goes on from this one with the text as it is now; what differs is shown before. */
function Continue({ page, close }: { page: PageStore; close: () => void }): JSX.Element {
  const [differs, setDiffers] = useState<Differs>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    void continueRun(page, false).then((found) => {
      if (typeof found === "string") setFault(found);
      else setDiffers(found);
    });
  }, []);
  const go = async () => {
    const refused = await continueRun(page, true);
    if (refused === undefined) close();
    else setFault(typeof refused === "string" ? refused : "The text has changed again");
  };
  return (
    <>
      <h2>The notebook has changed since</h2>
      {differs !== undefined && <p>{inWords(differs)}.</p>}
      <p>Another run can go on from this one: what is unchanged keeps its value, the rest runs.</p>
      <p class="fault" role="alert">{fault ?? ""}</p>
      <button
        type="button"
        class="plain-button"
        aria-disabled={differs === undefined ? "true" : undefined}
        onClick={() => differs !== undefined && void go()}
      >
        Continue with the current version
      </button>
    </>
  );
}

function inWords({ added, removed, changed, frontMatter }: Differs): string {
  const parts = [
    ...changed.length === 0 ? [] : [`Changed: ${listed(changed)}`],
    ...added.length === 0 ? [] : [`Added: ${listed(added)}`],
    ...removed.length === 0 ? [] : [`Removed: ${listed(removed)}`],
    ...frontMatter ? ["Settings or params changed"] : [],
  ];
  return parts.length === 0 ? "No cell differs, only prose or order" : parts.join(". ");
}
