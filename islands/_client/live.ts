/**
 * The page's one connection: tells the store what happens. Owns: the EventSource, its state in words, and the pace at
 * which groups reach the store (once a frame). Never: drawing.
 */
import { effect } from "@preact/signals";
import type { WireGroup } from "../../engine/wire/frame.ts";
import type { PageStore } from "./page_store.ts";

const OFFLINE_AFTER_MS = 10_000;
const AGAIN_AFTER_MS = 2000;
const MOVED_AFTER_MS = 500;
/** Pace while the page is not on the screen, where no frames are drawn. */
const HIDDEN_MS = 250;

/** What the server sends under the name `group`. */
export interface LiveGroup extends WireGroup {
  run: string;
}

/**
 * Follows the notebook until the page goes away. A browser holds six connections to a server, for all tabs together, so a
 * tab that nobody sees keeps its own only while a run goes on.
 */
export function followNotebook(store: PageStore): void {
  const take = paced((run, groups) => store.apply(run, groups));
  let source: EventSource | undefined;
  let last = store.view === undefined ? "" : `${store.view.run}~${store.view.cursor}`;
  let lastHeard = performance.now();

  const connect = () => {
    const after = last === "" ? "" : `?after=${encodeURIComponent(last)}`;
    const made = source = new EventSource(
      `/api/v1/notebooks/${encodeURIComponent(store.state.notebook)}/live${after}`,
    );
    const on = (name: string, hear: (data: string) => void) =>
      made.addEventListener(name, (event) => {
        if (event.lastEventId !== "") last = event.lastEventId;
        lastHeard = performance.now();
        hear((event as MessageEvent<string>).data);
      });
    made.onopen = () => {
      lastHeard = performance.now();
      store.connection.value = "live";
    };
    made.onerror = () => {
      const long = performance.now() - lastHeard > OFFLINE_AFTER_MS;
      store.connection.value = long || !navigator.onLine ? "offline" : "reconnecting";
      if (made.readyState !== EventSource.CLOSED) return;
      // The browser has given up, as it does after any answer but 200; the page has not.
      setTimeout(() => source === made && connect(), AGAIN_AFTER_MS);
    };
    on("run", (data) => {
      take.now();
      const { run, again } = JSON.parse(data) as { run: string; again?: boolean };
      store.begin(run, again);
    });
    on("group", (data) => take.soon(JSON.parse(data) as LiveGroup));
    // AP-716: the server ends; whoever comes after it may be there at once.
    on("moved", () => {
      made.close();
      store.connection.value = "reconnecting";
      setTimeout(() => source === made && connect(), MOVED_AFTER_MS);
    });
    on("changed", (data) => {
      const { version } = JSON.parse(data) as { version: string };
      store.changedTo.value = version === store.state.version ? undefined : version;
    });
  };
  const update = () => {
    const wanted = !document.hidden || store.active;
    if (wanted && source === undefined) connect();
    if (!wanted && source !== undefined) source = void source.close();
  };
  effect(update);
  addEventListener("visibilitychange", update);
  addEventListener("pagehide", () => source?.close());
  // A page that comes back from the browser's cache has lost its connection.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/** Hands groups on once a frame, those of one run together. */
function paced(hand: (run: string, groups: LiveGroup[]) => void) {
  let queue: LiveGroup[] = [];
  let scheduled = false;
  const now = () => {
    scheduled = false;
    const groups = queue;
    queue = [];
    for (let from = 0; from < groups.length;) {
      const run = groups[from]!.run;
      let to = from;
      while (to < groups.length && groups[to]!.run === run) to++;
      hand(run, groups.slice(from, to));
      from = to;
    }
  };
  const soon = (group: LiveGroup) => {
    queue.push(group);
    if (scheduled) return;
    scheduled = true;
    if (document.hidden) setTimeout(now, HIDDEN_MS);
    else requestAnimationFrame(now);
  };
  return { now, soon };
}
