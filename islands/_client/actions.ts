/**
 * What a person can ask of the server from a page. Owns: these requests and how a refusal is told.
 * Never: a status; what comes of a request is seen in the run (`live.ts`).
 */
import type { Json, JsonObject } from "../../engine/base/json.ts";
import { valuePath } from "../../components/cell/Output.tsx";
import { valueKey } from "../../components/cell/facts.ts";
import type { Problem } from "../../engine/notebook/types.ts";
import type { PageStore } from "./page_store.ts";

/** Runs all cells, or some and what they need. */
export async function startRun(store: PageStore, cells?: string[]): Promise<void> {
  await ask(store, "run", "/api/v1/runs", {
    notebook: store.state.notebook,
    params: store.draft.peek(),
    ...(cells === undefined ? {} : { cells }),
  });
}

/** Lets running cells end and starts no more; asked again, aborts them. */
export async function stopRun(store: PageStore): Promise<void> {
  const run = store.run.peek();
  if (run === undefined) return;
  const how = run.label === "stopping" ? "cancel" : "stop";
  await ask(store, how, `/api/v1/runs/${encodeURIComponent(run.run)}/${how}`, {});
}

async function ask(
  store: PageStore,
  what: "run" | "stop" | "cancel",
  path: string,
  body: JsonObject,
): Promise<void> {
  if (store.pending.peek() !== undefined) return;
  store.pending.value = what;
  store.refusal.value = undefined;
  try {
    const answer = await send("POST", path, body);
    // A run shows itself through the live connection; until then the button stays as it is.
    if (what === "run" && typeof answer.id === "string") store.begin(answer.id);
  } catch (error) {
    store.refusal.value = (error as Error).message;
  } finally {
    store.pending.value = undefined;
  }
}

/** Asks what a run would do, with the params as they stand, and what is wrong. */
export async function refreshPlan(store: PageStore): Promise<void> {
  const path = `/api/v1/notebooks/${encodeURIComponent(store.state.notebook)}/plan`;
  try {
    const answer = await send("POST", path, { params: store.draft.peek() });
    store.stale.value = answer.stale as Record<string, string>;
    store.problems.value = answer.problems as unknown as Problem[];
  } catch {
    // The plan is only advice; without it nothing is marked stale.
    store.stale.value = {};
  }
}

/** Fetches a value that is too big to stand in the run's record. */
export async function loadValue(store: PageStore, cell: string): Promise<void> {
  const run = store.output(cell)?.run;
  if (run === undefined) return;
  const response = await fetch(valuePath(run, cell));
  if (!response.ok) {
    store.refusal.value = "The value could not be read; try again";
    return;
  }
  const value = await response.json() as Json;
  store.values.value = { ...store.values.peek(), [valueKey(run, cell)]: value };
}

/** Keeps where the nodes of the graph stand. */
export async function saveLayout(
  store: PageStore,
  positions: Record<string, { x: number; y: number }>,
): Promise<void> {
  try {
    await send("PUT", `/api/v1/notebooks/${encodeURIComponent(store.state.notebook)}/layout`, { positions });
  } catch (error) {
    store.refusal.value = `The layout is not saved: ${(error as Error).message}`;
  }
}

async function send(method: string, path: string, body: JsonObject): Promise<JsonObject> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { "content-type": "application/json", "weft-csrf": "1" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The server does not answer");
  }
  const answer = await response.json().catch(() => ({})) as JsonObject;
  if (!response.ok) throw new Error(String(answer.detail ?? `The server answered ${response.status}`));
  return answer;
}
