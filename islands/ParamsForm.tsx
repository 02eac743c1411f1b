/**
 * The params of a notebook as a form (ST-105). Owns: the draft of their values, kept in this tab's session.
 * Never: checking beyond what a field's type needs; the server says what is wrong with a value.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isObject, type Json } from "../engine/base/json.ts";
import type { Param } from "../engine/notebook/types.ts";
import { refreshPlan } from "./_client/actions.ts";
import { type PageStore, usePage } from "./_client/page_store.ts";

const PLAN_AFTER_MS = 300;

/** Draws one field for each param. */
export function ParamsForm(): JSX.Element {
  const page = usePage();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    const kept = read(page);
    if (kept === undefined) return;
    page.draft.value = kept;
    void refreshPlan(page);
  }, []);
  const change = (name: string, value: Json | undefined) => {
    const { [name]: _, ...rest } = page.draft.peek();
    page.draft.value = value === undefined ? rest : { ...rest, [name]: value };
    sessionStorage.setItem(keyOf(page), JSON.stringify(page.draft.peek()));
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void refreshPlan(page), PLAN_AFTER_MS);
  };
  return (
    <form class="params" aria-label="Params" onSubmit={(event) => event.preventDefault()}>
      {page.state.params.map((param) => (
        <Field
          key={param.name}
          param={param}
          value={page.draft.value[param.name]}
          onChange={(value) => change(param.name, value)}
        />
      ))}
    </form>
  );
}

interface FieldProps {
  param: Param;
  /** As edited; `undefined` stands for the default. */
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}

function Field({ param, value, onChange }: FieldProps): JSX.Element {
  const [fault, setFault] = useState<string>();
  const id = `param-${param.name}`;
  const take = (text: string) => {
    const answer = valueOf(param, text);
    setFault(answer.fault);
    if (answer.fault === undefined) onChange(answer.value);
  };
  return (
    <div class={`field type-${param.type}`}>
      <label for={id}>
        {param.label ?? param.name}
        {param.required && param.default === undefined && <span class="required">required</span>}
      </label>
      {inputOf(param, value ?? param.default, id, take, onChange)}
      {param.description && <p class="hint" id={`${id}-hint`}>{param.description}</p>}
      {fault && <p class="fault" role="alert">{fault}</p>}
    </div>
  );
}

function inputOf(
  param: Param,
  value: Json | undefined,
  id: string,
  take: (text: string) => void,
  onChange: (value: Json | undefined) => void,
): JSX.Element {
  const described = param.description === undefined ? undefined : `${id}-hint`;
  const shared = { id, name: param.name, "aria-describedby": described };
  if (param.enum !== undefined) {
    return (
      <select
        {...shared}
        onChange={({ currentTarget }) => onChange(param.enum![currentTarget.selectedIndex])}
      >
        {param.enum.map((option, i) => (
          <option key={i} selected={JSON.stringify(option) === JSON.stringify(value)}>
            {textOf(option)}
          </option>
        ))}
      </select>
    );
  }
  if (param.type === "boolean") {
    const toggle = ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
      onChange(currentTarget.checked);
    return <input {...shared} type="checkbox" checked={value === true} onChange={toggle} />;
  }
  const onInput = ({ currentTarget }: { currentTarget: { value: string } }) => take(currentTarget.value);
  const text = value === undefined ? "" : textOf(value);
  if (param.type === "json" || param.type === "prompt") {
    return (
      <textarea {...shared} rows={Math.min(10, text.split("\n").length + 1)} onInput={onInput}>
        {text}
      </textarea>
    );
  }
  if (param.type === "number") {
    const { min, max } = param;
    return <input {...shared} type="number" step="any" min={min} max={max} value={text} onInput={onInput} />;
  }
  return <input {...shared} type="text" value={text} autocomplete="off" onInput={onInput} />;
}

/** What a field's text stands for; empty text stands for the default. */
function valueOf(param: Param, text: string): { value?: Json; fault?: string } {
  if (text.trim() === "" && param.type !== "string" && param.type !== "prompt") return {};
  if (param.type === "number") {
    const value = Number(text);
    return Number.isFinite(value) ? { value } : { fault: "This is not a number" };
  }
  if (param.type !== "json") return { value: text };
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return { fault: "This is not JSON yet" };
  }
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function keyOf(page: PageStore): string {
  return `weft params ${page.state.notebook}`;
}

/** What this tab kept, of params that are still there. */
function read(page: PageStore): Record<string, Json> | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(page)) ?? "null");
    if (!isObject(kept)) return undefined;
    const names = page.state.params.map(({ name }) => name);
    return Object.fromEntries(Object.entries(kept).filter(([name]) => names.includes(name)));
  } catch {
    return undefined;
  }
}
