/**
 * What stands under a cell: streaming text, the value in the form that fits it, problems, warnings, logs, earlier
 * attempts, what it cost. Owns: the choice among these. Never: fetching; values come as props. Browser-safe.
 */
import type { ComponentChildren, JSX } from "preact";
import { isObject, type Json } from "../../engine/base/json.ts";
import type { CellView, EffectView, LogLine, PastAttempt } from "../../engine/wire/view.ts";
import { Markdown } from "../markdown/Markdown.tsx";
import { count, formatBytes, formatUsd } from "./format.ts";
import { JsonValue } from "./JsonValue.tsx";
import { firstLine, hasValue, lateWord } from "./status.ts";

/** Props of {@link Output}. */
export interface OutputProps {
  cell: CellView;
  name: string;
  run: string;
  /** The value, if it is at hand. */
  value?: Json;
  /** Asks for a value that is not; without scripts its link shows it. */
  onLoad: () => void;
}

/** Draws everything that a run has to say about a cell. */
export function Output({ cell: given, name, run, value, onLoad }: OutputProps): JSX.Element {
  const cell = asReopened(given);
  return (
    <>
      {earlierOf(cell).map(({ how, ...past }) => (
        <details key={past.attempt} class="fold earlier">
          <summary>attempt {past.attempt}{how}</summary>
          {past.problem && <Problem message={past.problem.message} />}
          {past.text !== "" && <pre class="plain" tabIndex={0}>{past.text}</pre>}
        </details>
      ))}
      {cell.reasoning !== "" && (
        <details class="fold reasoning">
          <summary>Reasoning</summary>
          <pre class="plain" tabIndex={0}>{cell.reasoning}</pre>
        </details>
      )}
      {cell.problem && !BESIDES.has(cell.label) && <Problem message={cell.problem.message} />}
      {cell.problem && BESIDES.has(cell.label) && (
        <p class="note warn">Last attempt: {firstLine(cell.problem.message)}</p>
      )}
      {cell.label === "held" && cell.heldWhy !== undefined && <p class="note warn">{cell.heldWhy}</p>}
      {cell.unsettled && <p class="note warn">{lateWord(cell)}</p>}
      {cell.warnings?.map((warning) => (
        <p key={warning.message} class="note warn">
          {warning.message}
          {warning.suggestion && <span class="suggestion">{warning.suggestion}</span>}
        </p>
      ))}
      <Body cell={cell} name={name} run={run} value={value} onLoad={onLoad} />
      {cell.trimmed && <p class="more">The text and the log that this cell streamed are no longer kept</p>}
      {cell.logs.length > 0 && <Logs lines={cell.logs} />}
      {cell.effects !== undefined && <Effects effects={cell.effects} />}
      <Cost cell={cell} />
    </>
  );
}

/** Labels that a problem did not lead to. */
const BESIDES: ReadonlySet<string> = new Set(["retrying", "skipped", "cancelled"]);

/** Earlier attempts of which there is something to say, and how each ended. */
function earlierOf({ earlier, reason, attempt }: CellView): (PastAttempt & { how: string })[] {
  return earlier.flatMap((past) => {
    const lost = reason === "recovery" && past.attempt === attempt - 1;
    const how = past.problem !== undefined ? ", failed" : lost ? ", worker lost" : "";
    return how === "" && past.text === "" ? [] : [{ ...past, how }];
  });
}

/** A cell that is to run again shows its last attempt among the earlier ones: what it came to holds no more. */
function asReopened(cell: CellView): CellView {
  const again = cell.attempt > 0 && (cell.label === "waiting" || cell.label === "queued");
  if (!again) return cell;
  const { problem, ...rest } = cell;
  const past = { attempt: cell.attempt, text: cell.text, ...problem === undefined ? {} : { problem } };
  return { ...rest, earlier: [...cell.earlier, past], text: "", textCut: 0, reasoning: "", logs: [] };
}

function Body({ cell, name, run, value, onLoad }: OutputProps): JSX.Element | null {
  if (!hasValue(cell)) return cell.text === "" ? null : <Text cell={cell} />;
  if (cell.display?.as === "chart") return <Chart name={name} run={run} />;
  const shown = value ?? (cell.value !== undefined && "inline" in cell.value ? cell.value.inline : undefined);
  if (shown === undefined) {
    const bytes = cell.value !== undefined && "bytes" in cell.value ? cell.value.bytes : 0;
    return (
      <>
        {cell.text !== "" && <Text cell={cell} />}
        <p class="more">
          <a href={valuePath(run, name)} onClick={(event) => (event.preventDefault(), onLoad())}>
            Show value ({formatBytes(bytes)})
          </a>
        </p>
      </>
    );
  }
  const text = markdownOf(cell, shown);
  if (text === undefined) return <Value value={shown} />;
  const rest = text.rest === undefined ? null : <Value value={text.rest} />;
  return <>{<Markdown text={text.text} deeper={2} />}{rest}</>;
}

/** Streamed text. Its start is gone where there was more than a page keeps. */
function Text({ cell }: { cell: CellView }): JSX.Element {
  const running = cell.label === "running";
  return (
    <div class={running ? "streaming" : undefined}>
      {cell.textCut > 0 && <p class="more">The first {count(cell.textCut, "character")} are left out here</p>}
      <Markdown text={cell.text} open={running} deeper={2} />
    </div>
  );
}

function Value({ value }: { value: Json }): JSX.Element {
  return typeof value === "string"
    ? <pre class="plain" tabIndex={0}>{value}</pre>
    : <JsonValue value={value} />;
}

/** The part of a value that is Markdown, and the other ports. */
function markdownOf(cell: CellView, value: Json): { text: string; rest?: Json } | undefined {
  if (cell.display?.as !== "markdown") return undefined;
  if (typeof value === "string") return { text: value };
  const port = cell.display.port;
  if (!isObject(value) || typeof port !== "string" || !Object.hasOwn(value, port)) return undefined;
  const { [port]: text, ...rest } = value;
  if (typeof text !== "string") return undefined;
  return Object.keys(rest).length === 0 ? { text } : { text, rest };
}

/** Address of a step's value. */
export function valuePath(run: string, cell: string): string {
  return `/api/v1/runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(cell)}/value`;
}

/** A chart in both themes; the style sheet shows one, and an image that is not shown is not loaded. */
function Chart({ name, run }: { name: string; run: string }): JSX.Element {
  const path = `/api/v1/runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(name)}/chart`;
  return (
    <div class="chart">
      {["light", "dark"].map((theme) => (
        <img
          key={theme}
          class={`only-${theme}`}
          src={`${path}?theme=${theme}`}
          alt={`Chart of ${name}`}
          loading="lazy"
        />
      ))}
    </div>
  );
}

function Problem({ message }: { message: string }): JSX.Element {
  const first = firstLine(message)!;
  const rest = message.slice(first.length).trim();
  return (
    <div class="note bad">
      <p>{first}</p>
      {rest !== "" && (
        <details class="fold">
          <summary>Details</summary>
          <pre class="plain" tabIndex={0}>{rest}</pre>
        </details>
      )}
    </div>
  );
}

function Logs({ lines }: { lines: LogLine[] }): JSX.Element {
  return (
    <details class="fold logs">
      <summary>{count(lines.length, "log line")}</summary>
      <pre class="plain" tabIndex={0}>
        {lines.map((line, i) => <span key={i} class={`log-${line.level}`}>{`${line.text}\n`}</span>)}
      </pre>
    </details>
  );
}

/** EF-190, EF-191: what the cell did to the outside world; the summary says the worst of it. */
function Effects({ effects }: { effects: readonly EffectView[] }): JSX.Element {
  const worst = WORST_FIRST.find((state) => effects.some((effect) => effect.state === state))!;
  return (
    <details class="fold effects">
      <summary>{`${count(effects.length, "effect")}, ${STATE_WORDS[worst]}`}</summary>
      <ul>
        {effects.map(({ id, description, state }) => (
          <li key={id}>
            <span class={`effect-state ${state}`}>{STATE_WORDS[state]}</span> {description}
          </li>
        ))}
      </ul>
    </details>
  );
}

const WORST_FIRST = ["compensation-failed", "in-doubt", "failed", "intended", "done", "compensated"] as const;
const STATE_WORDS: Record<EffectView["state"], string> = {
  "compensation-failed": "could not be undone",
  "in-doubt": "in doubt",
  "failed": "not done",
  "intended": "under way",
  "done": "done",
  "compensated": "undone",
};

/** Tokens and cost, only what is known. */
function Cost({ cell }: { cell: CellView }): ComponentChildren {
  const { usage } = cell;
  if (usage === undefined) return null;
  const parts = [
    usage.model,
    usage.inputTokens === undefined ? undefined : `${usage.inputTokens} tokens in`,
    usage.cacheReadTokens === undefined ? undefined : `${usage.cacheReadTokens} of them cached`,
    usage.outputTokens === undefined ? undefined : `${usage.outputTokens} tokens out`,
    usage.reasoningTokens === undefined ? undefined : `${usage.reasoningTokens} of them reasoning`,
    usage.usdMicros === undefined ? undefined : formatUsd(usage.usdMicros),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? null : <p class="cost">{parts.join(" · ")}</p>;
}
