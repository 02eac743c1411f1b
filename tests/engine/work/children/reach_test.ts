/** What reaches the runs below, whatever order things happen in: the pure part, without a store. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ControlCommand, RunCommand } from "../../../../engine/run/command.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal } from "../../../../engine/run/state.ts";
import { isRejected, transition } from "../../../../engine/run/transition.ts";
import { liveRun, type RunHead } from "../../../../engine/work/commit/live_run.ts";
import { passedOn } from "../../../../engine/work/children/reach.ts";
import { readPosted } from "../../../../engine/work/records.ts";
import { started, type TestRun } from "../../run/_run_after.ts";

const HEAD = { id: "run_1", notebook: "n", phase: "active" } as RunHead;
const by = { by: "ann" };
const CELLS = ["a", "b", "c"];
/** What ends it all is said more rarely. */
const WHICH = fc.oneof(
  { weight: 40, arbitrary: fc.nat(11) },
  { weight: 2, arbitrary: fc.integer({ min: 12, max: 15 }) },
  { weight: 1, arbitrary: fc.integer({ min: 16, max: 18 }) },
);

/** What somebody says next, by numbers that a generator draws. */
function commandOf(
  test: TestRun,
  which: number,
  cell: string,
  born: { count: number },
): RunCommand | undefined {
  const step = test.run.steps.get(cell)!;
  const at = { step: cell, attempt: step.attempts, frames: 0 };
  switch (which) {
    case 0:
    case 1:
      return { type: "startAttempt", step: cell };
    case 2:
    case 3:
      return { type: "openChild", step: cell, attempt: step.attempts, child: `run_c${born.count++}` };
    case 4:
    case 5:
      if (step.child === undefined) return undefined;
      return {
        type: "suspendAttempt",
        ...at,
        wait: "children",
        condition: { type: "signal", name: step.child },
        timeout: { ms: 1000, then: "fail" },
      };
    case 6:
      return step.child === undefined
        ? undefined
        : { type: "childEnded", child: step.child, n: 5, outcome: "succeeded" };
    case 7:
      return { type: "succeedAttempt", ...at, value: { inline: 1 } };
    case 8:
      return { type: "failAttempt", ...at, problem: { category: "network", message: "cut" }, jitter: 0 };
    case 9:
      return { type: "pauseRun", ...by };
    case 10:
      return { type: "resumeRun", ...by };
    case 11:
      return { type: "adoptRun" };
    case 12:
      return { type: "skipStep", step: cell, ...by };
    case 13:
      return { type: "cancelStep", step: cell, ...by };
    case 14:
      return { type: "cancelAttempt", ...at };
    case 15:
      return { type: "retryStep", step: cell, ...by };
    case 16:
      return { type: "stopRun", ...by };
    case 17:
      return { type: "cancelRun", ...by };
    default:
      return { type: "endRun" };
  }
}

Deno.test("EN-810 C5 S1 whatever happens to a run, one of its own that it does not wait for is told to end, and one that it waits for is as paused as it", () => {
  let opened = 0;
  let letGo = 0;
  const word = fc.record({ which: WHICH, cell: fc.constantFrom(...CELLS), later: fc.nat(2000) });
  fc.assert(
    fc.property(fc.array(word, { minLength: 20, maxLength: 60, size: "max" }), (words) => {
      const test = started({
        a: { attempts: 3, errors: "continue" },
        b: { errors: "continue" },
        c: { attempts: 2, errors: "continue" },
      });
      const live = liveRun(HEAD, test.run, 1);
      const born = { count: 0 };
      /** What each run below was told, in order, and whether its end was told above. */
      const told = new Map<string, ControlCommand["type"][]>();
      const over = new Set<string>();
      let seen = test.journal.length;
      for (const { which, cell, later } of words) {
        test.now += later;
        // A run is begun by an attempt, so that one is made first.
        for (const now of which === 2 || which === 3 ? [0, which] : [which]) {
          const command = commandOf(test, now, cell, born);
          if (command === undefined || isRejected(transition(test.run, command, test.now))) continue;
          test.tell(command);
        }
        for (let next; (next = nextCommand(test.run, 0, test.now)) !== undefined;) test.tell(next);
        assertEquals(illegal(test.run), undefined, "S2");
        const fresh = test.journal.slice(seen);
        seen = test.journal.length;
        for (const { events } of fresh) {
          for (const event of events) {
            if (event.type === "child.opened") told.set(event.child, []);
            if (event.type === "child.ended") over.add(event.child);
          }
          for (const { key, value } of passedOn(live, events)) {
            told.get(String(key[1]))!.push(readPosted({ key, value }).type);
          }
        }
      }
      const { run } = test;
      for (const [child, commands] of told) {
        opened++;
        const last = commands.at(-1);
        if (over.has(child)) continue;
        if (run.children?.[child] === undefined) {
          letGo++;
          assertEquals(last === "cancelRun" || last === "stopRun", true, `${child} goes on: ${commands}`);
        } else assertEquals(last === "pauseRun", run.intent === "pause", `${child}: ${commands}`);
      }
      const again = replay(run.id, run.plan, test.journal);
      assertEquals(again.children, run.children);
      const back = fromSnapshot(run.id, run.plan, JSON.parse(JSON.stringify(takeSnapshot(run))));
      assertEquals(back.children, run.children);
    }),
    { numRuns: 500 },
  );
  assertEquals([opened > 200, letGo > 100], [true, true], `${opened} begun, ${letGo} let go of`);
});
