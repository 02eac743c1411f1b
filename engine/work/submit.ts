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
import { makePlan, type PlanInput } from "../plan/plan.ts";
import type { History, Plan, PlanStep } from "../plan/types.ts";
import { encodeRecord } from "../store/codec.ts";
import { byNotebookKey, byTimeKey, eventKey, runKey, timerKey } from "../store/keys.ts";
import type { JournalRecord, RunEvent } from "../run/event.ts";
import type { Put, Store } from "../store/store.ts";
import type { Answer } from "./commit/turn.ts";
import { type Lineage, readyAt, type RunHead } from "./commit/live_run.ts";
import { foreseen } from "./children/foreseen.ts";
import type { Document, Documents } from "./documents.ts";
import { holdPlanned, holdsOf, namesOfEvent } from "./upkeep/names.ts";
import { checkLane, laneProblems, placeAsked } from "./lanes/asked.ts";
import type { LaneRules } from "./lanes/lane.ts";
import { type Named, named } from "./request/idempotency.ts";
import type { Base } from "./fork/fork.ts";
import { checkOptions, optionsOf } from "./request/options.ts";

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
  /** Values of cells given by hand, which then do not run, nor does what only leads to them. */
  inputs?: JsonObject;
  /** Not to begin before, epoch ms; what is past begins at once. At most a year ahead. */
  startAt?: number;
  /** The same, counted from when it is asked for, in ms; not with `startAt`. */
  delayMs?: number;
  /** When the run expires, whatever it is doing then, epoch ms. Absent: never. */
  deadline?: number;
  /** 0 to 100, 50 if absent: a higher one is claimed first, until a lower one has waited a minute longer for each. */
  priority?: number;
  /** The lane whose turn it is; that of front matter if absent, else the default one. */
  lane?: string;
  /** At most 32, of 64 and 256 bytes. */
  tags?: Record<string, string>;
  /** What beats the notebook's own policies. */
  overrides?: PlanInput["overrides"];
  /** An estimate over a limit refuses the run instead of warning (EN-209). */
  strict?: boolean;
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
  plans: Plans;
  /** What this process knows of the default lane, if it has a worker. */
  defaultLane(): LaneRules | undefined;
  /** Spares the reading of a plan that was just made. */
  remember(head: RunHead, plan: Plan): void;
  /** Lets this process's worker make the run, if it has one with room. */
  admit(head: RunHead, plan: Plan, event: QueuedEvent, puts: Put[]): Promise<Answer> | undefined;
}

type QueuedEvent = Extract<RunEvent, { type: "run.queued" }>;

/** Where a run comes from: a step that begins it, or a run that it goes on from. */
interface From {
  parent?: Lineage;
  base?: Base;
}

/** Checks and plans a request. Starts, writes and sends nothing; reads the files that params name. */
export async function prepare(
  ports: SubmitPorts,
  request: Omit<RunRequest, "author">,
  { parent, base }: From = {},
): Promise<Prepared> {
  const document = ports.documents.read(request.text);
  const { notebook, graph } = document;
  const taken = base === undefined ? {} : paramsTaken(graph.params, base.params, request.params);
  const asked = graph.params.filter(({ name }) => !Object.hasOwn(taken, name));
  const resolved = resolveParams(asked, request.params ?? {});
  const files = await readFileParams(ports.workspace, asked, resolved.values);
  const params = { ...files.values, ...taken };
  const contents = await hashFiles(ports.workspace, graph);
  const history = base?.history ??
    (request.cells === undefined ? undefined : await ports.history(request.notebook));
  const lane = await laneProblems(ports.store, request, notebook.frontMatter);
  const below = await foreseen(ports, request.notebook, document, parent);
  const known = [...document.problems, ...resolved.problems, ...files.problems, ...below, ...lane];
  const make = () =>
    makePlan({
      graph,
      notebook,
      version: document.version,
      params,
      problems: known,
      contents,
      kinds: (name) => ports.kinds.get(name),
      ...(request.cells === undefined ? {} : { cells: request.cells }),
      ...(history === undefined ? {} : { history }),
      ...(base === undefined ? {} : { goesOn: base.goesOn }),
      ...(request.inputs === undefined ? {} : { given: request.inputs }),
      ...(request.overrides === undefined ? {} : { overrides: request.overrides }),
      ...(request.strict === undefined ? {} : { strict: request.strict }),
    });
  const refused = known.length > document.problems.length;
  const special = request.cells ?? request.inputs ?? request.overrides ?? request.strict ?? base;
  const { plan, problems } = special !== undefined || refused
    ? make()
    : plannedBefore(ports.plans, document, canonicalJson([params, contents]), make);
  const found = [...known, ...problems.filter((problem) => !known.includes(problem))];
  return {
    document,
    params,
    contents,
    problems: inOrder(found),
    ...(history === undefined ? {} : { history }),
    ...(plan === undefined ? {} : { plan }),
  };
}

/** Params of the source of a fork that are not asked for anew and that the document still has. */
function paramsTaken(params: readonly Param[], source: JsonObject, given: JsonObject = {}): JsonObject {
  const taken = params.filter(({ name }) => Object.hasOwn(source, name) && !Object.hasOwn(given, name));
  return Object.fromEntries(taken.map(({ name }) => [name, source[name]!]));
}

/**
 * Plans of whole documents by their params and what their cells read, while the document is remembered. Runs of a
 * deployment differ in little, and making a plan hashes every cell.
 */
export type Plans = WeakMap<Document, Map<string, ReturnType<typeof makePlan>>>;

/** Plans kept of a document, and the longest text of params that one is kept for. */
const PLANS_A_DOCUMENT = 20;
const LONGEST_PARAMS = 4_096;

function plannedBefore(
  plans: Plans,
  document: Document,
  params: string,
  make: () => ReturnType<typeof makePlan>,
): ReturnType<typeof makePlan> {
  const ofDocument = plans.get(document) ?? new Map<string, ReturnType<typeof makePlan>>();
  const known = ofDocument.get(params);
  if (known !== undefined) return known;
  const made = make();
  if (ofDocument.size >= PLANS_A_DOCUMENT) ofDocument.delete(ofDocument.keys().next().value!);
  // A plan with values of its own is made again each time, because they are stored again each time.
  const bare = made.plan?.steps.every(({ fallback }) => fallback === undefined) ?? true;
  if (bare && params.length <= LONGEST_PARAMS) ofDocument.set(params, made);
  plans.set(document, ofDocument);
  return made;
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
export async function submit(ports: SubmitPorts, asked: RunRequest, base?: Base): Promise<Submitted> {
  const now = ports.clock.now();
  // By what was said: the same delay, asked for again, names the same run.
  const name = await nameOf(ports, asked, now, base);
  if (name?.made !== undefined) return { run: name.made };
  const own = asked.delayMs === undefined ? asked : { ...asked, startAt: now + asked.delayMs };
  checkOptions(own, now);
  const { request, head, event, plan } = await drawUp(ports, own, now, { base });
  if (await admitted(ports, request, head, plan, event)) return { run: head.id, head };
  if (await appear(ports, name, head, event)) return { run: head.id, head };
  const winner = (await nameOf(ports, asked, now, base))?.made;
  if (winner === undefined) throw new EngineError("internal", `Two runs drew one id: ${head.id}`);
  return { run: winner };
}

/** Checks a request, and stores what its run will name; the run is not there yet. */
async function drawUp(ports: SubmitPorts, own: RunRequest, now: number, from: From) {
  const { parent, base } = from;
  const { document, plan, params, problems } = await prepare(ports, own, from);
  if (plan === undefined) throw refusal(problems);
  const request = { ...own, ...placeAsked(own, document.notebook.frontMatter) };
  await checkLane(ports.store, request.lane, ports.defaultLane());
  await storeGiven(ports, plan);
  const [planRef, paramsRef] = await stored(ports, request.text, plan, params);
  const retention = retentionOf(document.notebook.frontMatter);
  const head: RunHead = {
    id: ports.ids.next("run"),
    notebook: request.notebook,
    version: document.version,
    author: request.author.slice(0, MOST_AUTHOR),
    plan: planRef,
    createdAt: now,
    phase: "queued",
    intent: "go",
    outcome: "none",
    ...optionsOf(request, now),
    ...(retention === undefined ? {} : { retention }),
    ...(parent === undefined ? {} : { parent }),
    ...(base === undefined ? {} : { origin: base.origin }),
  };
  const event = {
    type: "run.queued",
    notebook: head.notebook,
    version: head.version,
    plan: planRef,
    params: paramsRef,
    author: head.author,
    ...optionsOf(request, now),
  } as const;
  ports.remember(head, plan);
  await holdPlanned(ports.store, head, plan);
  return { request, head, event, plan };
}

/**
 * A run that a step of another begins: what is to be written, with the event that names it, to make it appear whole.
 * Throws as `submit` does.
 */
export async function bear(
  ports: SubmitPorts,
  request: Omit<RunRequest, "key" | "startAt" | "delayMs">,
  parent: Lineage,
): Promise<{ head: RunHead; puts: Put[] }> {
  const now = ports.clock.now();
  checkOptions(request, now);
  const { head, event } = await drawUp(ports, request, now, { parent });
  return { head, puts: recordsOf(head, event) };
}

/** Longest between storing and naming: far below the time that content without holders is kept. */
const NAMED_WITHIN_MS = 600_000;

/** Stores what the run will name; again if that took so long, as over a machine's sleep, that some may be gone. */
async function stored({ artifacts, clock }: SubmitPorts, text: string, plan: Plan, params: JsonObject) {
  for (;;) {
    const at = clock.now();
    await artifacts.putText(text);
    const refs = [
      await artifacts.putShared(plan as unknown as JsonObject),
      await artifacts.put(params),
    ] as const;
    if (clock.now() - at < NAMED_WITHIN_MS) return refs;
  }
}

/** What is known of the request's key, if it has one (EN-202). */
async function nameOf(
  { store }: SubmitPorts,
  request: RunRequest,
  now: number,
  base?: Base,
): Promise<Named | undefined> {
  if (request.key === undefined) return undefined;
  // Where the source has come to meanwhile is not what was asked for.
  const origin = base === undefined ? "" : `${base.origin.run} ${base.origin.checkpoint ?? ""} `;
  return await named(store, request.key, origin + fingerprintOf(request), now);
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
  if (key !== undefined || head.startAt !== undefined) return false;
  hit("submit.before");
  const answer = await admit(head, plan, event, listed(head));
  hit("submit.after");
  return answer?.ok === true;
}

/** A run's entries in the lists. */
function listed(head: RunHead): Put[] {
  const value = encodeRecord(null);
  return [
    { key: byNotebookKey(head.notebook, head.createdAt, head.id), value },
    { key: byTimeKey(head.createdAt, head.id), value },
  ];
}

/** Writes a new run whole; false if another request with the same key was faster. */
async function appear(
  { store }: SubmitPorts,
  name: Named | undefined,
  head: RunHead,
  event: QueuedEvent,
): Promise<boolean> {
  hit("submit.before");
  const unless = [eventKey(head.id, 1), ...name?.unless ?? []];
  const puts = [...recordsOf(head, event), ...(name === undefined ? [] : [name.put(head.id)])];
  const answer = await store.submit(puts, unless);
  hit("submit.after");
  return answer === "ok";
}

/** All that makes a run appear, for whoever claims it. */
function recordsOf(head: RunHead, event: QueuedEvent): Put[] {
  const first: JournalRecord = { seq: 1, at: head.createdAt, session: "", epoch: 0, events: [event] };
  return [
    { key: eventKey(head.id, 1), value: encodeRecord(first) },
    { key: runKey(head.id), value: encodeRecord({ ...head, wakeAt: head.startAt }) },
    ...listed(head),
    ...holdsOf(head.id, namesOfEvent(event), head.createdAt),
    {
      key: head.startAt === undefined ? readyAt(head) : timerKey(head.startAt, head.id),
      value: encodeRecord(null),
    },
  ];
}

/** What a request asks for, its text apart; what it does not say does not count. */
function fingerprintOf(request: RunRequest): string {
  const {
    notebook,
    params = {},
    cells,
    inputs,
    startAt,
    delayMs,
    deadline,
    priority,
    lane,
    tags,
    overrides,
    strict,
  } = request;
  const said = Object.entries({ inputs, startAt, delayMs, deadline, priority, lane, tags, overrides, strict })
    .filter(([, value]) => value !== undefined);
  return sha256(
    canonicalJson({ notebook, params, cells: cells ?? null, ...Object.fromEntries(said) } as Json),
  );
}

/** Fallbacks as their plans were made with them: a plan that serves again finds that what it names may have gone. */
const fallbacks = new WeakMap<PlanStep, Json>();

/** EN-112: what a plan holds as a value of its own is stored before anyone names it. */
async function storeGiven({ artifacts }: SubmitPorts, plan: Plan): Promise<void> {
  for (const step of plan.steps) {
    const { fallback, reuse } = step;
    if (fallback !== undefined && "inline" in fallback) fallbacks.set(step, fallback.inline);
    const given = fallbacks.get(step);
    if (given !== undefined) step.fallback = await artifacts.put(given);
    if (reuse !== undefined && reuse.run === undefined && "inline" in reuse.value) {
      step.reuse = { value: await artifacts.put(reuse.value.inline) };
    }
  }
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
  child_recursion: "child_recursion",
  child_depth: "child_depth",
  estimate_over_limit: "estimate_over_limit",
  lane_unknown: "lane_unknown",
};

function refusal(problems: Problem[]): EngineError {
  const errors = problems.filter((problem) => problem.severity === "error");
  const code = REFUSALS[errors[0]?.code ?? ""] ?? "notebook_invalid";
  const messages = [...new Set(errors.map((problem) => problem.message))];
  return new EngineError(code, `Cannot run: ${messages.slice(0, 5).join(", ")}`, { problems });
}
