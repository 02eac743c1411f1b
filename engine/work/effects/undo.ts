/**
 * Undoing one effect, by the owner of its run (EF-073 to EF-075). Owns: sending what undoes it, and what is tried again.
 * Never: which effect, nor what is durable of it before; that is `engine/run/effects/undo.ts`.
 *
 * E2 What may have happened is never sent again unless sending it twice comes to the same.
 */
import type { Clock } from "../../base/clock.ts";
import { allowedHosts } from "../../kinds/http/needs.ts";
import { retryAfterOf } from "../../models/provider_error.ts";
import type { RunCommand } from "../../run/command.ts";
import type { Egress, EgressOutcome } from "../../sandbox/egress/egress.ts";
import { statusText } from "../../sandbox/egress/exchange.ts";
import type { Store } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Answer } from "../commit/turn.ts";
import type { Documents } from "../documents.ts";
import type { Effect } from "./entry.ts";
import { readEffect } from "./log.ts";
import { type Way, wayOf } from "./way.ts";

/** What undoing needs. */
export interface UndoPorts {
  store: Store;
  documents: Documents;
  clock: Clock;
  egress?: Egress;
  /** Tells the run something; resolves when the answer is durable. */
  tell(live: LiveRun, command: RunCommand): Promise<Answer>;
  /** Whether the session that owns the run is sure to. */
  trusted(): boolean;
}

/** Waits before the next try, unless the other side asks for another. */
const AGAIN_MS = [1_000, 2_000];
const MOST_AFTER_MS = 60_000;
const MOST_ANSWER = 64 * 1024;
const MOST_WORDS = 2_000;
const INTERRUPTED = "Compensation was interrupted; result unknown";
/** After these nobody knows whether it has happened (EF-044). */
const DOUBTFUL: ReadonlySet<number> = new Set([408, 502, 504]);

interface Ended {
  ok: boolean;
  message: string;
}

/**
 * Undoes the effect that the run says is being undone, and tells the run how that went. It says nothing if `signal` aborts,
 * because then the run has another owner.
 *
 * @param interrupted another owner had begun it
 */
export async function undo(
  ports: UndoPorts,
  live: LiveRun,
  { interrupted, signal }: { interrupted: boolean; signal: AbortSignal },
): Promise<void> {
  const { step, effect: id } = live.run.undo!;
  let description = id;
  let ended: Ended | undefined;
  try {
    const effect = await readEffect(ports.store, id);
    description = effect.description;
    ended = await sent(ports, live, effect, interrupted, signal);
  } catch (error) {
    // Such as a version that is not kept any more; nothing is sent without it.
    ended = { ok: false, message: `Cannot be undone: ${error instanceof Error ? error.message : error}` };
  }
  if (ended === undefined || signal.aborted) return;
  const { ok } = ended;
  const note = `${ok ? "Compensated" : "Compensation failed"}: ${description}`;
  const message = ended.message.slice(0, MOST_WORDS);
  await ports.tell(live, { type: "settleUndo", step, effect: id, how: { ok, note, message } });
}

/** How it went, or nothing if the run has another owner by then. */
async function sent(
  ports: UndoPorts,
  live: LiveRun,
  effect: Effect,
  interrupted: boolean,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  const { clock, documents, egress } = ports;
  const way = wayOf(effect);
  if (way.type === "answer") return { ok: false, message: way.result.error ?? "There is nothing to undo" };
  if (interrupted && !way.repeatable) return { ok: false, message: INTERRUPTED };
  if (egress === undefined) return { ok: false, message: "This process has no way out to undo it by" };
  const cell = (await documents.open(live.head.version)).graph.byName.get(effect.cell)?.cell;
  const { method, url, headers, body } = way.request;
  const request = {
    method,
    url,
    headers,
    ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
    allowed: cell === undefined ? [] : allowedHosts(cell),
    maxBytes: MOST_ANSWER,
    signal,
  };
  for (let tries = 0;; tries++) {
    if (signal.aborted || !ports.trusted()) return undefined;
    const outcome = await egress.send(request);
    if (signal.aborted) return undefined;
    const wait = AGAIN_MS[tries];
    if (wait === undefined || !mayTryAgain(outcome, way.repeatable)) return judged(outcome, way);
    const asked = outcome.type === "answered" ? retryAfterOf(outcome.headers, clock.now()) : undefined;
    await clock.sleep(Math.min(asked ?? wait, MOST_AFTER_MS), signal);
  }
}

/** EF-075, as far as E2 lets it. */
function mayTryAgain(outcome: EgressOutcome, repeatable: boolean): boolean {
  if (outcome.type === "in_doubt") return repeatable;
  if (outcome.type !== "answered") return outcome.category === "network" || outcome.category === "timeout";
  const { status } = outcome;
  return (status === 429 || status === 408 || status >= 500) && (repeatable || !DOUBTFUL.has(status));
}

function judged(
  outcome: EgressOutcome,
  { request: { method }, done, failed }: Way & { type: "send" },
): Ended {
  if (outcome.type !== "answered") return { ok: false, message: `${failed}: ${outcome.message}` };
  const { status, headers } = outcome;
  if (status >= 200 && status < 300) return { ok: true, message: done };
  if (method === "DELETE" && (status === 404 || status === 410)) return { ok: true, message: "Already gone" };
  const to = headers.location;
  if (status >= 300 && status < 400 && to !== undefined) {
    return {
      ok: false,
      message: `Redirect refused: ${URL.parse(to, outcome.url)?.host ?? to.slice(0, 200)}`,
    };
  }
  return { ok: false, message: `${failed}: ${statusText(status)}` };
}
