/** What a run decides about undoing an effect. */
import { assertEquals } from "@std/assert";
import type { RunCommand } from "../../../../engine/run/command.ts";
import { keyOf } from "../../../../engine/run/effects/types.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { decide, started, type TestRun } from "../_run_after.ts";

const undo = (effect: string): RunCommand => ({ type: "compensateEffect", step: "a", effect, by: "ann" });
const settle = (effect: string, ok: boolean): RunCommand => ({
  type: "settleUndo",
  step: "a",
  effect,
  how: { ok, note: "n", message: "m" },
});
const statesIn = ({ run }: TestRun) => (run.steps.get("a")!.effects ?? []).map(({ state }) => state);

/** A run whose step has done `e` and `f`, and may have ended. */
function acted({ ended = true } = {}): TestRun {
  const test = started({ a: {} }).start("a");
  for (const effect of ["e", "f"]) {
    const at = { step: "a", attempt: 1, effect };
    test.tell({
      type: "intendEffect",
      ...at,
      slot: effect,
      key: keyOf("run_1", "a", effect, 0),
      generation: 0,
      operation: "api_call",
      service: "world",
      description: `POST /${effect}`,
      descriptor: { type: "irreversible", reason: "No compensation declared" },
      parameters: { inline: {} },
      hash: "0".repeat(64),
    });
    test.tell({ type: "settleEffect", ...at, state: "done" });
  }
  if (!ended) return test;
  test.succeed("a");
  test.tell({ type: "endRun" });
  return test;
}

Deno.test("EF-041 EF-072 EF-073 an effect is noted as being undone, then undone or not, and may then be tried again", () => {
  const test = acted();
  const said = [
    undo("g"),
    undo("e"),
    undo("e"),
    undo("f"),
    settle("f", true),
    settle("e", false),
    settle("e", true),
    undo("e"),
    settle("e", true),
    undo("e"),
  ].map((command) => decide(test, command));
  assertEquals(said, [
    "/effect_not_found",
    "effect.noted",
    "same",
    "/run_busy",
    "same",
    "effect.compensation-failed",
    "same",
    "effect.noted",
    "effect.compensated",
    "/effect_not_done",
  ]);
  assertEquals([statesIn(test), test.run.undo], [["compensated", "done"], undefined]);
  assertEquals(decide(acted({ ended: false }), undo("e")), "/not_ready", "its step may rely on it");
});

Deno.test("E3 while an effect is undone its step is not opened again, and nobody says otherwise of it", () => {
  const ann = { by: "ann" };
  const mark = { type: "resolveEffect", step: "a", as: "compensated", ...ann, note: "I did it" } as const;
  const commands: RunCommand[] = [
    { type: "restartRun", from: ["a"], ...ann },
    { type: "retryStep", step: "a", ...ann },
    { type: "restoreRun", checkpoint: "cell:a", ...ann },
    { ...mark, effect: "e" },
    { ...mark, effect: "f" },
  ];
  const test = acted();
  test.tell(undo("e"));
  const kept = fromSnapshot("run_1", test.run.plan, JSON.parse(JSON.stringify(takeSnapshot(test.run))));
  assertEquals(kept.undo, { step: "a", effect: "e", by: "ann" });
  const busy = commands.map((command) => decide(test, command));
  assertEquals(busy, ["/run_busy", "/run_busy", "/run_busy", "/run_busy", "effect.compensated"]);
  test.tell(settle("e", true));
  assertEquals(decide(test, commands[1]!), "run.reopened");
});
