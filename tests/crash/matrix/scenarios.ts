/**
 * What the processes of the crash matrix do. Owns: notebooks, what their cells do, what is said to their runs, and how
 * each run must end. A scenario is driven by whichever process is alive: each step of a drive may have been made before.
 */
import type { FaultPoint } from "../../../engine/base/faults.ts";
import type { Attempt, Outcome } from "../../../engine/kinds/kind.ts";
import { type Behaviour, notebookOf, untilAborted } from "../../engine/work/_harness.ts";
import { cell } from "../../engine/work/children/_notebooks.ts";
import { actors, ACTS, ACTS_GRAPH, driveActs, nothingMoves } from "./acts.ts";
import type { Stage } from "./stage.ts";

/** How a run must end: its label, and for each cell its labels, one of which it has, and its value. */
export interface Ending {
  label: string;
  cells: Record<string, { label: string[]; value?: unknown; text?: string }>;
}

/** See the module comment. */
export interface Scenario {
  /** Says what to run, and what to say to it, until every run has ended. */
  drive(stage: Stage): Promise<void>;
  behaviour(stage: () => Stage): Behaviour;
  /** By notebook, which is by run. */
  ends: Record<string, Ending>;
  /** Submits without a key, so that its worker makes the run in its own commit. */
  keyless?: true;
  /** Each process has another worker besides, with these capabilities. */
  helper?: string[];
  /** Notebooks of the workspace, for cells that run them. */
  notebooks?: Record<string, string>;
  /** It has secrets for tokens in a file. */
  keys?: true;
  /** Another process was killed amid it before. */
  inherited?: true;
  /** Cells that it has run again, though they succeeded. */
  again?: readonly string[];
  /** Its first process closes before the end. */
  leaves?: true;
  /** Whether the heir of a process that was stopped has done all that it can without being told anything. */
  calm?(stage: Stage): Promise<boolean>;
  /** It acts on a server that counts: what, and whether once or, where that is safe, again. */
  acts?: Record<string, "once" | "again">;
  /** It is for these points only. */
  points?: readonly FaultPoint[];
}

const succeeded = ["succeeded"];

/** A layer of three, four times: fan-out, fan-in and a chain in one. */
export const FAN: Record<string, string[]> = Object.fromEntries(
  Array.from({ length: 12 }, (_, i) => {
    const layer = Math.floor(i / 3);
    return [`c${i}`, layer === 0 ? [] : [0, 1, 2].map((k) => `c${(layer - 1) * 3 + k}`)];
  }),
);
const BIG = "x".repeat(20_000);

async function speak({ cell, emit, clock }: Attempt): Promise<Outcome> {
  for (let i = 0; i < 3; i++) {
    emit({ type: "text", text: `${cell.name} says ${i}\n` });
    await clock.sleep(1);
  }
  return { type: "succeeded", value: cell.name === "c4" ? BIG : cell.name };
}

const fanEnd: Ending = {
  label: "succeeded",
  cells: Object.fromEntries(
    Object.keys(FAN).map((name) => [name, {
      label: succeeded,
      value: name === "c4" ? BIG : name,
      text: [0, 1, 2].map((i) => `${name} says ${i}\n`).join(""),
    }]),
  ),
};
const everyCell = (act: (attempt: Attempt) => Promise<Outcome>): Behaviour =>
  Object.fromEntries(Object.keys(FAN).map((name) => [name, act]));

async function driveFan(stage: Stage): Promise<void> {
  await stage.ended(await stage.submit({ notebook: "fan", text: notebookOf(FAN) }));
}

async function callTwice({ cell, spend, clock }: Attempt): Promise<Outcome> {
  for (const calls of [1, 2]) {
    const room = await spend.reserve([{ calls: 1 }], { calls: calls - 1 });
    if (!room.ok) return room.outcome;
    await clock.sleep(3);
  }
  return { type: "succeeded", value: cell.name, usage: { calls: 2 } };
}

function forSignal({ signals }: Attempt): Outcome {
  return signals === undefined
    ? { type: "suspended", wait: "signal", condition: { type: "signal", name: "go" } }
    : { type: "succeeded", value: signals[0]!.payload ?? null };
}

const SUSPENSIONS = 90;
const LIMITED = ["q0", "q1", "q2", "q3", "q4", "q5"];

/** Every scenario by its name. */
export const SCENARIOS: Record<string, Scenario> = {
  /** Twelve cells with frames and an artifact. */
  fan: { drive: driveFan, behaviour: () => everyCell(speak), ends: { fan: fanEnd }, keyless: true },

  /** Retries with backoff, and an attempt that gives its slot back until the journal is long enough for a snapshot. */
  patience: {
    async drive(stage) {
      const retry = "retry: { attempts: 3, initial: 100ms, jitter: none }";
      const text = notebookOf({ f: [], d: [], e: ["f", "d"] }, { f: retry });
      await stage.ended(await stage.submit({ notebook: "patience", text }));
    },
    behaviour: () => ({
      f: ({ attempt, emit }) => {
        emit({ type: "text", text: `try ${attempt}` });
        if (attempt < 3) return { type: "failed", problem: { category: "network", message: "cut" } };
        return { type: "succeeded", value: "f" };
      },
      d: ({ saved, emit }) => {
        const { n } = (saved ?? { n: 0 }) as { n: number };
        if (n % 30 === 0) emit({ type: "text", text: `${n} ` });
        if (n === SUSPENSIONS) return { type: "succeeded", value: n };
        return { type: "delayed", ms: n === 45 ? 100 : 1, saved: { n: n + 1 } };
      },
      e: ({ inputs }) => ({ type: "succeeded", value: `${inputs.f}${inputs.d}` }),
    }),
    ends: {
      patience: {
        label: "succeeded",
        cells: {
          f: { label: succeeded, value: "f" },
          d: { label: succeeded, value: SUSPENSIONS, text: "0 30 60 90 " },
          e: { label: succeeded, value: `f${SUSPENSIONS}` },
        },
      },
    },
  },

  /** Pause and resume of a run, then a command to each of three steps. */
  commands: {
    async drive(stage) {
      const retry = "retry: { attempts: 2, initial: 10m, max: 10m, jitter: none }";
      const text = notebookOf({ a: [], s: ["a"], v: ["a"], r: ["a"], z: ["v", "r"] }, { r: retry });
      const run = await stage.submit({ notebook: "commands", text });
      const is = (label: string, step: string) => async () =>
        (await stage.engine.stepState(run, step)).label === label;
      await stage.tell(run, { type: "pauseRun" }, () => stage.happened(run, "step.started"));
      await stage.tell(run, { type: "resumeRun" }, async () => {
        const { byLabel } = await stage.engine.state(run);
        return byLabel.running === undefined || await stage.happened(run, "step.started", "s");
      });
      await stage.tell(run, { type: "skipStep", step: "s" }, is("running", "s"));
      await stage.tell(run, { type: "supplyValue", step: "v", value: 7 }, is("suspended", "v"));
      await stage.tell(run, { type: "retryStep", step: "r" }, is("retrying", "r"));
      await stage.ended(run);
    },
    behaviour: (stage) => ({
      a: async ({ clock }) => {
        await clock.sleep(30);
        return { type: "succeeded", value: 1 };
      },
      s: untilAborted,
      v: () => ({ type: "delayed", ms: 600_000 }),
      r: async ({ run }) => {
        // It fails until it is retried by hand, however often its process dies.
        if (await stage().happened(run, "step.woken", "r")) return { type: "succeeded", value: 2 };
        return { type: "failed", problem: { category: "network", message: "cut" } };
      },
    }),
    ends: {
      commands: {
        label: "succeeded",
        cells: {
          a: { label: succeeded, value: 1 },
          s: { label: ["skipped"] },
          v: { label: ["supplied"], value: 7 },
          r: { label: succeeded, value: 2 },
          z: { label: succeeded, value: 10 },
        },
      },
    },
  },

  /** A run that begins later, and one that is not over in time. */
  times: {
    async drive(stage) {
      const runs = await stage.submitTimed(
        { notebook: "later", text: notebookOf({ a: [], b: ["a"] }) },
        { notebook: "late", text: notebookOf({ h: [], z: ["h"] }) },
      );
      for (const run of runs) await stage.ended(run);
    },
    behaviour: () => ({ h: untilAborted }),
    ends: {
      later: {
        label: "succeeded",
        cells: { a: { label: succeeded, value: 1 }, b: { label: succeeded, value: 2 } },
      },
      // What was lost with its process when the time came had no attempt to expire.
      late: { label: "expired", cells: { h: { label: ["expired", "skipped"] }, z: { label: ["skipped"] } } },
    },
  },

  /** The first of three ends the other two, one that runs and one that waits. */
  join: {
    async drive(stage) {
      const text = notebookOf({ a: [], b: [], p: [], c: ["p"], j: [], z: ["j"] }, {
        j: "inputs: { best: { from: [a, b, c] } }\njoin: any",
      });
      await stage.ended(await stage.submit({ notebook: "join", text }));
    },
    behaviour: () => ({
      a: async ({ clock }) => {
        await clock.sleep(30);
        return { type: "succeeded", value: "a" };
      },
      b: untilAborted,
      p: untilAborted,
      j: ({ inputs }) => ({ type: "succeeded", value: inputs.best! }),
      z: ({ inputs }) => ({ type: "succeeded", value: inputs.j! }),
    }),
    ends: {
      join: {
        label: "succeeded",
        cells: {
          a: { label: succeeded, value: "a" },
          // What was lost with its process and had not begun again had no attempt to cancel.
          b: { label: ["cancelled", "skipped"] },
          p: { label: ["cancelled", "skipped"] },
          c: { label: ["skipped"] },
          j: { label: succeeded, value: { value: "a", name: "a" } },
          z: { label: succeeded, value: { value: "a", name: "a" } },
        },
      },
    },
  },

  /** A cell for each of six items, one of which fails once. */
  map: {
    async drive(stage) {
      const text = notebookOf({ a: [], m: [], z: ["m"] }, {
        m: "each: { in: a, concurrency: 2 }\nretry: { attempts: 2, initial: 50ms, jitter: none }",
      });
      await stage.ended(await stage.submit({ notebook: "map", text }));
    },
    behaviour: () => ({
      a: () => ({ type: "succeeded", value: [0, 1, 2, 3, 4, 5] }),
      m: async ({ inputs, attempt, emit, clock }) => {
        emit({ type: "text", text: `item ${inputs.item}` });
        await clock.sleep(5);
        const item = Number(inputs.item);
        if (item === 3 && attempt === 1) {
          return { type: "failed", problem: { category: "network", message: "cut" } };
        }
        return { type: "succeeded", value: item * 2 };
      },
      z: ({ inputs }) => ({ type: "succeeded", value: inputs.m! }),
    }),
    ends: {
      map: {
        label: "succeeded",
        cells: {
          a: { label: succeeded, value: [0, 1, 2, 3, 4, 5] },
          m: { label: succeeded, value: [0, 2, 4, 6, 8, 10] },
          "m[0]": { label: succeeded, value: 0, text: "item 0" },
          "m[3]": { label: succeeded, value: 6, text: "item 3" },
          z: { label: succeeded, value: [0, 2, 4, 6, 8, 10] },
        },
      },
    },
  },

  /** Six calls of three cells under a limit, of which a death may cost one or two more. */
  budget: {
    async drive(stage) {
      const text = `---\nlimits: { calls: 10 }\n---\n${notebookOf({ k: [], l: [], m: ["k", "l"] })}`;
      await stage.ended(await stage.submit({ notebook: "budget", text }));
    },
    behaviour: () => ({ k: callTwice, l: callTwice, m: callTwice }),
    ends: {
      budget: {
        label: "succeeded",
        cells: Object.fromEntries(["k", "l", "m"].map((name) => [name, { label: succeeded, value: name }])),
      },
    },
  },

  /** Two cells that only the other worker of each process can run. */
  route: {
    async drive(stage) {
      const text = notebookOf({ a: [], g: ["a"], h: [], z: ["g", "h"] }, {
        g: "requires: [gpu]",
        h: "requires: [gpu]",
      });
      await stage.ended(await stage.submit({ notebook: "route", text }));
    },
    behaviour: () => ({ g: speak, h: speak, z: ({ inputs }) => ({ type: "succeeded", value: inputs }) }),
    ends: {
      route: {
        label: "succeeded",
        cells: {
          a: { label: succeeded, value: 1 },
          g: { label: succeeded, value: "g", text: "g says 0\ng says 1\ng says 2\n" },
          h: { label: succeeded, value: "h", text: "h says 0\nh says 1\nh says 2\n" },
          z: { label: succeeded, value: { g: "g", h: "h" } },
        },
      },
    },
    helper: ["gpu"],
  },

  /** A cell that waits for a signal, which is sent once it waits. */
  signal: {
    async drive(stage) {
      const run = await stage.submit({ notebook: "signal", text: notebookOf({ s: [], z: ["s"] }) });
      const waits = () => stage.happened(run, "step.suspended", "s");
      await stage.tell(run, { type: "applySignal", name: "go", payload: 7 }, waits);
      await stage.ended(run);
    },
    behaviour: () => ({ s: forSignal }),
    ends: {
      signal: {
        label: "succeeded",
        cells: { s: { label: succeeded, value: 7 }, z: { label: succeeded, value: 8 } },
      },
    },
  },

  /** A run below another one, paused and resumed with it. */
  child: {
    async drive(stage) {
      const text = notebookOf({ a: [] }) + cell("c", "notebook: part\nafter: [a]") + notebookOf({ z: ["c"] });
      const run = await stage.submit({ notebook: "child", text });
      const began = () => stage.happened(run, "child.opened");
      await stage.tell(run, { type: "pauseRun" }, began);
      await stage.tell(run, { type: "resumeRun" }, async () => {
        const [part] = await stage.engine.runs({ notebook: "part" });
        return part !== undefined && await stage.happened(part.id, "run.paused");
      });
      await stage.ended(run);
    },
    behaviour: (stage) => ({
      x: async ({ run, clock }) => {
        // A run that is paused lets its attempts end by themselves.
        while (!await stage().happened(run, "run.resumed")) await clock.sleep(4);
        return { type: "succeeded", value: 3 };
      },
    }),
    notebooks: { part: notebookOf({ x: [], y: ["x"] }) },
    ends: {
      child: {
        label: "succeeded",
        cells: {
          a: { label: succeeded, value: 1 },
          c: { label: succeeded, value: 4 },
          z: { label: succeeded, value: 5 },
        },
      },
      part: {
        label: "succeeded",
        cells: { x: { label: succeeded, value: 3 }, y: { label: succeeded, value: 4 } },
      },
    },
  },

  /** A signal with a token that was made before its secret was replaced. */
  keys: {
    async drive(stage) {
      const run = await stage.submit({ notebook: "keys", text: notebookOf({ s: [] }) });
      const { waitpoints } = stage.engine;
      await stage.until("it waits", () => stage.happened(run, "step.suspended", "s"));
      if (!stage.marked("token")) {
        const [waitpoint] = await waitpoints.list({ run });
        stage.mark("token", (await waitpoints.token(waitpoint!.id)).link);
      }
      await waitpoints.keys.rotate({ kid: "next", secretHex: "5e".repeat(32) });
      const [id, ...token] = stage.read("token").split(".");
      await waitpoints.signal(id!, token.join("."), { name: "go", payload: 7, key: "once" });
      await stage.ended(run);
    },
    behaviour: () => ({ s: forSignal }),
    keys: true,
    ends: { keys: { label: "succeeded", cells: { s: { label: succeeded, value: 7 } } } },
    points: ["key.rotated"],
  },

  /** The same under a budget that runs share. */
  ledger: {
    async drive(stage) {
      const { budgets } = stage.engine;
      const rule = {
        name: "all",
        scope: "all",
        limits: { calls: 40 },
        warnAt: 0.8,
        onLimit: "pause",
      } as const;
      const taken = (error: { code?: string }) =>
        error.code === "name_taken" ? undefined : Promise.reject(error);
      await budgets.make(rule).catch(taken);
      const text = notebookOf({ k: [], l: [], m: ["k", "l"] });
      await stage.ended(await stage.submit({ notebook: "ledger", text }));
    },
    behaviour: () => ({ k: callTwice, l: callTwice, m: callTwice }),
    ends: {
      ledger: {
        label: "succeeded",
        cells: Object.fromEntries(["k", "l", "m"].map((name) => [name, { label: succeeded, value: name }])),
      },
    },
  },

  /** Six cells under a quota of two at a time, one of which fails once and one of which pauses. */
  quota: {
    async drive(stage) {
      const header = "quotas: [{ name: api, maxConcurrent: 2 }]\n" +
        "retry: { attempts: 2, initial: 20ms, jitter: none }";
      const text = notebookOf(
        Object.fromEntries(LIMITED.map((name) => [name, []])),
        Object.fromEntries(LIMITED.map((name) => [name, header])),
      );
      await stage.ended(await stage.submit({ notebook: "quota", text }));
    },
    behaviour: () =>
      Object.fromEntries(LIMITED.map((name) => [
        name,
        async ({ attempt, saved, clock }: Attempt): Promise<Outcome> => {
          await clock.sleep(3);
          if (name === "q1" && attempt === 1) {
            return { type: "failed", problem: { category: "network", message: "cut" } };
          }
          if (name === "q2" && saved === undefined) return { type: "delayed", ms: 5, saved: 1 };
          return { type: "succeeded", value: name };
        },
      ])),
    ends: {
      quota: {
        label: "succeeded",
        cells: Object.fromEntries(LIMITED.map((name) => [name, { label: succeeded, value: name }])),
      },
    },
  },
  /** Twenty cells, ten of which act on the world outside, and a person who looks there where it is not known. */
  effects: {
    drive: driveActs,
    behaviour: actors,
    acts: ACTS,
    calm: nothingMoves,
    ends: {
      effects: {
        label: "succeeded",
        cells: Object.fromEntries(Object.keys(ACTS_GRAPH).map((name) => [name, { label: succeeded }])),
      },
    },
  },

  /** A cancel while attempts run. */
  cancel: {
    async drive(stage) {
      const run = await stage.submit({
        notebook: "cancel",
        text: notebookOf({ x: [], y: [], z: ["x", "y"] }),
      });
      const bothRun = async () => (await stage.engine.state(run)).byLabel.running === 2;
      await stage.tell(run, { type: "cancelRun" }, bothRun);
      await stage.ended(run);
    },
    behaviour: () => ({ x: untilAborted, y: untilAborted }),
    ends: {
      cancel: {
        label: "cancelled",
        cells: {
          x: { label: ["cancelled", "skipped"] },
          y: { label: ["cancelled", "skipped"] },
          z: { label: ["skipped"] },
        },
      },
    },
  },

  /** A run that failed and is restarted once its cause is gone. */
  restart: {
    async drive(stage) {
      const run = await stage.submit({
        notebook: "restart",
        text: notebookOf({ p: [], q: ["p"], r: ["q"] }),
      });
      const failed = () => stage.happened(run, "run.ended");
      await stage.until("the run has failed", failed);
      stage.mark("repaired");
      await stage.tell(run, { type: "restartRun" }, failed);
      await stage.ended(run);
    },
    behaviour: (stage) => ({
      q: () =>
        stage().marked("repaired")
          ? { type: "succeeded", value: 2 }
          : { type: "failed", problem: { category: "code_error", message: "broken" } },
    }),
    ends: {
      restart: {
        label: "succeeded",
        cells: {
          p: { label: succeeded, value: 1 },
          q: { label: succeeded, value: 2 },
          r: { label: succeeded, value: 3 },
        },
      },
    },
  },

  /** A run that has ended goes back to where its first cell had, and from there to its end again. */
  rewind: {
    async drive(stage) {
      const run = await stage.submit({ notebook: "rewind", text: notebookOf({ a: [], b: ["a"], c: ["b"] }) });
      const over = () => stage.happened(run, "run.ended");
      await stage.tell(run, { type: "restoreRun", checkpoint: "cell:a" }, over);
      await stage.tell(run, { type: "resumeRun" }, () => stage.happened(run, "run.restored"));
      await stage.ended(run);
    },
    behaviour: () => ({}),
    ends: {
      rewind: {
        label: "succeeded",
        cells: {
          a: { label: succeeded, value: 1 },
          b: { label: succeeded, value: 2 },
          c: { label: succeeded, value: 3 },
        },
      },
    },
    again: ["b", "c"],
  },

  /** Its first worker closes while an attempt holds. */
  leave: {
    drive: async (stage) => {
      const run = await stage.submit({ notebook: "fan", text: notebookOf(FAN) });
      if (stage.last) return await stage.ended(run);
      await stage.until(
        "c6 is running",
        async () => (await stage.engine.stepState(run, "c6")).label === "running",
      );
      await stage.leave();
    },
    behaviour: (stage) =>
      everyCell((attempt) =>
        attempt.cell.name === "c6" && !stage().last ? untilAborted(attempt) : speak(attempt)
      ),
    ends: { fan: fanEnd },
    leaves: true,
    points: ["drain.half", "run.released"],
  },

  /** The twelve cells after the death of another worker. */
  inherit: {
    drive: driveFan,
    behaviour: () => everyCell(speak),
    ends: { fan: fanEnd },
    keyless: true,
    inherited: true,
    points: ["takeover.bumped"],
  },
};
