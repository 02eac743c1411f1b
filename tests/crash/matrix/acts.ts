/**
 * The scenario of cells that act on the world outside, which is a server that counts (`../counter/`). Owns: its cells,
 * what each declares, and the person who says of what is in doubt what that server knows.
 */
import { EngineError } from "../../../engine/base/errors.ts";
import type { Attempt, EffectIntent, Outcome, Probe } from "../../../engine/kinds/kind.ts";
import { type Behaviour, notebookOf } from "../../engine/work/_harness.ts";
import { act, timesOf } from "../counter/counter.ts";
import { sleep, type Stage } from "./stage.ts";

/** How often each action reaches the server. */
export const ACTS: Record<string, "once" | "again"> = {
  pay: "once",
  mail: "once",
  book: "once",
  put: "again",
  set: "again",
  order: "once",
  ship: "once",
  both_pay: "once",
  both_put: "again",
  last: "once",
};

/** Twenty cells: ten actions of nine cells, side by side and after one another, among cells that only count. */
export const ACTS_GRAPH: Record<string, string[]> = {
  a: [],
  pay: ["a"],
  mail: ["a"],
  put: ["a"],
  b: ["pay", "mail"],
  c: ["put"],
  set: ["b", "c"],
  order: ["b"],
  d: ["order"],
  e: ["d"],
  f: ["d"],
  both: ["e", "set"],
  g: ["both"],
  h: ["both"],
  book: ["g"],
  ship: ["h"],
  i: ["book", "ship"],
  j: ["i"],
  last: ["j"],
  z: ["last"],
};

const IRREVERSIBLE = { type: "irreversible", reason: "It is out" } as const;
const REPEATABLE = { type: "idempotent", canRetry: true } as const;
const PROBED = new Set(["pay", "ship"]);
const MOVING = ["queued", "running", "retrying"] as const;
const LOOK_MS = 4;

/** What the cells do; those that are not named add up their inputs. */
export function actors(stage: () => Stage): Behaviour {
  async function perform(attempt: Attempt, name: string): Promise<Outcome> {
    const { run, cell, effects } = attempt;
    const { folder } = stage();
    const intent: EffectIntent = {
      request: { name },
      description: `POST /${name}`,
      service: "counter",
      method: "POST",
      descriptor: ACTS[name] === "again" ? REPEATABLE : IRREVERSIBLE,
      slot: name,
    };
    const probe: Probe = async () => {
      const [effect] = (await stage().engine.effects.list({ run, cell: cell.name })).items;
      return await timesOf(folder, effect!.idempotencyKey) > 0
        ? { type: "done", result: name }
        : { type: "failed" };
    };
    const done = await effects.perform(intent, async ({ key, signal }) => {
      stage().acted(run, cell.name, key);
      try {
        await act(folder, name, key, signal);
        return { type: "done", result: name };
      } catch (error) {
        return { type: "unknown", why: String(error) };
      }
    }, PROBED.has(name) ? probe : undefined);
    return done.ok ? { type: "succeeded", value: 1 } : done.outcome;
  }

  const single = Object.keys(ACTS).filter((name) => name in ACTS_GRAPH);
  return {
    ...Object.fromEntries(single.map((name) => [name, (attempt: Attempt) => perform(attempt, name)])),
    async both(attempt) {
      const first = await perform(attempt, "both_pay");
      return first.type === "succeeded" ? await perform(attempt, "both_put") : first;
    },
  };
}

/** Runs it, and says of each doubt what the server knows, as a person would who looks there. */
export async function driveActs(stage: Stage): Promise<void> {
  const run = await stage.submit({ notebook: "effects", text: notebookOf(ACTS_GRAPH) });
  const over = new AbortController();
  const answering = answerDoubts(stage, run, over.signal);
  await stage.ended(run);
  over.abort();
  await answering;
}

/** Whether each run has ended or waits for somebody who says what has happened. */
export async function nothingMoves({ engine }: Stage): Promise<boolean> {
  const states = await Promise.all((await engine.runs({})).map(({ id }) => engine.state(id)));
  return states.every(({ byLabel }) => MOVING.every((label) => byLabel[label] === undefined));
}

async function answerDoubts({ engine, folder }: Stage, run: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    for (
      const { id, stepId, idempotencyKey } of (await engine.effects.list({ run, state: "in-doubt" })).items
    ) {
      if ((await engine.stepState(run, stepId)).label !== "in-doubt") continue;
      const as = await timesOf(folder, idempotencyKey) > 0 ? "done" : "not_done";
      // Somebody was faster, or the cell has found it out by itself.
      await engine.effects.resolve(id, "a person", { as, note: "The server says so" }).catch((error) => {
        if (!(error instanceof EngineError)) throw error;
      });
    }
    await sleep(LOOK_MS);
  }
}
