/**
 * The page's one connection: tells the store what happens. Owns: the EventSource, its state in words, and the pace at
 * which groups reach the store (once a frame). Never: drawing.
 */
import type { WireGroup } from "../../engine/wire/frame.ts";
import type { PageStore } from "./page_store.ts";

const OFFLINE_AFTER_MS = 10_000;
const AGAIN_AFTER_MS = 2000;
/** Pace while the page is not on the screen, where no frames are drawn. */
const HIDDEN_MS = 250;

/** What the server sends under the name `group`. */
export interface LiveGroup extends WireGroup {
  run: string;
}

/** Follows the notebook until the page goes away. */
export function followNotebook(store: PageStore): void {
  let queue: LiveGroup[] = [];
  let scheduled = false;
  let lastHeard = performance.now();

  const flush = () => {
    scheduled = false;
    const groups = queue;
    queue = [];
    for (let from = 0; from < groups.length;) {
      const run = groups[from]!.run;
      let to = from;
      while (to < groups.length && groups[to]!.run === run) to++;
      store.apply(run, groups.slice(from, to));
      from = to;
    }
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    if (document.hidden) setTimeout(flush, HIDDEN_MS);
    else requestAnimationFrame(flush);
  };

  let last = store.view === undefined ? "" : `${store.view.run}~${store.view.cursor}`;
  const connect = () => {
    const after = last === "" ? "" : `?after=${encodeURIComponent(last)}`;
    const source = new EventSource(
      `/api/v1/notebooks/${encodeURIComponent(store.state.notebook)}/live${after}`,
    );
    const on = (name: string, take: (data: string) => void) =>
      source.addEventListener(name, (event) => {
        if (event.lastEventId !== "") last = event.lastEventId;
        lastHeard = performance.now();
        take((event as MessageEvent<string>).data);
      });
    source.onopen = () => {
      lastHeard = performance.now();
      store.connection.value = "live";
    };
    source.onerror = () => {
      const long = performance.now() - lastHeard > OFFLINE_AFTER_MS;
      store.connection.value = long || !navigator.onLine ? "offline" : "reconnecting";
      if (source.readyState !== EventSource.CLOSED) return;
      // The browser has given up, as it does after any answer but 200; the page has not.
      setTimeout(connect, AGAIN_AFTER_MS);
    };
    on("run", (data) => {
      flush();
      const { run, again } = JSON.parse(data) as { run: string; again?: boolean };
      store.begin(run, again);
    });
    on("group", (data) => {
      queue.push(JSON.parse(data) as LiveGroup);
      schedule();
    });
    on("changed", (data) => {
      const { version } = JSON.parse(data) as { version: string };
      store.changedTo.value = version === store.state.version ? undefined : version;
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  };
  // A page that comes back from the browser's cache has lost its connection.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  connect();
}
