/** Effects in a run's state: which state may follow which, who waits for whom, and that nothing else is possible. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RunCommand } from "../../../../engine/run/command.ts";
import {
  EFFECT_STATES,
  type EffectState,
  keyOf,
  mayBecome,
  MOST_EFFECTS,
} from "../../../../engine/run/effects/types.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal, type Run } from "../../../../engine/run/state.ts";
import { isRejected, transition } from "../../../../engine/run/transition.ts";
import { stepLabel } from "../../../../engine/run/words/label.ts";
import { stepWait } from "../../../../engine/run/words/wait.ts";
import { decide, started, type TestRun } from "../_run_after.ts";

const ann = { by: "ann", note: "I looked" };

function intend(id: string, slot = id, more: { again?: true; generation?: number } = {}): RunCommand {
  const { generation = 0, ...rest } = more;
  return {
    type: "intendEffect",
    step: "a",
    attempt: 1,
    effect: id,
    slot,
    key: keyOf("run_1", "a", slot, generation),
    generation,
    operation: "api_call",
    service: "world",
    description: `POST /${id}`,
    descriptor: { type: "irreversible", reason: "No compensation declared" },
    parameters: { inline: {} },
    hash: "0".repeat(64),
    ...rest,
  };
}

const settle = (effect: string, state: "done" | "failed" | "in-doubt"): RunCommand => ({
  type: "settleEffect",
  step: "a",
  attempt: 1,
  effect,
  state,
});
const resolve = (effect: string, as: "done" | "not_done" | "retry" | "compensated"): RunCommand => ({
  type: "resolveEffect",
  step: "a",
  effect,
  as,
  ...ann,
});
const statesIn = ({ run }: TestRun) => (run.steps.get("a")!.effects ?? []).map(({ state }) => state);
const running = (attempts = 1) => started({ a: { attempts }, b: { needs: ["a"] } }).start("a");

Deno.test("EF-041 what may follow is the table of the specification", () => {
  const allowed: Record<EffectState, string> = {
    "intended": "done failed in-doubt",
    "in-doubt": "done failed compensated",
    "done": "compensated compensation-failed",
    "compensation-failed": "compensated compensation-failed",
    "failed": "",
    "compensated": "",
  };
  for (const from of EFFECT_STATES) {
    const next = EFFECT_STATES.filter((to) => mayBecome(from, to)).toSorted();
    assertEquals(next, allowed[from].split(" ").filter((word) => word !== "").toSorted(), from);
  }
});

Deno.test("EF-055 a key is the same in every attempt and another for another slot, step, run or generation", () => {
  const keys = [
    keyOf("r", "s", "0", 0),
    keyOf("r", "s", "1", 0),
    keyOf("r", "t", "0", 0),
    keyOf("q", "s", "0", 0),
  ];
  keys.push(keyOf("r", "s", "0", 1));
  assertEquals(new Set(keys).size, 5);
  assertEquals(keyOf("r", "s", "0", 0), keys[0]);
});

Deno.test("EF-042 what a command does to an effect in each state", () => {
  const at: Record<string, (test: TestRun) => void> = {
    intended: () => {},
    done: (test) => test.tell(settle("e", "done")),
    failed: (test) => test.tell(settle("e", "failed")),
    "in-doubt": (test) => test.tell(settle("e", "in-doubt")),
  };
  const found = Object.entries(at).map(([state, move]) => {
    const answers = [settle("e", "done"), settle("e", "failed"), settle("e", "in-doubt"), intend("f", "e")]
      .map(
        (command) => {
          const test = running();
          test.tell(intend("e"));
          move(test);
          return decide(test, command);
        },
      );
    return [state, ...answers];
  });
  assertEquals(found, [
    ["intended", "effect.done", "effect.failed", "effect.in-doubt", "/effect_settled"],
    ["done", "same", "/effect_settled", "/effect_settled", "/effect_settled"],
    ["failed", "/effect_settled", "same", "/effect_settled", "effect.intended"],
    ["in-doubt", "effect.done", "effect.failed", "same", "/effect_settled"],
  ]);
});

Deno.test("EF-042 the refusal says what the effect is and what it cannot become", () => {
  const test = running();
  test.tell(intend("e"));
  test.tell(settle("e", "done"));
  const decision = transition(test.run, settle("e", "failed"), test.now);
  assert(isRejected(decision));
  assertEquals(decision.reason, "Effect e is done; it cannot become failed");
});

Deno.test("EF-050 a step with an effect that is not settled does not end: it waits for somebody, and says for what", () => {
  for (const state of ["intended", "in-doubt"] as const) {
    const test = running();
    test.tell(intend("e"));
    if (state === "in-doubt") test.tell(settle("e", "in-doubt"));
    test.succeed("a");
    const step = test.run.steps.get("a")!;
    assertEquals([step.phase, step.wait, step.attempt, statesIn(test)], ["ready", "doubt", "held", [
      "in-doubt",
    ]]);
    assertEquals(stepLabel(step), "in-doubt");
    assertEquals(stepWait(test.run, step)?.what, 'We do not know whether "POST /e" happened');
    assertEquals(nextCommand(test.run, 4, test.now), undefined);
    assertEquals(decide(test, resolve("e", "done")), "effect.done step.woken");
    assertEquals(nextCommand(test.run, 4, test.now)?.type, "startAttempt");
  }
});

Deno.test("EF-050 a step fails for good only once its effects are settled; before that it is tried again as it may be", () => {
  const test = running(2);
  test.tell(intend("e"));
  test.fail("a", "network");
  assertEquals([test.run.steps.get("a")!.wait, statesIn(test)], ["backoff", ["in-doubt"]]);
  test.now += 60_000;
  test.start("a").fail("a", "network");
  assertEquals(test.run.steps.get("a")!.wait, "doubt");
  assertEquals(
    decide(test, { type: "supplyValue", step: "a", value: { inline: 1 }, by: "ann" }),
    "/effect_in_doubt",
  );
  assertEquals(decide(test, resolve("e", "not_done")), "effect.failed step.woken");
  test.start("a").fail("a", "network");
  assertEquals(test.run.steps.get("a")!.outcome, "failed");
});

Deno.test("EF-045 a session that takes over finds what was under way in doubt, however often its worker was lost", () => {
  const test = running();
  test.tell(intend("e"));
  for (let i = 0; i < 6; i++) {
    const { attempts } = test.run.steps.get("a")!;
    assertEquals(attempts, i + 1);
    test.tell({ type: "adoptRun" });
    assertEquals([statesIn(test), illegal(test.run)], [["in-doubt"], undefined]);
    test.now += 600_000;
    if (i < 5) test.start("a");
  }
  assertEquals(test.run.steps.get("a")!.wait, "doubt", "the sixth time it waits instead of failing");
});

Deno.test("EF-050 what a cancelled attempt had sent is in doubt, and can be settled after the end", () => {
  const test = running();
  test.tell(intend("e"));
  test.tell({ type: "cancelRun", by: "ann" });
  test.tell({ type: "cancelAttempt", step: "a", attempt: 1, frames: 0 });
  test.tell({ type: "endRun" });
  assertEquals([test.run.outcome, statesIn(test)], ["cancelled", ["in-doubt"]]);
  assertEquals(decide(test, resolve("e", "retry")), "/step_ended");
  assertEquals(decide(test, resolve("e", "compensated")), "effect.compensated");
  assertEquals(decide(test, resolve("e", "compensated")), "/effect_settled");
});

Deno.test("EF-047 a hold that comes after somebody has said does not hold", () => {
  const test = running();
  test.tell(intend("e"));
  test.tell(settle("e", "in-doubt"));
  assertEquals(
    decide(test, resolve("e", "done")),
    "/attempt_open",
    "while an attempt is at work on it nobody says",
  );
  test.tell(settle("e", "done"));
  const hold = { type: "holdAttempt", step: "a", attempt: 1, wait: "doubt", frames: 0 } as const;
  assertEquals(decide(test, hold), "step.held step.woken");
});

Deno.test("E2 what is in doubt is sent again only if it may be, or once for each time that a person says so", () => {
  const again = (effect: string): RunCommand => ({ type: "resendEffect", step: "a", attempt: 1, effect });
  const test = running();
  test.tell(intend("e"));
  test.tell(intend("f", "f", { again: true }));
  for (const id of ["e", "f"]) test.tell(settle(id, "in-doubt"));
  assertEquals([decide(test, again("e")), decide(test, again("f"))], ["/effect_in_doubt", "effect.noted"]);
  test.succeed("a");
  assertEquals(decide(test, resolve("f", "done")), "effect.done", "the other is still in doubt");
  assertEquals(decide(test, resolve("e", "retry")), "effect.noted step.woken");
  test.start("a");
  assertEquals([decide(test, again("e")), decide(test, again("e"))], ["effect.noted", "/effect_in_doubt"]);
});

Deno.test("a step has a bounded number of effects", () => {
  const test = running();
  for (let i = 0; i < MOST_EFFECTS; i++) test.tell(intend(`e${i}`));
  assertEquals(decide(test, intend("one more")), "/effect_limit");
});

/** Commands that random interleavings are made of; ids and slots are few, so that they meet. */
const commands = (): fc.Arbitrary<(run: Run) => RunCommand> => {
  const id = fc.constantFrom("e", "f", "g", "h");
  const slot = fc.constantFrom("x", "y");
  const of = (step: (run: Run) => { step: string; attempt: number }) => step;
  const at = of((run) => ({ step: "a", attempt: run.steps.get("a")!.attempts }));
  return fc.oneof(
    fc.tuple(id, slot, fc.boolean()).map(([id, slot, again]) => (run: Run) => ({
      ...intend(id, slot, again ? { again } : {}) as Extract<RunCommand, { type: "intendEffect" }>,
      ...at(run),
    })),
    fc.tuple(id, fc.constantFrom("done", "failed", "in-doubt")).map(([id, state]) => (run: Run) => ({
      ...settle(id, state) as Extract<RunCommand, { type: "settleEffect" }>,
      ...at(run),
    })),
    id.map((effect) => (run: Run): RunCommand => ({ type: "resendEffect", effect, ...at(run) })),
    fc.tuple(id, fc.constantFrom("done", "not_done", "retry", "compensated")).map(([id, as]) => () =>
      resolve(id, as)
    ),
    fc.constantFrom<(run: Run) => RunCommand>(
      ...Array.from({ length: 8 }, () => (): RunCommand => ({ type: "startAttempt", step: "a" })),
      () => ({ type: "adoptRun" }),
      () => ({ type: "releaseRun", reason: "drained" }),
      () => ({ type: "startRun" }),
      () => ({ type: "wakeStep", step: "a" }),
      () => ({ type: "skipStep", step: "a", by: "ann" }),
      () => ({ type: "cancelRun", by: "ann" }),
      () => ({ type: "endRun" }),
      () => ({ type: "restartRun", by: "ann" }),
      () => ({ type: "retryStep", step: "a", by: "ann" }),
      (run) => ({ type: "succeedAttempt", value: { inline: 1 }, frames: 0, ...at(run) }),
      (run) => ({ type: "cancelAttempt", frames: 0, ...at(run) }),
      (run) => ({ type: "holdAttempt", wait: "doubt", frames: 0, ...at(run) }),
      (run) => ({
        type: "failAttempt",
        problem: { category: "network", message: "cut" },
        frames: 0,
        jitter: 0,
        ...at(run),
      }),
    ),
  );
};

Deno.test("P14 EF-201 E1 E2 whatever interleaves, each effect goes only where it may, a slot is never under way twice, and no step ends in doubt", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(commands(), { minLength: 20, maxLength: 80, size: "max" }), (given) => {
      const test = started({ a: { attempts: 3 } }).start("a");
      let asked = 0;
      for (const command of given) {
        const { run } = test;
        const before = new Map((run.steps.get("a")!.effects ?? []).map((effect) => [effect.id, effect]));
        const decision = transition(run, command(run), test.now);
        test.now += 120_000;
        if (isRejected(decision) || decision.events.length === 0) continue;
        for (const event of decision.events) {
          if (event.type === "effect.noted") asked += event.resend === "asked" ? 1 : 0;
          if (event.type !== "effect.noted" || event.resend !== "sent") continue;
          const effect = before.get(event.effect)!;
          assertEquals(effect.state, "in-doubt");
          assert(effect.again || asked-- > 0, "E2 sent again and nobody said so");
        }
        test.tell(command(run));
        assertEquals(illegal(run), undefined, "S2");
        const { effects = [], outcome } = run.steps.get("a")!;
        for (const { id, state, slot } of effects) {
          const was = before.get(id)?.state;
          if (was === undefined) assert(state === "intended", `E1 ${id} begins as ${state}`);
          else if (was !== state) assert(mayBecome(was, state), `EF-041 ${was} became ${state}`);
          if (was !== undefined && was !== state) seen.add(`${was} ${state}`);
          const open = effects.filter((other) =>
            other.slot === slot && /intended|doubt|done/.test(other.state)
          );
          assert(open.length <= 1, `E2 slot ${slot} is under way twice`);
        }
        if (outcome === "succeeded" || outcome === "failed") {
          assert(effects.every(({ state }) => state !== "in-doubt" && state !== "intended"), "EF-050");
        }
        const again = fromSnapshot("run_1", test.plan, JSON.parse(JSON.stringify(takeSnapshot(run))));
        assertEquals(takeSnapshot(again), takeSnapshot(replay("run_1", test.plan, test.journal)), "S1");
      }
    }),
    { numRuns: 500 },
  );
  const all = "intended done,intended failed,intended in-doubt,in-doubt done,in-doubt failed," +
    "in-doubt compensated,done compensated";
  assertEquals([...seen].toSorted(), all.split(",").toSorted(), "what can follow has followed");
});
