/**
 * The first table of EN-304, cell by cell: what each command does to a run in each phase.
 *
 * A cell is what happens (event types, `abort` where an attempt is told to end), then `>` and the phase or outcome
 * that the run is in after that and after the end that follows from it; or `same`; or `/code` for a refusal.
 */
import { assertEquals } from "@std/assert";
import type { RunCommand } from "../../../engine/run/command.ts";
import { isRejected, transition } from "../../../engine/run/transition.ts";
import { decide, planOf, QUEUED, started, TestRun } from "./_run_after.ts";

const DEADLINE = 5_000;
const AFTER = { now: DEADLINE + 1 };
const ann = { by: "ann" };
const value = { inline: 7 };
const problem = { category: "code_error", message: "it broke" } as const;
const a1 = { step: "a", attempt: 1, frames: 0 };

const GO = { id: "s1", name: "go", source: "ann" };
const FOR_GO = { type: "signal", name: "go" } as const;

/** One run in each phase. `a` runs, waits or has ended; `b` waits for it. */
const RUNS = {
  queued: () => new TestRun(planOf({ a: {}, b: { needs: ["a"] } }), { deadline: DEADLINE }),
  active: () => started({ a: {}, b: { needs: ["a"] } }, 4, { deadline: DEADLINE }).start("a"),
  suspended: () => {
    const test = RUNS.active().delay("a", 60_000);
    test.tell({ type: "releaseRun", reason: "waiting" });
    return test;
  },
  ended: () => {
    const test = RUNS.active().succeed("a").start("b").succeed("b");
    test.tell({ type: "endRun" });
    return test;
  },
};

/** A command, what comes before it, and what it does to a run that is queued, active, suspended, ended. */
type Row = [command: RunCommand, cells: [string, string, string, string], before?: Before];
/** Commands given before, those that are refused passed over, and the time of the command. */
interface Before {
  told?: RunCommand[];
  now?: number;
}

const on = { worker: "w2", epoch: 1, session: "wrk_1" };

const RUN_TABLE: Record<RunCommand["type"], Row[]> = {
  queueRun: [[{ type: "queueRun", event: QUEUED }, ["same", "same", "same", "same"]]],
  startRun: [[{ type: "startRun" }, [
    "run.started > active",
    "same",
    "run.started > active",
    "/run_ended",
  ]]],
  // Whoever claims a run that is queued or suspended starts it; one that is active has lost its owner.
  adoptRun: [[{ type: "adoptRun" }, ["same", "run.adopted > active", "same", "same"]]],
  releaseRun: [[{ type: "releaseRun", reason: "drained" }, [
    "same",
    "run.released > queued",
    "same",
    "same",
  ]]],
  pauseRun: [
    [{ type: "pauseRun", ...ann }, [
      "run.paused > queued",
      "run.paused > active",
      "run.paused > suspended",
      "/run_ended",
    ]],
    [{ type: "pauseRun", ...ann }, ["same", "same", "same", "/run_ended"], {
      told: [{ type: "pauseRun", ...ann }],
    }],
    [{ type: "pauseRun", ...ann }, ["/run_ended", "same", "/run_ended", "/run_ended"], {
      told: [{ type: "stopRun", ...ann }, { type: "endRun" }],
    }],
  ],
  resumeRun: [
    [{ type: "resumeRun", ...ann }, ["same", "same", "same", "/run_ended"]],
    [{ type: "resumeRun", ...ann }, [
      "run.resumed > queued",
      "run.resumed > active",
      "run.resumed > suspended",
      "/run_ended",
    ], { told: [{ type: "pauseRun", ...ann }] }],
  ],
  stopRun: [
    [{ type: "stopRun", ...ann }, [
      "run.stopping > stopped",
      "run.stopping > active",
      "run.stopping > stopped",
      "/run_ended",
    ]],
    [{ type: "stopRun", ...ann }, ["same", "same", "same", "/run_ended"], {
      told: [{ type: "stopRun", ...ann }, { type: "endRun" }],
    }],
  ],
  cancelRun: [
    [{ type: "cancelRun", ...ann }, [
      "run.cancelling > cancelled",
      "run.cancelling abort > active",
      "run.cancelling > cancelled",
      "/run_ended",
    ]],
    [{ type: "cancelRun", ...ann }, ["same", "same", "same", "/run_ended"], {
      told: [{ type: "cancelRun", ...ann }, { type: "endRun" }],
    }],
    [{ type: "cancelRun", ...ann }, [
      "run.cancelling > cancelled",
      "run.cancelling abort > active",
      "run.cancelling > cancelled",
      "/run_ended",
    ], { told: [{ type: "stopRun", ...ann }] }],
  ],
  expireRun: [
    [
      { type: "expireRun" },
      ["run.expiring > expired", "run.expiring abort > active", "run.expiring > expired", "same"],
      AFTER,
    ],
    [{ type: "expireRun" }, ["/not_ready", "/not_ready", "/not_ready", "same"]],
    [{ type: "expireRun" }, ["same", "same", "same", "same"], {
      ...AFTER,
      told: [{ type: "cancelRun", ...ann }],
    }],
  ],
  fireTimer: [
    [{ type: "fireTimer", timer: "delay/a/1/61000" }, ["same", "same", "/not_ready", "same"]],
    [
      { type: "fireTimer", timer: "delay/a/1/61000" },
      ["same", "same", "step.woken > suspended", "same"],
      { now: 61_000 },
    ],
    [{ type: "fireTimer", timer: "delay/a/1/59000" }, ["same", "same", "same", "same"], { now: 61_000 }],
    [{ type: "fireTimer", timer: "deadline" }, ["/not_ready", "/not_ready", "/not_ready", "same"]],
  ],
  declineAttempt: [[{ type: "declineAttempt", ...a1 }, [
    "/attempt_stale",
    "step.declined > succeeded",
    "/attempt_stale",
    "/attempt_stale",
  ]]],
  openMap: [[{ type: "openMap", ...a1, items: { inline: [1, 2] }, count: 2 }, [
    "/attempt_stale",
    "map.opened > active",
    "same",
    "/step_ended",
  ]]],
  settleJoin: [[{ type: "settleJoin", step: "b" }, ["/not_ready", "/not_ready", "/not_ready", "same"]]],
  endRun: [[{ type: "endRun" }, ["/not_ready", "/not_ready", "/not_ready", "same"]]],
  restartRun: [
    [{ type: "restartRun", from: ["a"], ...ann }, [
      "/run_busy",
      "/run_busy",
      "/run_busy",
      "run.reopened > queued",
    ]],
    [{ type: "restartRun", ...ann }, ["/run_busy", "/run_busy", "/run_busy", "/step_ended"]],
    [{ type: "restartRun", from: ["nobody"], ...ann }, [
      "/run_busy",
      "/run_busy",
      "/run_busy",
      "/step_not_found",
    ]],
  ],
  markCheckpoint: [
    [{ type: "markCheckpoint", ...ann }, [
      "run.marked > queued",
      "run.marked > active",
      "run.marked > suspended",
      "run.marked > succeeded",
    ]],
  ],
  restoreRun: [
    [{ type: "restoreRun", checkpoint: "cp_1", ...ann }, [
      "/run_busy",
      "/run_busy",
      "/run_busy",
      "/checkpoint_not_found",
    ]],
    [{ type: "restoreRun", checkpoint: "cell:a", ...ann }, [
      "/run_busy",
      "/run_busy",
      "/run_busy",
      "run.restored > queued",
    ]],
    [{ type: "restoreRun", checkpoint: "cp_1", ...ann }, [
      "run.restored > queued",
      "/run_busy",
      "run.restored > suspended",
      "run.restored > queued",
    ], { told: [{ type: "markCheckpoint", ...ann }, { type: "pauseRun", ...ann }] }],
  ],
  changeRun: [
    [{ type: "changeRun", priority: 80, ...ann }, [
      "run.changed > queued",
      "run.changed > active",
      "run.changed > suspended",
      "/run_ended",
    ]],
    [{ type: "changeRun", deadline: null, ...ann }, [
      "run.changed > queued",
      "run.changed > active",
      "run.changed > suspended",
      "/run_ended",
    ]],
    [{ type: "changeRun", tags: { team: "x" }, ...ann }, [
      "run.changed > queued",
      "run.changed > active",
      "run.changed > suspended",
      "run.changed > succeeded",
    ]],
    [{ type: "changeRun", tags: {}, ...ann }, ["same", "same", "same", "same"]],
    [{ type: "changeRun", limits: { tokens: 5 }, cells: { b: { calls: 1 } }, ...ann }, [
      "run.changed > queued",
      "run.changed > active",
      "run.changed > suspended",
      "/run_ended",
    ]],
    [{ type: "changeRun", limits: { tokens: null }, ...ann }, ["same", "same", "same", "/run_ended"]],
    [{ type: "changeRun", cells: { z: { calls: 1 } }, ...ann }, [
      "/step_not_found",
      "/step_not_found",
      "/step_not_found",
      "/run_ended",
    ]],
  ],
  retryStep: [
    [{ type: "retryStep", step: "a", ...ann }, [
      "same",
      "/attempt_open",
      "/step_suspended",
      "run.reopened > queued",
    ]],
    [{ type: "retryStep", step: "b", ...ann }, [
      "/not_ready",
      "/not_ready",
      "/not_ready",
      "run.reopened > queued",
    ]],
  ],
  skipStep: [
    [{ type: "skipStep", step: "a", ...ann }, [
      "step.cancelled > queued",
      "step.stopping abort > active",
      // Nothing is left: `b` needs its value.
      "step.cancelled > succeeded",
      "/run_ended",
    ]],
  ],
  cancelStep: [
    [{ type: "cancelStep", step: "b", ...ann }, [
      "step.cancelled > queued",
      "step.cancelled > active",
      // EN-701: a step that a person cancels follows its policy, and nothing is running.
      "step.cancelled > failed",
      "/run_ended",
    ]],
  ],
  supplyValue: [
    [{ type: "supplyValue", step: "b", value, ...ann }, [
      "step.supplied > queued",
      "step.supplied > active",
      "step.supplied > suspended",
      "/run_ended",
    ]],
  ],
  startAttempt: [
    [{ type: "startAttempt", step: "a" }, ["/not_ready", "/attempt_open", "/step_suspended", "/step_ended"]],
  ],
  holdAttempt: [
    [{ type: "holdAttempt", ...a1, wait: "budget" }, [
      "/attempt_stale",
      "step.held > active",
      "/attempt_stale",
      "/step_ended",
    ]],
  ],
  holdStep: [
    [{ type: "holdStep", step: "a", wait: "quota", due: 9_000 }, [
      "step.held > queued",
      "/not_ready",
      "/not_ready",
      "/step_ended",
    ]],
  ],
  wakeStep: [[{ type: "wakeStep", step: "a" }, ["same", "same", "same", "/step_ended"]]],
  // Nothing here is offered to other workers; `routes/` has what is.
  routeAttempt: [[{ type: "routeAttempt", step: "a", attempt: 1, on }, [
    "/attempt_stale",
    "/attempt_stale",
    "/attempt_stale",
    "/run_ended",
  ]]],
  reportAttempt: [[
    {
      type: "reportAttempt",
      step: "a",
      on,
      report: { type: "declineAttempt", step: "a", attempt: 1, frames: 0 },
    },
    ["/attempt_stale", "/attempt_stale", "/attempt_stale", "/attempt_stale"],
  ]],
  loseAttempt: [[{ type: "loseAttempt", step: "a", attempt: 1, lost: true }, [
    "/attempt_stale",
    "/attempt_stale",
    "/attempt_stale",
    "/attempt_stale",
  ]]],
  reserveSpend: [
    [{ type: "reserveSpend", step: "a", attempt: 1, wants: [{ tokens: 1 }] }, [
      "/attempt_stale",
      "step.reserved > active",
      "/attempt_stale",
      "/attempt_stale",
    ]],
  ],
  delayAttempt: [
    [{ type: "delayAttempt", ...a1, ms: 9 }, [
      "/attempt_stale",
      "step.delayed > active",
      "same",
      "/step_ended",
    ]],
  ],
  succeedAttempt: [
    [{ type: "succeedAttempt", ...a1, value }, [
      "/attempt_stale",
      "step.succeeded > active",
      "/attempt_stale",
      "same",
    ]],
  ],
  failAttempt: [
    [{ type: "failAttempt", ...a1, problem, jitter: 0 }, [
      "/attempt_stale",
      "step.failed > failed",
      "/attempt_stale",
      "/attempt_stale",
    ]],
  ],
  cancelAttempt: [
    [{ type: "cancelAttempt", ...a1 }, [
      "/attempt_stale",
      "step.cancelled > failed",
      "/attempt_stale",
      "/attempt_stale",
    ]],
  ],
  applySignal: [
    [{ type: "applySignal", signal: GO }, [
      "signal.received > queued",
      "signal.received > active",
      "signal.received > suspended",
      "/waitpoint_closed",
    ]],
    [{ type: "applySignal", signal: GO, waitpoint: "wp_1_1" }, [
      "/waitpoint_closed",
      "/waitpoint_closed",
      "/waitpoint_closed",
      "/waitpoint_closed",
    ]],
  ],
  openWaitpoint: [
    [{ type: "openWaitpoint", step: "a", attempt: 1, name: "w" }, [
      "/attempt_stale",
      "waitpoint.opened > active",
      "/attempt_stale",
      "/attempt_stale",
    ]],
  ],
  openChild: [
    [{ type: "openChild", step: "a", attempt: 1, child: "run_2" }, [
      "/attempt_stale",
      "child.opened > active",
      "/attempt_stale",
      "/attempt_stale",
    ]],
    [{ type: "openChild", step: "a", attempt: 1, child: "run_2" }, [
      "/attempt_stale",
      "/not_ready",
      "/attempt_stale",
      "/attempt_stale",
    ], { told: [{ type: "pauseRun", ...ann }] }],
    [{ type: "openChild", step: "a", attempt: 1, child: "run_3" }, [
      "/attempt_stale",
      "/not_ready",
      "/attempt_stale",
      "/attempt_stale",
    ], { told: [{ type: "openChild", step: "a", attempt: 1, child: "run_2" }] }],
  ],
  childEnded: [
    [{ type: "childEnded", child: "run_2", n: 9, outcome: "failed" }, [
      "/step_ended",
      "/step_ended",
      "/step_ended",
      "/step_ended",
    ]],
    [{ type: "childEnded", child: "run_2", n: 9, outcome: "failed" }, [
      "/step_ended",
      "child.ended signal.received > active",
      "/step_ended",
      "/step_ended",
    ], { told: [{ type: "openChild", step: "a", attempt: 1, child: "run_2" }] }],
    [{ type: "childEnded", child: "run_2", n: 9, outcome: "failed" }, [
      "/step_ended",
      "same",
      "/step_ended",
      "/step_ended",
    ], {
      told: [
        { type: "openChild", step: "a", attempt: 1, child: "run_2" },
        { type: "childEnded", child: "run_2", n: 9, outcome: "failed" },
      ],
    }],
  ],
  suspendAttempt: [
    [{ type: "suspendAttempt", ...a1, wait: "signal", condition: FOR_GO }, [
      "/attempt_stale",
      "step.suspended > active",
      "same",
      "/step_ended",
    ]],
    [{ type: "suspendAttempt", ...a1, wait: "signal", condition: FOR_GO }, [
      "/attempt_stale",
      "step.resumed > active",
      "same",
      "/step_ended",
    ], { told: [{ type: "applySignal", signal: GO }] }],
    [{ type: "suspendAttempt", ...a1, wait: "signal", condition: FOR_GO }, [
      "/attempt_stale",
      "step.cancelled > cancelled",
      "same",
      "/step_ended",
    ], { told: [{ type: "cancelRun", ...ann }] }],
  ],
  resumeSuspension: [
    [{ type: "resumeSuspension", step: "a", id: "s", ...ann }, [
      "/not_suspended",
      "/not_suspended",
      "/not_suspended",
      "/not_suspended",
    ]],
  ],
  intendEffect: [
    [{
      type: "intendEffect",
      step: "a",
      attempt: 1,
      effect: "eff_1",
      slot: "0",
      key: "k",
      generation: 0,
      operation: "api_call",
      service: "s",
      description: "d",
      descriptor: { type: "idempotent", canRetry: false },
      parameters: { inline: 1 },
      hash: "h",
    }, ["/attempt_stale", "effect.intended > active", "/attempt_stale", "/attempt_stale"]],
  ],
  settleEffect: [
    [{ type: "settleEffect", step: "a", attempt: 1, effect: "eff_1", state: "done" }, [
      "/attempt_stale",
      "/effect_not_found",
      "/attempt_stale",
      "/attempt_stale",
    ]],
  ],
  resendEffect: [
    [{ type: "resendEffect", step: "a", attempt: 1, effect: "eff_1" }, [
      "/attempt_stale",
      "/effect_not_found",
      "/attempt_stale",
      "/attempt_stale",
    ]],
  ],
  resolveEffect: [
    [{ type: "resolveEffect", step: "a", effect: "eff_1", as: "done", by: "ann", note: "seen" }, [
      "/effect_not_found",
      "/effect_not_found",
      "/effect_not_found",
      "/effect_not_found",
    ]],
  ],
  compensateEffect: [
    [{ type: "compensateEffect", step: "a", effect: "eff_1", by: "ann" }, [
      "/effect_not_found",
      "/effect_not_found",
      "/effect_not_found",
      "/effect_not_found",
    ]],
  ],
  settleUndo: [
    [
      { type: "settleUndo", step: "a", effect: "eff_1", how: { ok: true, note: "", message: "" } },
      ["same", "same", "same", "same"],
    ],
  ],
  closeSuspension: [
    [{ type: "closeSuspension", step: "a", ...ann }, [
      "/not_suspended",
      "/not_suspended",
      "/not_suspended",
      "/not_suspended",
    ]],
  ],
};

Deno.test("S2 EN-304 every command to a run has the answer of the table, in each phase", () => {
  for (const [type, rows] of Object.entries(RUN_TABLE)) {
    for (const [row, [command, cells, { told = [], now } = {}]] of rows.entries()) {
      for (const [column, make] of Object.values(RUNS).entries()) {
        const test = make();
        for (const earlier of told) {
          if (!isRejected(transition(test.run, earlier, test.now))) test.tell(earlier);
        }
        if (now !== undefined) test.now = now;
        const what = decide(test, command);
        const { phase, outcome } = test.run;
        const cell = what === "same" || what.startsWith("/")
          ? what
          : `${what} > ${outcome === "none" ? phase : outcome}`;
        assertEquals(cell, cells[column], `${type} ${row}, ${Object.keys(RUNS)[column]}`);
      }
    }
  }
});

Deno.test("EN-302 a run that is given back is queued if it has work, suspended if it waits", () => {
  const release = { type: "releaseRun", reason: "drained" } as const;
  const cases: [string, (test: TestRun) => void, string][] = [
    ["an open attempt", (test) => test.start("a"), "queued"],
    ["a ready step", () => {}, "queued"],
    ["a delay", (test) => test.start("a").delay("a", 60_000), "suspended"],
    ["a retry", (test) => test.start("a").fail("a", "network"), "suspended"],
    ["a pause", (test) => test.tell({ type: "pauseRun", ...ann }), "suspended"],
    ["a stop", (test) => test.tell({ type: "stopRun", ...ann }), "queued"],
  ];
  for (const [what, before, phase] of cases) {
    const test = started({ a: { attempts: 2 } });
    before(test);
    test.tell(release);
    assertEquals(test.run.phase, phase, what);
  }
});
