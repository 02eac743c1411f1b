/**
 * Why the page's run is not moving, as the server says it (AP-612). Owns: when it is asked again. Never: the words.
 */
import { effect } from "@preact/signals";
import type { Wait } from "../../engine/wire/view.ts";
import type { PageStore } from "./page_store.ts";

/** What passes at once is not asked about. */
const SETTLE_MS = 250;
/** Labels of a run of which there may be an answer. */
const STANDS: ReadonlySet<string> = new Set(["delayed", "queued", "retrying", "waiting", "held", "paused"]);

/** Keeps `store.wait` true. */
export function followWait(store: PageStore): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  effect(() => {
    const run = store.run.value;
    // Every event may change it: another retry, a cell that was skipped.
    void store.told.value;
    clearTimeout(timer);
    const mine = ++asked;
    if (run === undefined || !STANDS.has(run.label)) {
      store.wait.value = undefined;
      return;
    }
    timer = setTimeout(async () => {
      const found = await explain(run.run);
      if (mine === asked) store.wait.value = found;
    }, SETTLE_MS);
  });
}

async function explain(run: string): Promise<Wait | undefined> {
  const answer = await fetch(`/api/v1/runs/${encodeURIComponent(run)}/explain`).catch(() => undefined);
  if (!answer?.ok) return undefined;
  const { wait } = await answer.json() as { wait?: Omit<Wait, "since" | "until"> & Record<string, string> };
  if (wait === undefined) return undefined;
  const { since, until, ...words } = wait;
  return {
    ...words as Pick<Wait, "wait" | "what" | "next">,
    since: Date.parse(since!),
    ...until === undefined ? {} : { until: Date.parse(until) },
  };
}
