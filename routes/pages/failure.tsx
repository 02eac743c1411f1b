/** The page for a request that went wrong. Owns: nothing but this view. */
import type { JSX } from "preact";
import { Bar } from "./shell.tsx";

/** Draws what is wrong and the way back. */
export function FailurePage(
  { title, detail, requestId }: { title: string; detail: string; requestId?: string },
): JSX.Element {
  return (
    <>
      <Bar title={title} />
      <main id="weft-main" class="page">
        <section class="empty">
          <h1>{title}</h1>
          <p>{detail}</p>
          {requestId !== undefined && <p class="hint">Request {requestId}</p>}
          <p>
            <a href="/">All notebooks</a>
          </p>
        </section>
      </main>
    </>
  );
}
