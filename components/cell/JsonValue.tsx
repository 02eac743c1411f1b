/**
 * A JSON value for reading: a table where it is a list of flat objects, else a tree that folds. Owns: how much is drawn.
 * Never: more than `MAX_ROWS` entries of one list or object, or deeper than `MAX_DEPTH`; the rest is named and counted.
 */
import type { JSX } from "preact";
import { isObject, type Json, type JsonObject } from "../../engine/base/json.ts";
import { count } from "./format.ts";

const MAX_ROWS = 100;
const MAX_COLUMNS = 12;
const MAX_DEPTH = 12;
const LONG_TEXT = 2000;

/** Draws a value. An object's keys become headings with their values below; what is deeper is a tree. */
export function JsonValue({ value }: { value: Json }): JSX.Element {
  const columns = columnsOf(value);
  if (columns !== undefined) return <JsonTable rows={value as JsonObject[]} columns={columns} />;
  if (!isObject(value) || Object.keys(value).length > MAX_COLUMNS) {
    return <div class="json">{nodeOf(value, 0)}</div>;
  }
  return (
    <dl class="ports">
      {Object.entries(value).map(([key, inner]) => {
        const table = columnsOf(inner);
        return (
          <div key={key} class={table === undefined ? undefined : "wide"}>
            <dt>{key}</dt>
            <dd>
              {table === undefined
                ? <div class="json">{nodeOf(inner, 0)}</div>
                : <JsonTable rows={inner as JsonObject[]} columns={table} />}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

/** Columns of a list of flat objects; `undefined` if the value is no such list. */
export function columnsOf(value: Json): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const columns = new Set<string>();
  for (const row of value) {
    if (!isObject(row)) return undefined;
    for (const [key, cell] of Object.entries(row)) {
      if (typeof cell === "object" && cell !== null) return undefined;
      columns.add(key);
      if (columns.size > MAX_COLUMNS) return undefined;
    }
  }
  return columns.size === 0 ? undefined : [...columns];
}

function JsonTable({ rows, columns }: { rows: JsonObject[]; columns: string[] }): JSX.Element {
  const numeric = columns.map((key) =>
    rows.every((row) => ["number", "undefined"].includes(typeof row[key]))
  );
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label={count(rows.length, "row")}>
      <table class="data">
        <thead>
          <tr>
            {columns.map((key, i) => (
              <th key={key} scope="col" class={numeric[i] ? "number" : undefined}>{key}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row, at) => (
            <tr key={at}>
              {columns.map((key, i) => (
                <td key={key} class={numeric[i] ? "number" : undefined}>
                  {Object.hasOwn(row, key) ? scalarOf(row[key]!) : ""}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MAX_ROWS && <p class="more">{count(rows.length - MAX_ROWS, "more row")}</p>}
    </div>
  );
}

function scalarOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function nodeOf(value: Json, depth: number, label?: JSX.Element): JSX.Element {
  if (typeof value !== "object" || value === null) return <>{label}{atomOf(value)}</>;
  const entries = Object.entries(value);
  const list = Array.isArray(value);
  const [opening, closing] = list ? ["[", "]"] as const : ["{", "}"] as const;
  const size = count(entries.length, list ? "item" : "key");
  const mark = (text: string) => <span class="json-mark">{text}</span>;
  if (entries.length === 0) return <>{label}{mark(`${opening}${closing}`)}</>;
  if (depth >= MAX_DEPTH) return <>{label}{mark(`${opening} ${size} ${closing}`)}</>;
  return (
    <details open={depth === 0 || (depth < 3 && entries.length <= 8)}>
      <summary>
        {label}
        {mark(opening)} <span class="json-size">{size}</span>
      </summary>
      <ul>
        {entries.slice(0, MAX_ROWS).map(([key, inner]) => (
          <li key={key}>
            {nodeOf(
              inner,
              depth + 1,
              <>
                <span class="json-key">{list ? key : JSON.stringify(key)}</span>
                {mark(": ")}
              </>,
            )}
          </li>
        ))}
        {entries.length > MAX_ROWS && <li class="more">{entries.length - MAX_ROWS} more</li>}
      </ul>
      {mark(closing)}
    </details>
  );
}

function atomOf(value: string | number | boolean | null): JSX.Element {
  return typeof value === "string"
    ? <span class="json-string">{JSON.stringify(shorten(value))}</span>
    : <span class="json-atom">{String(value)}</span>;
}

function shorten(text: string): string {
  return text.length > LONG_TEXT ? `${text.slice(0, LONG_TEXT)}… (${text.length} characters)` : text;
}
