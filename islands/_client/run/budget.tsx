/**
 * What the page's run has used of what it may (ST-504, ST-505): a line with a bar for each limit, and the form that raises
 * limits. Owns: these words and the form. Never: what fits; the engine says so.
 */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatDuration, formatUsd } from "../../../components/cell/format.ts";
import { type Dimension, DIMENSIONS, WRITTEN } from "../../../engine/notebook/spend/limits.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { changeLimits } from "../actions.ts";

type Spend = NonNullable<RunView["spend"]>;

/** When a limit is nearly used up (EN-1104). */
const NEARLY = 0.8;

const NAMES: Record<Dimension, string> = {
  tokens: "Tokens",
  usdMicros: "Dollars",
  ms: "Minutes",
  calls: "Calls",
};

function amount(dimension: Dimension, value: number): string {
  if (dimension === "usdMicros") return formatUsd(value);
  return dimension === "ms" ? formatDuration(value) : String(value);
}

/** Draws what was used of each limit; nothing without limits. */
export function SpendLines({ spend }: { spend: Spend }): JSX.Element | null {
  const { spent, limits = {} } = spend;
  const limited = DIMENSIONS.filter((dimension) => limits[dimension] !== undefined);
  if (limited.length === 0) return null;
  return (
    <div class="spend">
      {limited.map((dimension) => {
        const [used, most] = [spent[dimension], limits[dimension]!];
        const part = most === 0 ? 1 : Math.min(1, used / most);
        // What is not known is never 0 (E4).
        const open = dimension === "tokens" || dimension === "usdMicros"
          ? spent.unknown?.[dimension] ?? 0
          : 0;
        return (
          <div key={dimension} class={part >= NEARLY ? "spend-line nearly" : "spend-line"}>
            <span>{NAMES[dimension]}</span>
            <meter
              min={0}
              max={1}
              high={NEARLY}
              optimum={0}
              value={part}
              aria-label={`${NAMES[dimension]} used`}
            />
            <span>
              {amount(dimension, used)}
              {open > 0 && " + ?"} of {amount(dimension, most)}
            </span>
          </div>
        );
      })}
    </div>
  );
}

/** Draws the form by which a limit is raised, for a run that a budget holds. */
export function RaiseLimit({ run, spend }: { run: string; spend: Spend }): JSX.Element | null {
  const [texts, setTexts] = useState<Partial<Record<Dimension, string>>>({});
  const [fault, setFault] = useState<string>();
  const limits = spend.limits ?? {};
  const limited = WRITTEN.filter(([, dimension]) => limits[dimension] !== undefined);
  if (limited.length === 0) return null;
  const raise = async () => {
    const change: Record<string, number> = {};
    for (const [name, dimension] of limited) {
      const text = texts[dimension]?.trim();
      if (text === undefined || text === "") continue;
      const value = Number(text);
      if (!Number.isFinite(value) || value < 0) return setFault(`${NAMES[dimension]} is a number from 0 on`);
      change[name] = value;
    }
    if (Object.keys(change).length === 0) return setFault("Write the new limit first");
    setFault(await changeLimits(run, change));
  };
  return (
    <form
      class="raise"
      onSubmit={(event) => {
        event.preventDefault();
        void raise();
      }}
    >
      {limited.map(([name, dimension, unit]) => (
        <label key={name} class="field">
          <span>{NAMES[dimension]} at most</span>
          <input
            inputMode="decimal"
            autocomplete="off"
            placeholder={String(limits[dimension]! / unit)}
            value={texts[dimension] ?? ""}
            onInput={(
              { currentTarget },
            ) => (setTexts({ ...texts, [dimension]: currentTarget.value }), setFault(undefined))}
          />
        </label>
      ))}
      <p class="fault" role="alert">{fault ?? ""}</p>
      <button type="submit" class="plain-button">Raise limit</button>
    </form>
  );
}
