/** Which vectors cannot be (EN-301), one breach at a time, and that a snapshot of one is not taken for a run. */
import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { fromSnapshot, takeSnapshot } from "../../../engine/run/snapshot.ts";
import { illegal, type Run, type Step } from "../../../engine/run/state.ts";
import { started } from "./_run_after.ts";

/** A run with a step that ended, one that runs and one that waits for its next try. */
const test = () =>
  started({ a: {}, b: {}, c: { attempts: 2 } }).start("a", "b", "c").succeed("a").fail("c", "network");

const BREACHES: [what: string, change: (run: Run, step: (name: string) => Step) => void][] = [
  ["a run that has ended without an outcome", (run) => run.phase = "ended"],
  ["a run with an outcome that has not ended", (run) => run.outcome = "succeeded"],
  ["open attempts of a run that nobody has", (run) => run.phase = "suspended"],
  ["a step that has ended without an outcome", (_, step) => step("a").outcome = "none"],
  ["a step with an outcome that has not ended", (_, step) => step("b").outcome = "failed"],
  ["a step that runs without an attempt", (_, step) => step("b").attempt = "closed"],
  ["an open attempt of a step that does not run", (_, step) => step("c").attempt = "open"],
  ["a suspended step that holds no attempt", (_, step) => step("c").phase = "suspended"],
  ["a success from nowhere", (_, step) => step("a").source = "none"],
  ["a source without a success", (_, step) => step("b").source = "ran"],
  ["a warning on what did not succeed", (_, step) => step("b").quality = "warned"],
  ["a wait for a signal of a step that is not suspended", (_, step) => step("b").wait = "signal"],
  ["a suspension of a step that waits for nothing", (_, step) => {
    step("b").suspension = { wait: "signal", waitpoint: "wp_1_1", condition: { type: "operator" } };
  }],
  ["a wait for the clock without a time", (_, step) => step("c").due = undefined],
  ["a time without a wait for it", (_, step) => step("b").due = 5],
  ["a step that is listed as what it is not", (run) => run.ready.add("a")],
  ["a step that is missing from its list", (run) => run.open.delete("b")],
];

Deno.test("EN-301 a run that its journal made is legal, as is its snapshot", () => {
  const { run, plan } = test();
  assertEquals(illegal(run), undefined);
  assertEquals(illegal(fromSnapshot(run.id, plan, takeSnapshot(run))), undefined);
});

for (const [what, change] of BREACHES) {
  Deno.test(`S2 EN-301 ${what} is illegal, and no snapshot of it is taken for a run`, () => {
    const { run, plan } = test();
    change(run, (name) => run.steps.get(name)!);
    assertEquals(typeof illegal(run), "string");
    const error = assertThrows(() => fromSnapshot(run.id, plan, takeSnapshot(run)), EngineError);
    assertEquals(error.code, "store_corrupt");
  });
}
