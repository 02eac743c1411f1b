/**
 * Waitpoints and approvals of all runs, for the front doors. Owns: which a token opens, who may decide, what lists show.
 * Never: what a signal does to its run (`engine/run/commands/wait.ts`).
 *
 * EN-1004 Token, idempotency key, waitpoint, matcher, limit: in this order; a wrong token and an unknown waitpoint get one
 * answer.
 */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import type { WaitpointKeys } from "../../access/waitpoint_keys/waitpoint_keys.ts";
import type { Clock } from "../../base/clock.ts";
import { EngineError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { schemaCheck } from "../../kinds/schema/check.ts";
import {
  type ApprovalTerms,
  APPROVE,
  LINK,
  mayNotDecide,
  readTerms,
  REJECT,
} from "../../kinds/wait/terms.ts";
import { runOfWaitpoint, type SignalResult, WAIT_KINDS, type WaitKind } from "../../run/waits/types.ts";
import { lastText, openWaitpointPrefix, runKey, waitpointKey, waitpointPrefix } from "../../store/keys.ts";
import type { Key, Store } from "../../store/store.ts";
import type { Instruction, TellOptions, Told } from "../control/tell.ts";
import { readHead } from "../records.ts";
import { readWaitpoint, type WaitpointRecord } from "./record.ts";

/** Which waitpoints; absent fields leave none out. */
export interface WaitpointFilter {
  run?: string;
  /** Also those that are closed; only with `run`. */
  closed?: boolean;
  wait?: WaitKind;
  name?: string;
  /** At most; default 50. */
  limit?: number;
}

/** An approval with what it asks. */
export interface Approval extends ApprovalTerms {
  waitpoint: WaitpointRecord;
  state: "open" | "approved" | "rejected" | "closed";
}

/** What somebody decides. */
export interface Decision {
  decision: "approve" | "reject";
  note?: string;
  /** Instead of the value asked about. */
  value?: Json;
}

/** See the module comment. Methods throw `EngineError` with the codes named. */
export interface Waits {
  /** The secrets of tokens. */
  readonly keys: WaitpointKeys;
  /** Oldest first. */
  list(filter: WaitpointFilter): Promise<WaitpointRecord[]>;
  /** `waitpoint_not_found`. */
  get(waitpoint: string): Promise<WaitpointRecord>;
  /** A token for whoever is to answer. `waitpoint_not_found`, `waitpoint_closed`. */
  token(waitpoint: string): Promise<{ token: string; link: string; expiresAt: number }>;
  /** Sends a signal to a waitpoint by its token. `token_invalid`, `token_expired`, `waitpoint_closed`, `signal_limit`. */
  signal(
    waitpoint: string,
    token: string,
    said: { name?: string; payload?: Json; key?: string },
  ): Promise<SignalResult>;
  /** An operator ends a suspension. `waitpoint_not_found`, `not_suspended`. */
  operate(
    waitpoint: string,
    how: "resume" | "close",
    by: string,
    reason: string,
    payload?: Json,
  ): Promise<void>;
  /** `approval_not_found`. */
  approval(waitpoint: string): Promise<Approval>;
  /** The approval that a link stands for. `token_invalid`, `token_expired`. */
  approvalOfLink(link: string): Promise<Approval>;
  /** Decides. `approval_not_found`, `not_approver`, `approval_decided`, `schema_invalid`, `token_expired`. */
  decide(
    waitpoint: string,
    by: string,
    decision: Decision,
  ): Promise<{ state: Approval["state"]; needed: number }>;
  /** Decides by a link, once. Also `token_invalid`, `link_used`. */
  decideByLink(link: string, decision: Decision): Promise<{ state: Approval["state"]; needed: number }>;
}

/** What waits stand on. */
export interface WaitsPorts {
  store: Store;
  artifacts: Artifacts;
  clock: Clock;
  keys: WaitpointKeys;
  tell(run: string, instruction: Instruction, options?: TellOptions): Promise<Told>;
}

const DEFAULT_LIMIT = 50;
/** Entries looked at together. */
const WINDOW = 100;
/** How long the answer of a run that another process owns is waited for. */
const WAIT_MS = 10_000;

/** Makes them. */
export function openWaits(ports: WaitsPorts): Waits {
  const { store, artifacts, clock, keys, tell } = ports;

  async function find(id: string): Promise<WaitpointRecord | undefined> {
    const run = runOfWaitpoint(id);
    // One that cannot be is looked for all the same, so that it takes as long.
    const [entry] = await store.get([waitpointKey(run ?? "run_0", id.slice(0, 64))]);
    return entry === undefined ? undefined : readWaitpoint(entry);
  }

  async function get(id: string): Promise<WaitpointRecord> {
    const found = await find(id);
    if (found !== undefined) return found;
    throw new EngineError("waitpoint_not_found", `No waitpoint has this id: ${id.slice(0, 64)}`);
  }

  /** The waitpoint that a token was made for, while it may still be used. */
  async function opened(id: string, token: string): Promise<WaitpointRecord> {
    const found = await find(id);
    const right = keys.check(token, found === undefined ? undefined : subjectOf(found));
    if (!right) throw new EngineError("token_invalid", "The token is not valid for a waitpoint of this id");
    if (found!.expiresAt <= clock.now()) {
      throw new EngineError("token_expired", "The time of this token is over");
    }
    return found!;
  }

  async function told(run: string, instruction: Instruction): Promise<SignalResult> {
    const { state, result } = await tell(run, instruction, { waitMs: WAIT_MS });
    if (state === "applied") return result ?? { answer: "applied", needs: [] };
    throw new EngineError(
      "run_busy",
      "Nobody has taken the answer up yet; it is kept. Look again in a moment",
    );
  }

  async function* openOnes(waits: readonly string[]): AsyncIterable<WaitpointRecord> {
    for (const wait of waits) {
      let after: Key | undefined;
      for (;;) {
        const window = await Array.fromAsync(store.list(openWaitpointPrefix(wait), { limit: WINDOW, after }));
        const ids = window.map(({ key }) => lastText(key));
        const records = await store.get(ids.map((id) => waitpointKey(runOfWaitpoint(id) ?? "run_0", id)));
        const heads = await store.get(ids.map((id) => runKey(runOfWaitpoint(id) ?? "run_0")));
        for (const [i, entry] of records.entries()) {
          const head = heads[i];
          // A run that ended with very many of them leaves some behind in the list.
          if (entry === undefined || head === undefined || readHead(head).phase === "ended") continue;
          yield readWaitpoint(entry);
        }
        if (window.length < WINDOW) break;
        after = window.at(-1)!.key;
      }
    }
  }

  async function* ofRun(run: string): AsyncIterable<WaitpointRecord> {
    for await (const entry of store.list(waitpointPrefix(run))) yield readWaitpoint(entry);
  }

  async function withTerms(waitpoint: WaitpointRecord): Promise<Approval> {
    // What it asked goes with its run if it was large; who has decided stays.
    const about = waitpoint.about === undefined
      ? undefined
      : await artifacts.get(waitpoint.about).catch(() => undefined);
    return { ...readTerms(about), waitpoint, state: stateOf(waitpoint) };
  }

  async function approval(id: string): Promise<Approval> {
    const found = await find(id);
    if (found?.wait === "approval") return await withTerms(found);
    throw new EngineError("approval_not_found", `No approval has this id: ${id.slice(0, 64)}`);
  }

  async function decide(id: string, by: string, { decision, note, value }: Decision) {
    const asked = await approval(id);
    const { waitpoint } = asked;
    if (waitpoint.closedAt !== undefined) throw decided(waitpoint);
    const why = mayNotDecide(asked, by, waitpoint.author);
    if (why !== undefined) throw new EngineError("not_approver", why);
    if (value !== undefined) await checkValue(asked, decision, value);
    const name = decision === "approve" ? APPROVE : REJECT;
    const payload = { ...(note === undefined ? {} : { note }), ...(value === undefined ? {} : { value }) };
    let result: SignalResult;
    try {
      result = await told(waitpoint.run, { type: "applySignal", name, by, payload, waitpoint: id });
    } catch (error) {
      if (error instanceof EngineError && error.code === "waitpoint_closed") throw decided(await get(id));
      throw error;
    }
    if (result.answer === "duplicate") {
      throw new EngineError("approval_decided", "You have decided this already; somebody else is needed");
    }
    const needed = result.needs.reduce((most, { count }) => Math.max(most, count), 0);
    if (needed > 0) return { state: "open" as const, needed };
    return { state: decision === "approve" ? "approved" as const : "rejected" as const, needed: 0 };
  }

  return {
    keys,
    async list({ run, closed = false, wait, name, limit = DEFAULT_LIMIT }) {
      const found: WaitpointRecord[] = [];
      const all = run === undefined
        ? openOnes(wait === undefined ? [...WAIT_KINDS, "opened"] : [wait])
        : ofRun(run);
      for await (const waitpoint of all) {
        const fits = (closed || waitpoint.closedAt === undefined) &&
          (wait === undefined || waitpoint.wait === wait) && (name === undefined || waitpoint.name === name);
        if (fits && found.push(waitpoint) >= limit) break;
      }
      return found.sort((a, b) => a.createdAt - b.createdAt);
    },
    get,
    async token(id) {
      const waitpoint = await get(id);
      if (waitpoint.closedAt !== undefined) throw new EngineError("waitpoint_closed", `${id} is closed`);
      const token = keys.sign(subjectOf(waitpoint));
      return { token, link: `${id}.${token}`, expiresAt: waitpoint.expiresAt };
    },
    async signal(id, token, { name, payload, key }) {
      const waitpoint = await opened(id, token);
      if (waitpoint.wait === "approval" || waitpoint.wait === "children") {
        throw new EngineError(
          "waitpoint_closed",
          `${id} takes no signals; an approval is decided by its link`,
        );
      }
      return await told(waitpoint.run, {
        type: "applySignal",
        name: name ?? waitpoint.name,
        by: `waitpoint:${id}`,
        waitpoint: id,
        ...(payload === undefined ? {} : { payload }),
        ...(key === undefined ? {} : { signalKey: key }),
      });
    },
    async operate(id, how, by, reason, payload) {
      const { run, step, closedAt } = await get(id);
      if (closedAt !== undefined) throw new EngineError("not_suspended", `${id} is closed`);
      const said = { step, by, reason };
      await told(
        run,
        how === "close" ? { type: "closeSuspension", ...said } : {
          type: "resumeSuspension",
          ...said,
          ...(payload === undefined ? {} : { payload }),
        },
      );
    },
    approval,
    async approvalOfLink(link) {
      return await withTerms(await linked(link));
    },
    decide,
    async decideByLink(link, decision) {
      const waitpoint = await linked(link);
      const used = new EngineError("link_used", "This link has been used: a link decides once");
      if (waitpoint.answers.some(({ source }) => source === LINK)) throw used;
      try {
        return await decide(waitpoint.id, LINK, decision);
      } catch (error) {
        // Somebody was faster with the same link.
        if (error instanceof EngineError && error.code === "approval_decided") {
          if ((await get(waitpoint.id)).answers.some(({ source }) => source === LINK)) throw used;
        }
        throw error;
      }
    },
  };

  async function linked(link: string): Promise<WaitpointRecord> {
    const dot = link.indexOf(".");
    const waitpoint = await opened(link.slice(0, Math.max(0, dot)), link.slice(dot + 1));
    if (waitpoint.wait !== "approval") {
      throw new EngineError("token_invalid", "The link is not that of an approval");
    }
    return waitpoint;
  }
}

function subjectOf({ run, step, attempt, id, createdAt, expiresAt }: WaitpointRecord) {
  return { run, step, attempt, waitpoint: id, createdAt, expiresAt };
}

function stateOf({ closedAt, answers }: WaitpointRecord): Approval["state"] {
  if (closedAt === undefined) return "open";
  if (answers.some(({ name }) => name === REJECT)) return "rejected";
  return answers.some(({ name }) => name === APPROVE) ? "approved" : "closed";
}

function decided({ answers, closedAt = 0 }: WaitpointRecord): EngineError {
  const last = answers.at(-1);
  const message = last === undefined
    ? `It is closed since ${new Date(closedAt).toISOString()}`
    : `Already answered by ${last.source} at ${new Date(last.at).toISOString()}`;
  return new EngineError("approval_decided", message);
}

async function checkValue(
  { schema, value: asked }: ApprovalTerms,
  decision: string,
  value: Json,
): Promise<void> {
  if (decision === "reject") throw new EngineError("schema_invalid", "A rejection carries no value");
  if (schema === undefined && asked === undefined) {
    throw new EngineError("schema_invalid", "This approval asks about no value, so that none can be given");
  }
  if (schema === undefined) return;
  const read = await schemaCheck(typeof schema === "boolean" ? schema ? {} : { not: {} } : schema);
  if (!read.ok) throw new EngineError("schema_invalid", `The approval's schema is not usable: ${read.fault}`);
  const problems = read.check(value).slice(0, 5);
  if (problems.length === 0) return;
  throw new EngineError(
    "schema_invalid",
    `The value does not fit what is asked for: ${problems.join(", ")}`,
    {
      problems,
    },
  );
}
