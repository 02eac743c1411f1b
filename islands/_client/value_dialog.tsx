/**
 * The dialog in which a person writes a cell's value (AP-625). Owns: that it is JSON before it is sent, and what is said
 * where it is not.
 */
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { parseJson } from "../../engine/base/json.ts";
import { giveValue } from "./actions.ts";
import type { PageStore } from "./page_store.ts";

/** Props of {@link ValueDialog}. */
export interface ValueDialogProps {
  page: PageStore;
  name: string;
  onClose: () => void;
}

const EXAMPLES = '"a text", 42, ["a", "list"], { "a": "record" }';

/** Draws the dialog, open. */
export function ValueDialog({ page, name, onClose }: ValueDialogProps): JSX.Element {
  const own = useRef<HTMLDialogElement>(null);
  const text = useRef<HTMLTextAreaElement>(null);
  const [fault, setFault] = useState<string>();
  const [sending, setSending] = useState(false);
  useLayoutEffect(() => {
    own.current!.showModal();
    text.current!.focus();
  }, []);
  const give = async () => {
    const written = text.current!.value;
    const value = parseJson(written);
    if (!value.ok) {
      setFault(written.trim() === "" ? 'Write a value first, such as 42 or "a text"' : faultOf(value.reason));
      text.current!.focus();
      return;
    }
    setSending(true);
    const refused = await giveValue(page, name, value.value);
    setSending(false);
    if (refused === undefined) own.current?.close();
    else setFault(refused);
  };
  return (
    <dialog ref={own} class="value-dialog" aria-labelledby={`give-${name}`} onClose={onClose}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void give();
        }}
      >
        <h2 id={`give-${name}`}>A value for {name}</h2>
        <p class="hint" id={`hint-${name}`}>
          The cell does not run then, and the cells below it get this value. It is JSON: a text stands in
          quotes.
        </p>
        <textarea
          ref={text}
          rows={8}
          spellcheck={false}
          placeholder={EXAMPLES}
          aria-label={`Value of ${name}, as JSON`}
          aria-describedby={fault === undefined ? `hint-${name}` : `fault-${name}`}
          aria-invalid={fault !== undefined}
          onInput={() => fault !== undefined && setFault(undefined)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void give();
          }}
        />
        <p class="fault" id={`fault-${name}`} role="alert">{fault ?? ""}</p>
        <div class="dialog-buttons">
          <button type="button" class="plain-button" onClick={() => own.current?.close()}>Close</button>
          <button type="submit" class="main-button runs" aria-disabled={sending ? "true" : undefined}>
            Give value
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** A parser's words, and what to do. */
function faultOf(reason: string): string {
  return `${reason.replace(/^Not JSON: /, "This is not JSON: ")}. A text stands in quotes`;
}
