/**
 * What a cell waits for, and where a person answers (ST-259): an approval with what it is about, or a signal that can be
 * sent from here. Owns: these two forms. Never: whether somebody may decide; the server says so.
 */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { formatClock } from "../../../components/cell/format.ts";
import { JsonValue } from "../../../components/cell/JsonValue.tsx";
import { Markdown } from "../../../components/markdown/Markdown.tsx";
import { isObject, type Json, parseJson } from "../../../engine/base/json.ts";
import type { CellView } from "../../../engine/wire/view.ts";
import { type Asked, decide, readApproval, readSignalName, sendSignal } from "../actions.ts";

/** Props of {@link Waiting}. */
export interface WaitingProps {
  name: string;
  run: string;
  waits: NonNullable<CellView["waits"]>;
  /** Epoch ms, where its time is limited. */
  due?: number;
}

/** Draws the form for whoever is to answer; nothing where nobody is. */
export function Waiting({ name, run, waits, due }: WaitingProps): JSX.Element | null {
  if (waits.for === "approval") {
    return <ApprovalForm key={waits.waitpoint} name={name} waits={waits} due={due} />;
  }
  if (waits.for === "signal") return <SignalForm key={waits.waitpoint} name={name} run={run} waits={waits} />;
  return null;
}

function ApprovalForm({ name, waits, due }: Omit<WaitingProps, "run">): JSX.Element {
  const [asked, setAsked] = useState<Partial<Asked>>(termsOf(waits));
  const [note, setNote] = useState("");
  const [edited, setEdited] = useState<string>();
  const [fault, setFault] = useState<string>();
  const [sending, setSending] = useState(false);
  const id = `asked-${name}`;
  const refresh = async () => {
    const found = await readApproval(waits.waitpoint);
    if (found !== undefined) setAsked(found);
  };
  useEffect(() => void refresh(), []);

  const send = async (decision: "approve" | "reject") => {
    if (sending) return;
    const value = edited === undefined || decision === "reject" ? undefined : readValue(edited, asked.value);
    if (value?.ok === false) return setFault(value.reason);
    setSending(true);
    const refused = await decide(waits.waitpoint, {
      decision,
      ...note.trim() === "" ? {} : { note: note.trim() },
      ...value === undefined ? {} : { value: value.value },
    });
    setSending(false);
    setFault(refused);
    await refresh();
  };

  return (
    <form class="asked" aria-labelledby={`${id}-ask`} onSubmit={(event) => event.preventDefault()}>
      <p class="asked-what" id={`${id}-ask`}>{asked.ask ?? `Go on after ${name}?`}</p>
      <p class="only-spoken" role="alert">{`${name} waits for approval`}</p>
      {asked.context !== undefined && <Shown value={asked.context} />}
      {asked.value !== undefined && edited === undefined && (
        <div class="asked-about" tabIndex={0} role="group" aria-label={`What is approved by ${name}`}>
          <Shown value={asked.value} />
        </div>
      )}
      {edited !== undefined && (
        <textarea
          rows={Math.min(16, edited.split("\n").length + 2)}
          value={edited}
          spellcheck={false}
          aria-label={`What is approved by ${name}`}
          aria-invalid={fault !== undefined}
          aria-describedby={`${id}-fault`}
          onInput={({ currentTarget }) => (setEdited(currentTarget.value), setFault(undefined))}
        />
      )}
      {asked.value !== undefined && (
        <button
          type="button"
          class="link"
          onClick={() => (setEdited(edited === undefined ? writeValue(asked.value!) : undefined),
            setFault(undefined))}
        >
          {edited === undefined ? "Change it before you approve" : "Leave it as it was"}
        </button>
      )}
      <label class="field">
        <span>Note</span>
        <input
          value={note}
          maxLength={2000}
          autocomplete="off"
          placeholder="If there is something to say"
          onInput={({ currentTarget }) => setNote(currentTarget.value)}
        />
      </label>
      <p class="fault" id={`${id}-fault`} role="alert">{fault ?? ""}</p>
      <div class="asked-end">
        <p class="hint">{termsInWords(asked, due)}</p>
        <span class="asked-buttons">
          <button
            type="button"
            class="plain-button"
            aria-disabled={sending ? "true" : undefined}
            onClick={() => void send("reject")}
          >
            Reject
          </button>
          <button
            type="button"
            class="main-button runs"
            aria-disabled={sending ? "true" : undefined}
            onClick={() => void send("approve")}
          >
            Approve
          </button>
        </span>
      </div>
    </form>
  );
}

/** What the run itself says of it, before the server is asked. */
function termsOf({ about }: WaitingProps["waits"]): Partial<Asked> {
  return about !== undefined && "inline" in about && isObject(about.inline)
    ? about.inline as Partial<Asked>
    : {};
}

function termsInWords(
  { deciders, needed = 1, decided = [] }: Partial<Asked>,
  due: number | undefined,
): string {
  const by = decided.map(({ by }) => by).join(", ");
  return [
    ...deciders === undefined ? [] : [`May decide: ${deciders.join(", ")}`],
    ...needed > 1 ? [`${decided.length} of ${needed} have approved${by === "" ? "" : `: ${by}`}`] : [],
    ...due === undefined ? [] : [`Until ${dayOf(due)}${formatClock(due)}`],
  ].join(". ");
}

/** The day where the reader is, if it is not today. */
function dayOf(at: number): string {
  const day = new Date(at);
  return day.toDateString() === new Date().toDateString()
    ? ""
    : `${day.toLocaleDateString(undefined, { day: "numeric", month: "short" })}, `;
}

function Shown({ value }: { value: Json }): JSX.Element {
  return typeof value === "string" ? <Markdown text={value} deeper={2} /> : <JsonValue value={value} />;
}

/** A text is edited as it is, anything else as JSON. */
function writeValue(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function readValue(
  text: string,
  before: Json | undefined,
): { ok: true; value: Json } | { ok: false; reason: string } {
  if (typeof before === "string") return { ok: true, value: text };
  const read = parseJson(text);
  return read.ok ? read : { ok: false, reason: read.reason.replace(/^Not JSON: /, "This is not JSON: ") };
}

/** What became of a signal that did not let the cell go on. */
const ANSWERS: Record<string, string> = {
  buffered: "It is kept, but it is not all that this cell waits for",
  ignored: "Nothing waits for it any more",
  duplicate: "It was sent before",
};

function SignalForm({ name, run, waits }: WaitingProps): JSX.Element {
  const [signal, setSignal] = useState<string>();
  const [payload, setPayload] = useState("");
  const [told, setTold] = useState<{ text: string; bad: boolean }>();
  const [sending, setSending] = useState(false);
  const id = `asked-${name}`;
  useEffect(() => void readSignalName(waits.waitpoint).then(setSignal), []);
  const send = async () => {
    if (sending || signal === undefined) return;
    const value = payload.trim() === "" ? undefined : readValue(payload, undefined);
    if (value?.ok === false) return setTold({ text: value.reason, bad: true });
    setSending(true);
    const { answer, refused } = await sendSignal(run, signal, value?.value);
    setSending(false);
    const words = refused ?? ANSWERS[answer ?? ""];
    setTold(words === undefined ? undefined : { text: words, bad: refused !== undefined });
  };
  return (
    <form
      class="asked"
      aria-labelledby={`${id}-ask`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p class="asked-what" id={`${id}-ask`}>
        Waits for the signal {signal === undefined ? "…" : <code>{signal}</code>}
      </p>
      <label class="field">
        <span>Payload</span>
        <textarea
          rows={2}
          value={payload}
          spellcheck={false}
          placeholder="JSON, or nothing"
          aria-describedby={`${id}-told`}
          onInput={({ currentTarget }) => (setPayload(currentTarget.value), setTold(undefined))}
        />
      </label>
      <p class={told?.bad === false ? "hint" : "fault"} id={`${id}-told`} role="alert">{told?.text ?? ""}</p>
      <div class="asked-end">
        <p class="hint">
          It may also come from elsewhere: <code>weft signal {run} {signal ?? name}</code>
        </p>
        <span class="asked-buttons">
          <button
            type="submit"
            class="main-button runs"
            aria-disabled={sending || signal === undefined ? "true" : undefined}
          >
            Send signal
          </button>
        </span>
      </div>
    </form>
  );
}
