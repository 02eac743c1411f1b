/** P8 Fifty calls at a time against a small budget, with usage that is missing, retries, cancels and lost workers. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { illegal, type Run } from "../../../../engine/run/state.ts";
import { isRejected, transition } from "../../../../engine/run/transition.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import type { RunCommand } from "../../../../engine/run/command.ts";
import { modelRuns } from "../../../_support/model_runs.ts";
import { planOf, TestRun } from "../_run_after.ts";

const CELLS = Array.from({ length: 50 }, (_, i) => `c${i}`);
const LIMIT = 10;

/** What happens next, and to which of the open attempts. */
const act = fc.record({
  what: fc.constantFrom(
    "reserve",
    "reserve",
    "reserve",
    "succeed",
    "silent",
    "retry",
    "fail",
    "cancel",
    "adopt",
    "wait",
  ),
  which: fc.nat(49),
  wants: fc.integer({ min: 1, max: 4 }),
  uses: fc.integer({ min: 0, max: 4 }),
});

Deno.test("P8 E4 fifty parallel calls never spend more than the limit, whatever becomes of them, and the sum is what was counted", () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 50, maxLength: 250 }), (acts) => {
      const steps = Object.fromEntries(
        CELLS.map((name) => [name, { attempts: 3, errors: "continue" as const }]),
      );
      const test = new TestRun({ ...planOf(steps, 50), limits: { tokens: LIMIT } });
      test.tell({ type: "startRun" });
      settle(test);
      let counted = 0;
      for (const { what, which, wants, uses } of acts) {
        const { run } = test;
        const open = [...run.open];
        if (open.length === 0) break;
        const name = open[which % open.length]!;
        const step = run.steps.get(name)!;
        const at = { step: name, attempt: step.attempts };
        const reserved = step.reserved?.tokens;
        if (reserved === undefined) {
          if (what === "adopt") continue;
          const want = { tokens: wants, calls: 1 };
          give(test, { type: "reserveSpend", ...at, wants: [want] }) ||
            give(test, { type: "holdAttempt", ...at, wait: "budget", want, frames: 0 });
        } else if (what === "adopt") {
          for (const other of open) counted += run.steps.get(other)!.reserved?.tokens ?? 0;
          give(test, { type: "adoptRun" });
        } else if (what === "cancel") {
          give(test, { type: "cancelStep", step: name, by: "ann" });
          give(test, { type: "cancelAttempt", ...at, frames: 0 });
          counted += reserved;
        } else if (what !== "reserve" && what !== "wait") {
          // A call uses at most what it asked for; a provider that is silent counts as if it had used it all.
          const tokens = Math.min(uses, reserved);
          counted += what === "silent" ? reserved : tokens;
          const usage = what === "silent"
            ? { model: "m" }
            : { model: "m", inputTokens: tokens, outputTokens: 0 };
          const category = what === "fail" ? "code_error" as const : "network" as const;
          const problem = { category, message: "no" };
          give(
            test,
            what === "succeed" || what === "silent"
              ? { type: "succeedAttempt", ...at, value: { inline: 1 }, frames: 0, usage }
              : { type: "failAttempt", ...at, problem, frames: 0, usage, jitter: 0 },
          );
        }
        check(run, counted);
        test.now += 500;
        settle(test);
        check(run, counted);
      }
    }),
    modelRuns(120),
  );
});

function check(run: Run, counted: number): void {
  assertEquals(illegal(run), undefined);
  assertEquals(run.spent.tokens, counted, "the ledger is the sum of what was settled");
  const reserved = run.reserved?.tokens ?? 0;
  assert(
    run.spent.tokens + reserved <= LIMIT,
    `${run.spent.tokens} spent and ${reserved} reserved of ${LIMIT}`,
  );
}

function give(test: TestRun, command: RunCommand): boolean {
  if (isRejected(transition(test.run, command, test.now))) return false;
  test.tell(command);
  return true;
}

/** What follows by itself. */
function settle(test: TestRun): void {
  for (let next = nextCommand(test.run, 100, test.now); next !== undefined;) {
    if (next.type === "endRun") return;
    test.tell(next);
    next = nextCommand(test.run, 100, test.now);
  }
}
