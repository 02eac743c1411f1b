/**
 * From a request to a run in the store. Owns: what is checked before anything is written, and that a run appears whole.
 * Never: running it; whoever claims the ready entry does.
 *
 * EN-201 Text, plan and params are stored by their hash, then one atomic operation makes the run appear.
 * EN-204 What cannot run is refused before any write.
 */
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Workspace } from "../access/workspace.ts";
import type { Clock } from "../base/clock.ts";
import { EngineError, type ErrorCode } from "../base/errors.ts";
import { hit } from "../base/faults.ts";
import { sha256 } from "../base/hash.ts";
import type { Ids } from "../base/ids.ts";
import { canonicalJson, type Json, type JsonObject } from "../base/json.ts";
import type { Graph } from "../graph/types.ts";
import type { Kinds } from "../kinds/kind.ts";
import { resolveParams } from "../notebook/params.ts";
import { retentionOf } from "../notebook/policy.ts";
import { inOrder } from "../notebook/problem.ts";
import type { Param, Problem } from "../notebook/types.ts";
import { makePlan } from "../plan/plan.ts";
import type { History, Plan } from "../plan/types.ts";
import { encodeRecord } from "../store/codec.ts";
import { byNotebookKey, byTimeKey, eventKey, LANE, readyKey, requestKey, runKey } from "../store/keys.ts";
import type { JournalRecord, RunEvent } from "../run/event.ts";
import type { Put, Store } from "../store/store.ts";
import type { Answer } from "./commit/turn.ts";
import type { RunHead } from "./commit/live_run.ts";
import type { Document, Documents } from "./documents.ts";
import { readRequest } from "./records.ts";
import { holdReused, holdsOf, namesOfEvent } from "./upkeep/names.ts";

/** A request to run a notebook. */
export interface RunRequest {
  /** Id of the notebook in the workspace, or any name for a text from elsewhere. */
  notebook: string;
  /** The notebook's text; the run keeps it. */
  text: string;
  /** Values by param; the rest get their defaults. */
  params?: JsonObject;
  /** Only these cells and what they need, whose last values are taken where they are fresh. Absent: all cells. */
  cells?: string[];
  /** Who asks; shown with the run. */
  author: string;
  /**
   * Names this request: a second one with this key gets the first one's run, if it asks for the same (the text apart,
   * which may have changed since).
   */
  key?: string;
}

/** What a request would do. */
export interface Prepared {
  document: Document;
  /** Absent if something is wrong. */
  plan?: Plan;
  /** Resolved values, files read. */
  params: JsonObject;
  /** By cell, a hash of the files that it reads. */
  contents: Record<string, string>;
  /** Last values, where the request needed them. */
  history?: History;
  problems: Problem[];
}

/** Longest name of an author that is kept, in characters. */
const MOST_AUTHOR = 200;

/** What submitting needs. */
export interface SubmitPorts {
  store: Store;
  artifacts: Artifacts;
  documents: Documents;
  kinds: Kinds;
  workspace: Workspace;
  clock: Clock;
  ids: Ids;
  history(notebook: string): Promise<History>;
  /** Spares the reading of a plan that was just made. */
  remember(head: RunHead, plan: Plan): void;
  /** Lets this process's worker make the run, if it has one with room. */
  admit(head: RunHead, plan: Plan, event: QueuedEvent, puts: Put[]): Promise<Answer> | undefined;
}

type QueuedEvent = Extract<RunEvent, { type: "run.queued" }>;

/** Checks and plans a request. Starts, writes and sends nothing; reads the files that params name. */
export async function prepare(ports: SubmitPorts, request: Omit<RunRequest, "author">): Promise<Prepared> {
  const document = ports.documents.read(request.text);
  const { notebook, graph } = document;
  const resolved = resolveParams(graph.params, request.params ?? {});
  const files = await readFileParams(ports.workspace, graph.params, resolved.values);
  const contents = await hashFiles(ports.workspace, graph);
  const history = request.cells === undefined ? undefined : await ports.history(request.notebook);
  const known = [...document.problems, ...resolved.problems, ...files.problems];
  const { plan, problems } = makePlan({
    graph,
    notebook,
    version: document.version,
    params: files.values,
    problems: known,
    contents,
    kinds: (name) => ports.kinds.get(name),
    ...(request.cells === undefined ? {} : { cells: request.cells, history }),
  });
  const found = [...known, ...problems.filter((problem) => !known.includes(problem))];
  return {
    document,
    params: files.values,
    contents,
    problems: inOrder(found),
    ...(history === undefined ? {} : { history }),
    ...(plan === undefined ? {} : { plan }),
  };
}

/** What came of a request. */
export interface Submitted {
  run: string;
  /** The new run; absent if the request's key had made it before. */
  head?: RunHead;
}

/**
 * Makes a run of a request. Throws `notebook_invalid`, `cycle_found`, `kind_unknown`, `param_missing`, `param_invalid`,
 * and `idempotency_conflict` for a key that made a run of another request.
 */
export async function submit(ports: SubmitPorts, request: RunRequest): Promise<Submitted> {
  const first = await madeBefore(ports, request);
  if (first !== undefined) return { run: first };
  const { document, plan, params, problems } = await prepare(ports, request);
  if (plan === undefined) throw refusal(problems);
  const [planRef, paramsRef] = await stored(ports, request.text, plan as unknown as Json, params);
  const head: RunHead = {
    id: ports.ids.next("run"),
    notebook: request.notebook,
    version: document.version,
    author: request.author.slice(0, MOST_AUTHOR),
    plan: planRef,
    createdAt: ports.clock.now(),
    phase: "queued",
    intent: "go",
    outcome: "none",
  };
  const retention = retentionOf(document.notebook.frontMatter);
  if (retention !== undefined) head.retention = retention;
  const event = {
    type: "run.queued",
    notebook: head.notebook,
    version: head.version,
    plan: planRef,
    params: paramsRef,
    author: head.author,
  } as const;
  ports.remember(head, plan);
  await holdReused(ports.store, head, plan);
  if (await admitted(ports, request, head, plan, event)) return { run: head.id, head };
  if (await appear(ports, request, head, event)) return { run: head.id, head };
  const winner = await madeBefore(ports, request);
  if (winner === undefined) throw new EngineError("internal", `Two runs drew one id: ${head.id}`);
  return { run: winner };
}

/** Longest between storing and naming: far below the time that content without holders is kept. */
const NAMED_WITHIN_MS = 600_000;

/** Stores what the run will name; again if that took so long, as over a machine's sleep, that some may be gone. */
async function stored({ artifacts, clock }: SubmitPorts, text: string, ...values: [Json, Json]) {
  for (;;) {
    const at = clock.now();
    await artifacts.putText(text);
    const [plan, params] = [await artifacts.put(values[0]), await artifacts.put(values[1])];
    if (clock.now() - at < NAMED_WITHIN_MS) return [plan, params] as const;
  }
}

/**
 * EN-207: a worker with room makes the run in its own next commit and starts it there. A request with a key needs a
 * check that may lose a race, so it goes the long way.
 */
async function admitted(
  { admit }: SubmitPorts,
  { key }: RunRequest,
  head: RunHead,
  plan: Plan,
  event: QueuedEvent,
): Promise<boolean> {
  if (key !== undefined) return false;
  hit("submit.before");
  const answer = await admit(head, plan, event, placesOf(head));
  hit("submit.after");
  return answer?.ok === true;
}

/** A run's places in the lists. */
function placesOf(head: RunHead): Put[] {
  const value = encodeRecord(null);
  return [
    { key: byNotebookKey(head.notebook, head.createdAt, head.id), value },
    { key: byTimeKey(head.createdAt, head.id), value },
  ];
}

/** Writes a new run whole; false if another request with the same key was faster. */
async function appear(
  { store }: SubmitPorts,
  request: RunRequest,
  head: RunHead,
  event: QueuedEvent,
): Promise<boolean> {
  hit("submit.before");
  const first: JournalRecord = { seq: 1, at: head.createdAt, session: "", epoch: 0, events: [event] };
  const began = eventKey(head.id, 1);
  const keyed = request.key === undefined ? [] : [requestKey(request.key)];
  const answer = await store.submit([
    { key: began, value: encodeRecord(first) },
    { key: runKey(head.id), value: encodeRecord(head) },
    ...placesOf(head),
    ...holdsOf(head.id, namesOfEvent(event), head.createdAt),
    { key: readyKey(LANE, head.createdAt, head.id), value: encodeRecord(null) },
    ...keyed.map((key) => ({
      key,
      value: encodeRecord({ run: head.id, fingerprint: fingerprintOf(request) }),
    })),
  ], [began, ...keyed]);
  hit("submit.after");
  return answer === "ok";
}

/** EN-202: the run that a request's key has made. */
async function madeBefore({ store }: SubmitPorts, request: RunRequest): Promise<string | undefined> {
  if (request.key === undefined) return undefined;
  const [entry] = await store.get([requestKey(request.key)]);
  if (entry === undefined) return undefined;
  const { run, fingerprint } = readRequest(entry);
  if (fingerprint === fingerprintOf(request)) return run;
  throw new EngineError(
    "idempotency_conflict",
    `This key started ${run} with another request. Send the first request again, or use a new key`,
  );
}

function fingerprintOf({ notebook, params = {}, cells }: RunRequest): string {
  return sha256(canonicalJson({ notebook, params, cells: cells ?? null }));
}

/** A cell that reads files is fresh only while these are the same, whatever its own text says. */
async function hashFiles(workspace: Workspace, { nodes }: Graph): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for (const { name, kind, cell: { header } } of nodes) {
    const glob = kind === "input" ? header.files ?? header.file : undefined;
    if (typeof glob !== "string") continue;
    // What cannot be read now fails when it runs, with its own words.
    const files = await workspace.files(glob).catch(() => []);
    found.push([name, sha256(canonicalJson(files.map(({ path, text }) => [path, text])))]);
  }
  return Object.fromEntries(found);
}

/** DF-623: a `files` param becomes the files that match its glob, a `file` param one of them. */
async function readFileParams(
  workspace: Workspace,
  params: readonly Param[],
  values: JsonObject,
): Promise<{ values: JsonObject; problems: Problem[] }> {
  const read: JsonObject = { ...values };
  const problems: Problem[] = [];
  for (const { name, type, place } of params) {
    const glob = values[name];
    if ((type !== "file" && type !== "files") || typeof glob !== "string") continue;
    const wrong = (message: string) =>
      problems.push({ ...place, code: "param_invalid", severity: "error", type: "config", message });
    try {
      const files = await workspace.files(glob);
      if (files.length === 0) wrong(`Param '${name}': no file matches '${glob}'`);
      else if (type === "files") read[name] = files;
      else if (files.length === 1) read[name] = files[0]!;
      else wrong(`Param '${name}' must name one file; ${files.length} match '${glob}'`);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      wrong(`Param '${name}': ${error.message}`);
    }
  }
  return { values: read, problems };
}

/** Codes of problems that have an error code of their own; all others refuse as `notebook_invalid`. */
const REFUSALS: Record<string, ErrorCode> = {
  cycle_found: "cycle_found",
  kind_unknown: "kind_unknown",
  param_missing: "param_missing",
  param_invalid: "param_invalid",
  graph_too_large: "graph_too_large",
};

function refusal(problems: Problem[]): EngineError {
  const errors = problems.filter((problem) => problem.severity === "error");
  const code = REFUSALS[errors[0]?.code ?? ""] ?? "notebook_invalid";
  const messages = [...new Set(errors.map((problem) => problem.message))];
  return new EngineError(code, `Cannot run: ${messages.slice(0, 5).join(", ")}`, { problems });
}
