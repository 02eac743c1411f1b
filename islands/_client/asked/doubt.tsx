/**
 * What a cell has sent and not heard of: the question to a person, and the answers (EF-047, ST-228). Owns: this form.
 * Never: what an answer means.
 */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Doubt, readDoubts, resolveEffect } from "../actions.ts";

/** Props of {@link DoubtForms}. */
export interface DoubtProps {
  name: string;
  run: string;
  /** Changes when the cell's effects do. */
  state: unknown;
}

/** Draws a form for each effect of the cell that is in doubt. */
export function DoubtForms({ name, run, state }: DoubtProps): JSX.Element {
  const [doubts, setDoubts] = useState<Doubt[]>();
  const refresh = async () => {
    const found = await readDoubts(run);
    if (found !== undefined) setDoubts(found.filter(({ cell }) => cell === name));
  };
  useEffect(() => void refresh(), [run, state]);
  return (
    <>
      <p class="only-spoken" role="alert">{`${name} is in doubt`}</p>
      {doubts?.map((doubt) => <DoubtForm key={doubt.id} doubt={doubt} onDone={refresh} />)}
    </>
  );
}

const ANSWERS = [
  ["done", "It happened", "plain-button"],
  ["not_done", "It did not happen", "plain-button"],
  ["retry", "Send it again", "plain-button"],
] as const;

function DoubtForm({ doubt, onDone }: { doubt: Doubt; onDone: () => Promise<void> }): JSX.Element {
  const [note, setNote] = useState("");
  const [fault, setFault] = useState<string>();
  const [sending, setSending] = useState(false);
  const id = `doubt-${doubt.id}`;
  const answer = async (as: "done" | "not_done" | "retry") => {
    if (sending) return;
    if (note.trim() === "") return setFault("Say how you know; the note is kept with the effect");
    setSending(true);
    setFault(await resolveEffect(doubt.id, as, note.trim()));
    setSending(false);
    await onDone();
  };
  return (
    <form class="asked" aria-labelledby={`${id}-ask`} onSubmit={(event) => event.preventDefault()}>
      <p class="asked-what" id={`${id}-ask`}>
        We do not know whether "{doubt.description}" happened.
      </p>
      <label class="field">
        <span>Note</span>
        <input
          value={note}
          maxLength={2000}
          autocomplete="off"
          placeholder="How you know, such as: looked it up in the order book"
          aria-describedby={`${id}-fault`}
          aria-invalid={fault !== undefined}
          onInput={({ currentTarget }) => (setNote(currentTarget.value), setFault(undefined))}
        />
      </label>
      <p class="fault" id={`${id}-fault`} role="alert">{fault ?? ""}</p>
      <div class="asked-end">
        <p class="hint">Nothing is sent again unless you say so</p>
        <span class="asked-buttons">
          {ANSWERS.map(([as, word, look]) => (
            <button
              key={as}
              type="button"
              class={look}
              aria-disabled={sending ? "true" : undefined}
              onClick={() => void answer(as)}
            >
              {word}
            </button>
          ))}
        </span>
      </div>
    </form>
  );
}
