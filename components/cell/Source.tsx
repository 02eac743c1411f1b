/**
 * A cell's text for reading: its header folded, its source in a code block with placeholders marked.
 * Owns: nothing but this view. Rendered on the server only, so its text is on the page once.
 */
import { createElement, Fragment, type JSX } from "preact";
import { decorate } from "./highlight.ts";

/** Props of {@link Source}. */
export interface SourceProps {
  /** The cell's, for the labels of what scrolls. */
  name: string;
  kind: string;
  /** YAML between the fence and `---`. */
  header: string;
  source: string;
}

/** Draws header and source. */
export function Source({ name, kind, header, source }: SourceProps): JSX.Element {
  const headerLines = header.trim();
  const body = source.replace(/\s+$/, "");
  return (
    <div class="source">
      {headerLines !== "" && (
        <details class="cell-header" open={body === ""}>
          <summary>Settings</summary>
          <pre tabIndex={0} role="region" aria-label={`Settings of ${name}`}>
            <code>{marked("yaml", headerLines)}</code>
          </pre>
        </details>
      )}
      {body !== "" && (
        <pre class={`source-text kind-${kind}`} tabIndex={0} role="region" aria-label={`Source of ${name}`}>
          <code>{marked(kind, body)}</code>
        </pre>
      )}
    </div>
  );
}

/** One node: a list of texts in JSX would be escaped twice by the renderer on the server. */
function marked(kind: string, text: string): JSX.Element {
  const pieces = decorate(kind, text).map(({ as, text }, i) =>
    as === "" ? text : <span key={i} class={`tok-${as}`}>{text}</span>
  );
  return createElement(Fragment, null, pieces);
}
