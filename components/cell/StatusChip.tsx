/** A status as glyph and word in its tone. Owns: nothing but this view. */
import type { JSX } from "preact";
import type { Status } from "./status.ts";

/** Draws a status; the glyph is not read out, the word says it. */
export function StatusChip(
  { status, title }: { status: Pick<Status, "glyph" | "word" | "tone">; title?: string },
): JSX.Element {
  return (
    <span class={`status tone-${status.tone}`} title={title}>
      <span class="glyph" aria-hidden="true">{status.glyph}</span>
      <span class="word">{status.word}</span>
    </span>
  );
}
