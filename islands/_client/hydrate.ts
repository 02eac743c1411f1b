/**
 * Brings the islands of a page to life. Owns: reading the page's state, and one entry for each island.
 * Never: what an island does.
 */
import { type ComponentType, h, hydrate, render } from "preact";
import { effect } from "@preact/signals";
import { RUN_WORDS } from "../../components/cell/status.ts";
import type { PageState } from "../../components/cell/facts.ts";
import { followNotebook } from "./live.ts";
import { refreshPlan } from "./actions.ts";
import { PageContext, PageStore } from "./page_store.ts";
import { followWait } from "./wait.ts";

/** Longest stretch of work before the browser may draw and take input. */
const SLICE_MS = 12;

let store: PageStore | undefined;

/** The page's store, made from the state that the server put into the page; `undefined` on a page without one. */
function pageStore(): PageStore | undefined {
  const state = document.getElementById("weft-state")?.textContent;
  if (store !== undefined || !state) return store;
  const made = store = new PageStore(JSON.parse(state) as PageState);
  keepTime(made);
  replanAfterRuns(made);
  tellTitle(made);
  followWait(made);
  followNotebook(made);
  return made;
}

/** Hydrates every place on the page that carries the island `name`, in page order, a slice at a time. */
export async function mountIsland(name: string, Island: ComponentType<never>): Promise<void> {
  const page = pageStore();
  let since = performance.now();
  for (const place of document.querySelectorAll<HTMLElement>(`[data-island="${name}"]`)) {
    const props = JSON.parse(place.dataset.props ?? "{}") as never;
    const tree = h(PageContext.Provider, { value: page, children: h(Island, props) });
    if (place.dataset.from === "server") hydrate(tree, place);
    else render(tree, place);
    place.dataset.ready = "";
    if (performance.now() - since < SLICE_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  }
}

/** Moves the page's clock ten times a second while something runs, from the server's time on. */
function keepTime(page: PageStore): void {
  const offset = page.state.now - Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = () => page.now.value = Date.now() + offset;
  effect(() => {
    if (page.active && timer === undefined) timer = setInterval(tick, 100);
    if (!page.active && timer !== undefined) timer = void clearInterval(timer);
  });
}

/** ST-112: the page's title says how the run goes, for whoever looks at another page. */
function tellTitle(page: PageStore): void {
  const { title } = document;
  let ran = false;
  effect(() => {
    const label = page.run.value?.label;
    ran ||= page.active;
    document.title = ran && label !== undefined ? `${RUN_WORDS[label].glyph} ${title}` : title;
  });
}

/** What is stale is known anew when a run has ended. */
function replanAfterRuns(page: PageStore): void {
  let before = page.active;
  effect(() => {
    const active = page.active;
    if (before && !active) void refreshPlan(page);
    before = active;
  });
}
