/**
 * What a person can ask of the server from a page. Owns: these requests and how a refusal is told.
 * Never: a status; what comes of a request is seen in the run (`live.ts`).
 */
import type { Json, JsonObject } from "../../engine/base/json.ts";
import { valuePath } from "../../components/cell/Output.tsx";
import { valueKey } from "../../components/cell/facts.ts";
import type { Problem } from "../../engine/notebook/types.ts";
import type { CellCommand } from "../../components/cell/commands.ts";
import type { Command, PageStore } from "./page_store.ts";

/** Waits before a request without an answer is sent again. */
const AGAIN_AFTER_MS = [300, 1200];

/** Runs all cells, or some and what they need. However often it has to be sent, one call makes one run. */
export async function startRun(store: PageStore, cells?: string[]): Promise<void> {
  const body = {
    notebook: store.state.notebook,
    params: store.draft.peek(),
    ...(cells === undefined ? {} : { cells }),
  };
  await ask(store, "run", "/api/v1/runs", body, newKey());
}

/** Not `randomUUID`, which is there on secure origins only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Lets running cells end and starts no more; asked again, aborts them. */
export async function stopRun(store: PageStore): Promise<void> {
  await command(store, store.run.peek()?.label === "stopping" ? "cancel" : "stop");
}

/** Lets running cells end and holds the others back, or goes on with them. */
export async function pauseRun(store: PageStore, how: "pause" | "resume"): Promise<void> {
  await command(store, how);
}

/** Runs what did not succeed again, in the same run. */
export async function restartRun(store: PageStore): Promise<void> {
  await command(store, "restart");
}

/** Tells one cell of the page's run what to do. */
export async function tellCell(
  store: PageStore,
  cell: string,
  how: Exclude<CellCommand, "supply">,
): Promise<void> {
  const path = stepPath(store, cell);
  if (path !== undefined) await ask(store, `${how} ${cell}`, `${path}/${how}`, {}, newKey());
}

/** Gives a cell its value; a sentence if that was refused. */
export async function giveValue(store: PageStore, cell: string, value: Json): Promise<string | undefined> {
  const path = stepPath(store, cell);
  if (path === undefined) return "There is no run that it could be given to";
  try {
    await send("PUT", `${path}/value`, value, { key: newKey() });
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is asked of whoever may approve, with the answers so far. */
export interface Asked {
  ask: string;
  context?: Json;
  value?: Json;
  deciders?: string[];
  needed: number;
  decided: { decision: string; by: string; at: string }[];
}

/** Reads an approval; nothing if it cannot be read now. */
export async function readApproval(waitpoint: string): Promise<Asked | undefined> {
  return await read(`/api/v1/approvals/${encodeURIComponent(waitpoint)}`) as Asked | undefined;
}

/** Name of the signal that a waitpoint waits for; nothing if it cannot be read now. */
export async function readSignalName(waitpoint: string): Promise<string | undefined> {
  const found = await read(`/api/v1/waitpoints/${encodeURIComponent(waitpoint)}`) as { name?: string };
  return found?.name;
}

async function read(path: string): Promise<unknown> {
  const response = await fetch(path).catch(() => undefined);
  return response?.ok ? await response.json().catch(() => undefined) : undefined;
}

/** Approves or rejects; a sentence if that was refused. */
export async function decide(
  waitpoint: string,
  decision: { decision: "approve" | "reject"; note?: string; value?: Json },
): Promise<string | undefined> {
  try {
    await send("POST", `/api/v1/approvals/${encodeURIComponent(waitpoint)}/decide`, decision as JsonObject);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Sends a signal to the page's run; what became of it, or a sentence if it was refused. */
export async function sendSignal(
  run: string,
  name: string,
  payload: Json | undefined,
): Promise<{ answer?: string; refused?: string }> {
  const key = newKey();
  const body = { name, key, ...payload === undefined ? {} : { payload } };
  try {
    const path = `/api/v1/runs/${encodeURIComponent(run)}/signals`;
    const { answer } = await send("POST", path, body, { key });
    return typeof answer === "string" ? { answer } : {};
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/** An effect of which nobody knows whether it happened. */
export interface Doubt {
  id: string;
  cell: string;
  description: string;
}

/** Effects of a run that are in doubt; nothing if they cannot be read now. */
export async function readDoubts(run: string): Promise<Doubt[] | undefined> {
  const found = await read(`/api/v1/runs/${encodeURIComponent(run)}/effects?state=in-doubt`) as {
    items?: Doubt[];
  };
  return found?.items;
}

/** Says what became of an effect; a sentence if that was refused. */
export async function resolveEffect(
  effect: string,
  as: "done" | "not_done" | "retry",
  note: string,
): Promise<string | undefined> {
  try {
    await send("POST", `/api/v1/effects/${encodeURIComponent(effect)}/resolve`, { as, note });
  } catch (error) {
    return (error as Error).message;
  }
}

/** What differs between the version of a run and the page's, by names of cells. */
export interface Differs {
  added: string[];
  removed: string[];
  changed: string[];
  frontMatter: boolean;
}

/**
 * Goes on from the page's run with the page's version, in a run of its own; unless `sure`, only says what differs.
 * What was refused is a sentence.
 */
export async function continueRun(store: PageStore, sure: boolean): Promise<Differs | string | undefined> {
  const run = store.run.peek()?.run;
  if (run === undefined) return "There is no run to go on from";
  const body = { version: store.state.version, onMismatch: sure ? "compatible" : "refuse" };
  const headers = { "content-type": "application/json", "weft-csrf": "1", "idempotency-key": newKey() };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  try {
    const response = await answerTo(`/api/v1/runs/${encodeURIComponent(run)}/fork`, init, AGAIN_AFTER_MS);
    const answer = await response.json().catch(() => ({})) as JsonObject;
    if (response.ok) return void store.begin(String(answer.id));
    const [differs] = answer.code === "version_mismatch" ? answer.problems as unknown as Differs[] : [];
    return differs ?? String(answer.detail ?? `The server answered ${response.status}`);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Changes what the page's run may use at most; a sentence if that was refused. */
export async function changeLimits(run: string, limits: JsonObject): Promise<string | undefined> {
  try {
    await send("PATCH", `/api/v1/runs/${encodeURIComponent(run)}`, { limits });
  } catch (error) {
    return (error as Error).message;
  }
}

function stepPath(store: PageStore, cell: string): string | undefined {
  const run = store.run.peek()?.run;
  return run && `/api/v1/runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(cell)}`;
}

async function command(store: PageStore, how: Command): Promise<void> {
  const run = store.run.peek();
  // What would do more when it is done twice has a name, by which it may be sent again.
  const key = how === "restart" ? newKey() : undefined;
  if (run !== undefined) await ask(store, how, `/api/v1/runs/${encodeURIComponent(run.run)}/${how}`, {}, key);
}

async function ask(
  store: PageStore,
  what: Command,
  path: string,
  body: JsonObject,
  key?: string,
): Promise<void> {
  // Only the same again is dropped: a run can show itself, and be stopped, before the answer that it began.
  if (store.pending.peek() === what) return;
  store.pending.value = what;
  store.refusal.value = undefined;
  try {
    const answer = await send("POST", path, body, { key });
    // A run shows itself through the live connection; until then the button stays as it is.
    if (what === "run" && typeof answer.id === "string") store.begin(answer.id);
  } catch (error) {
    store.refusal.value = (error as Error).message;
  } finally {
    if (store.pending.peek() === what) store.pending.value = undefined;
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

/** Keeps where the nodes of the graph stand; `leaving` says that the page will not be there for the answer. */
export async function saveLayout(
  store: PageStore,
  positions: Record<string, { x: number; y: number }>,
  leaving = false,
): Promise<void> {
  const path = `/api/v1/notebooks/${encodeURIComponent(store.state.notebook)}/layout`;
  try {
    await send("PUT", path, { positions }, { keepalive: leaving });
  } catch (error) {
    store.refusal.value = `The layout is not saved: ${(error as Error).message}`;
  }
}

/** How a request is sent besides the usual. */
interface Sending {
  /** Names the request, so that it can be sent again where no answer came. */
  key?: string;
  /** Outlives the page. */
  keepalive?: boolean;
}

async function send(
  method: string,
  path: string,
  body: Json,
  { key, keepalive = false }: Sending = {},
): Promise<JsonObject> {
  const headers = {
    "content-type": "application/json",
    "weft-csrf": "1",
    ...key === undefined ? {} : { "idempotency-key": key },
  };
  const init = { method, headers, body: JSON.stringify(body), keepalive };
  const response = await answerTo(path, init, key === undefined ? [] : AGAIN_AFTER_MS);
  const answer = await response.json().catch(() => ({})) as JsonObject;
  if (!response.ok) throw new Error(String(answer.detail ?? `The server answered ${response.status}`));
  return answer;
}

async function answerTo(path: string, init: RequestInit, waits: readonly number[]): Promise<Response> {
  for (const wait of waits) {
    const answer = await fetch(path, init).catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  try {
    return await fetch(path, init);
  } catch {
    throw new Error("The server does not answer");
  }
}
