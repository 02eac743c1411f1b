/** What a suspension does to its run, what signals do to it, and how it ends. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RunCommand } from "../../../../engine/run/command.ts";
import { nextCommand } from "../../../../engine/run/next.ts";
import { replay } from "../../../../engine/run/replay.ts";
import { fromSnapshot, takeSnapshot } from "../../../../engine/run/snapshot.ts";
import { illegal } from "../../../../engine/run/state.ts";
import { idleUntil, timersOf } from "../../../../engine/run/timers.ts";
import { isRejected, transition } from "../../../../engine/run/transition.ts";
import type { Condition, SignalResult } from "../../../../engine/run/waits/types.ts";
import { runLabel, stepLabel } from "../../../../engine/run/words/label.ts";
import { stepWait } from "../../../../engine/run/words/wait.ts";
import { decide, started, type TestRun } from "../_run_after.ts";

const DAY = 86_400_000;
const ann = { by: "ann" };
const two = (name: string): Condition => ({
  type: "count",
  n: 2,
  distinct: "sources",
  of: [{ type: "signal", name }],
});

let made = 0;
/** A signal `name@source`, to a waitpoint if one is named. */
function signal(text: string, more: { waitpoint?: string; key?: string } = {}): RunCommand {
  const [name, source = "ann"] = text.split("@");
  return { type: "applySignal", signal: { id: `sig_${++made}`, name: name!, source }, ...more };
}

/** What comes of a signal: the answer, and `n name` for what is missing; or `/code`. */
function send(test: TestRun, command: RunCommand): string {
  const decision = transition(test.run, command, test.now);
  if (isRejected(decision)) return `/${decision.rejected}`;
  test.tell(command);
  return words(decision.result!);
}
const words = ({ answer, needs, replayed }: SignalResult) =>
  [answer, ...needs.map(({ names, count }) => `${count} ${names.join("|")}`), ...(replayed ? ["again"] : [])]
    .join(" ");

const at = (test: TestRun, name = "a") => test.run.steps.get(name)!;
const waiting = (wait: Parameters<TestRun["suspend"]>[1] = {}) =>
  started({ a: {}, z: {} }).start("a").suspend("a", wait);

Deno.test("EN-1001 EN-303 a step that waits for a signal holds no slot, says why, and gives its run nothing to do", () => {
  const test = waiting();
  const { run } = test;
  test.start("z").succeed("z");
  assertEquals([run.open.size, [...run.parked], idleUntil(run, test.now)], [0, ["a"], Infinity]);
  assertEquals([runLabel(run), stepLabel(at(test))], ["waiting", "suspended"]);
  const { wait, what } = stepWait(run, at(test))!;
  assertEquals([wait, what], ["signal", "It waits for a signal: go"]);
});

Deno.test("EN-1010 the signal that it waits for closes its waitpoint and queues the same attempt, which gets the signal", () => {
  const test = waiting();
  assertEquals(send(test, signal("go")), "applied");
  assertEquals([at(test).phase, at(test).attempt, test.run.waitpoints], ["ready", "held", undefined]);
  assertEquals(test.run.signals, undefined);
  test.start("a");
  assertEquals([at(test).attempts, at(test).signals?.map(({ name }) => name)], [1, ["go"]]);
});

Deno.test("R14 EN-1002 a signal that comes before the suspension counts, and the attempt keeps its slot", () => {
  const test = started({ a: {}, z: {} }).start("a");
  assertEquals(send(test, signal("go")), "buffered");
  const { events, actions } = test.tell({
    type: "suspendAttempt",
    step: "a",
    attempt: 1,
    wait: "signal",
    condition: { type: "signal", name: "go" },
    saved: { inline: 7 },
    frames: 3,
  });
  assertEquals([events.map(({ type }) => type), actions], [["step.resumed"], [{
    type: "run",
    step: "a",
    attempt: 1,
  }]]);
  const { phase, attempt, saved, frames, signals } = at(test);
  assertEquals([phase, attempt, saved, frames, signals?.length], ["running", "open", { inline: 7 }, 3, 1]);
  assertEquals(illegal(test.run), undefined);
});

Deno.test("R13 early signals count under count, and what is missing is told", () => {
  const test = started({ a: {} }).start("a");
  assertEquals(send(test, signal("go@ann")), "buffered");
  test.suspend("a", { condition: two("go") });
  assertEquals(send(test, signal("go@ann")), "buffered", "one sender counts once");
  assertEquals(send(test, signal("go@ben")), "applied");
  assertEquals(at(test).signals?.map(({ source }) => source), ["ann", "ben"]);
  assertEquals(test.run.signals?.length, 1, "what was not needed is kept");
});

Deno.test("EN-1002 a paused run does not go on with what has come already", () => {
  const test = started({ a: {} }).start("a");
  test.tell(signal("go"));
  test.tell({ type: "pauseRun", ...ann });
  test.suspend("a");
  assertEquals([at(test).phase, test.run.open.size, nextCommand(test.run, 4, test.now)], [
    "ready",
    0,
    undefined,
  ]);
});

Deno.test("EN-1006 signals to a waitpoint are applied, ignored or duplicates, and after its end refused", () => {
  const test = waiting({ condition: two("go") });
  const waitpoint = test.run.waitpoints![0]!.id;
  assertEquals(send(test, signal("other@ann", { waitpoint })), "ignored 2 go");
  assertEquals(send(test, signal("go@ann", { waitpoint })), "applied 1 go");
  assertEquals(send(test, signal("go@ann", { waitpoint })), "duplicate 1 go");
  assertEquals(test.run.signals?.length, 1, "what counts for nothing is not kept");
  assertEquals(send(test, signal("go@ben", { waitpoint })), "applied");
  assertEquals(send(test, signal("go@cleo", { waitpoint })), "/waitpoint_closed");
});

Deno.test("Y4 an approval is answered at its waitpoint and nowhere else", () => {
  const test = waiting({ wait: "approval", condition: { type: "signal", name: "approve" } });
  assertEquals(send(test, signal("approve")), "buffered");
  assertEquals(at(test).phase, "suspended");
  assertEquals(send(test, signal("approve", { waitpoint: test.run.waitpoints![0]!.id })), "applied");
  assertEquals(at(test).signals?.length, 1);
});

Deno.test("R15 P12 EN-1005 a repeated key gets the first answer for a day, also after closing and after the run's end", () => {
  const test = waiting();
  const first = signal("go", { key: "k" });
  assertEquals(send(test, first), "applied");
  const events = test.run.events;
  assertEquals(send(test, signal("go", { key: "k" })), "applied again");
  test.start("a").succeed("a").start("z").succeed("z").tell({ type: "endRun" });
  assertEquals(send(test, signal("go", { key: "k" })), "applied again");
  test.now += DAY - 1;
  assertEquals(send(test, signal("go", { key: "k" })), "applied again");
  assertEquals(test.run.events, events + 5, "and none of it is an event");
  test.now += 1;
  assertEquals(send(test, signal("go", { key: "k" })), "/waitpoint_closed");
});

Deno.test("EN-1005 what was of no use is remembered by its key too", () => {
  const test = waiting();
  const waitpoint = test.run.waitpoints![0]!.id;
  assertEquals(send(test, signal("other", { waitpoint, key: "k" })), "ignored 1 go");
  test.tell(signal("go"));
  assertEquals(send(test, signal("other", { waitpoint, key: "k" })), "ignored 1 go again");
});

Deno.test("EN-1014 a thousand signals wait for a step that takes them, and no more", () => {
  const test = started({ a: {} }).start("a");
  for (let i = 0; i < 1_000; i++) test.tell(signal("x"));
  assertEquals(send(test, signal("x")), "/signal_limit");
  test.suspend("a", { condition: { type: "signal", name: "go" } });
  assertEquals(send(test, signal("go")), "applied", "one that is taken at once needs no room");
});

Deno.test("R26 EN-1010 a resume delay of 50 ms resumes after 50 ms", () => {
  const test = waiting({ resumeDelayMs: 50 });
  test.start("z");
  send(test, signal("go"));
  assertEquals([at(test).phase, at(test).wait, idleUntil(test.run, test.now)], [
    "suspended",
    "delay",
    test.now,
  ]);
  assertEquals(nextCommand(test.run, 4, test.now), undefined);
  test.now += 50;
  const timer = nextCommand(test.run, 4, test.now)!;
  assertEquals(timer.type, "fireTimer");
  test.tell(timer);
  assertEquals(nextCommand(test.run, 4, test.now), { type: "startAttempt", step: "a" });
});

const TIMEOUTS: [then: "fail" | "cancel" | "skip" | "auto-resume", after: string][] = [
  ["fail", "step.failed failed"],
  ["cancel", "step.cancelled cancelled"],
  ["skip", "step.cancelled skipped"],
  ["auto-resume", "step.resumed none"],
];

for (const [then, after] of TIMEOUTS) {
  Deno.test(`EN-1011 when the time is over, onTimeout ${then} does what it says, and not a moment before`, () => {
    const test = waiting({ timeout: { ms: 5_000, then } });
    const [timer] = timersOf(test.run);
    test.now += 4_999;
    assertEquals(decide(test, { type: "fireTimer", timer: timer!.id }), "/not_ready");
    test.now += 1;
    assertEquals(nextCommand(test.run, 4, test.now), { type: "fireTimer", timer: timer!.id });
    const what = decide(test, { type: "fireTimer", timer: timer!.id });
    assertEquals(`${what} ${at(test).outcome}`, after);
    assertEquals(test.run.waitpoints, undefined, "EN-705");
    if (then === "auto-resume") assertEquals(at(test).signals?.map(({ type }) => type), ["timeout"]);
    if (then === "skip") assertEquals(at(test).skipped, "timed_out");
    if (then === "fail") {
      assertEquals([at(test).problem?.category, at(test).problem?.code], ["timeout", "wait_timeout"]);
    }
  });
}

Deno.test("EN-1009 a condition that time itself meets resumes when the time is over, whatever onTimeout says", () => {
  const either: Condition = {
    type: "count",
    n: 1,
    distinct: "signals",
    of: [{ type: "signal", name: "go" }, { type: "timeout" }],
  };
  const test = waiting({ condition: either, timeout: { ms: 5_000, then: "fail" } });
  test.now += 5_000;
  test.tell(nextCommand(test.run, 4, test.now)!);
  assertEquals([at(test).phase, at(test).signals?.[0]?.type], ["ready", "timeout"]);
});

Deno.test("EN-1011 escalate leaves it suspended for an operator, and then does what its own time says", () => {
  const timeout = { ms: 5_000, then: "escalate", escalation: { ms: 3_000, then: "cancel" } } as const;
  const test = waiting({ timeout });
  test.now += 5_000;
  test.tell(nextCommand(test.run, 4, test.now)!);
  assertEquals([at(test).phase, stepWait(test.run, at(test))?.wait], ["suspended", "operator"]);
  assertEquals(at(test).due, test.now + 3_000);
  assertEquals(
    fromSnapshot("run_1", test.plan, takeSnapshot(test.run)).steps.get("a")?.suspension?.escalated,
    true,
  );
  test.now += 3_000;
  test.tell(nextCommand(test.run, 4, test.now)!);
  assertEquals(at(test).outcome, "cancelled");
});

Deno.test("EN-1011 what waits for an operator still takes the signal that it waited for", () => {
  const timeout = { ms: 5_000, then: "escalate", escalation: { ms: 3_000, then: "cancel" } } as const;
  const test = waiting({ timeout });
  test.now += 5_000;
  test.tell(nextCommand(test.run, 4, test.now)!);
  const waitpoint = test.run.waitpoints![0]!.id;
  assertEquals(send(test, signal("go", { waitpoint })), "applied");
});

Deno.test("R24 a signal that comes after the time of its waitpoint is refused, though nobody has looked at the time", () => {
  const test = waiting({ timeout: { ms: 5_000, then: "fail" } });
  const waitpoint = test.run.waitpoints![0]!.id;
  test.now += 5_000;
  assertEquals(send(test, signal("go", { waitpoint })), "/token_expired");
});

Deno.test("EN-1015 an operator resumes a suspension with a value and a reason, or closes it", () => {
  const test = waiting();
  const payload = { inline: 5 };
  assertEquals(
    decide(test, { type: "resumeSuspension", step: "a", id: "s", payload, ...ann, reason: "late" }),
    "step.resumed",
  );
  const [own] = at(test).signals!;
  assertEquals([own?.type, own?.source, own?.payload], ["operator", "ann", payload]);
  const other = waiting();
  assertEquals(decide(other, { type: "closeSuspension", step: "a", ...ann, reason: "no" }), "step.failed");
  assertEquals(at(other).problem?.message, "ann closed what it waited for: no");
  assertEquals(decide(other, { type: "closeSuspension", step: "z", ...ann }), "/not_suspended");
});

for (const end of ["skipStep", "cancelStep", "supplyValue", "cancelRun", "stopRun"] as const) {
  Deno.test(`EN-705 EN-603 ${end} closes the waitpoints of what waits and drops what came for them`, () => {
    const test = waiting({ condition: two("go") });
    const waitpoint = test.run.waitpoints![0]!.id;
    test.tell(signal("go", { waitpoint }));
    const value = { value: { inline: 1 } };
    const step = end.endsWith("Run") ? {} : { step: "a" };
    decide(test, { type: end, ...ann, ...step, ...(end === "supplyValue" ? value : {}) } as RunCommand);
    assertEquals([test.run.waitpoints, test.run.signals, at(test).suspension], [
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(illegal(test.run), undefined);
  });
}

Deno.test("EN-409 a deadline ends what waits and closes its waitpoints", () => {
  const test = started({ a: {} }, 1, { deadline: 9_000 }).start("a").suspend("a");
  test.now = 9_000;
  test.tell(nextCommand(test.run, 4, test.now)!);
  test.tell({ type: "endRun" });
  assertEquals([test.run.outcome, at(test).outcome, test.run.waitpoints], ["expired", "expired", undefined]);
});

Deno.test("T3 an attempt that is lost with what it had taken leaves it to the next one", () => {
  const test = waiting({ wait: "approval", condition: { type: "signal", name: "approve" } });
  test.tell(signal("approve@ben", { waitpoint: test.run.waitpoints![0]!.id }));
  test.start("a").tell({ type: "adoptRun" });
  assertEquals(test.run.signals?.length, 1);
  test.start("a");
  const { events } = test.tell({
    type: "suspendAttempt",
    step: "a",
    attempt: 2,
    wait: "approval",
    condition: { type: "signal", name: "approve" },
    frames: 0,
  });
  assertEquals(events.map(({ type }) => type), ["step.resumed"], "nobody is asked twice");
  assertEquals(at(test).signals?.map(({ source }) => source), ["ben"]);
});

Deno.test("T3 what an operator had ended is not waited for again by the attempt after one that was lost", () => {
  const test = waiting();
  test.tell({ type: "resumeSuspension", step: "a", id: "s", ...ann });
  test.start("a").tell({ type: "adoptRun" });
  test.start("a");
  test.tell({
    type: "suspendAttempt",
    step: "a",
    attempt: 2,
    wait: "signal",
    condition: { type: "signal", name: "go" },
    frames: 0,
  });
  assertEquals([at(test).phase, at(test).signals?.[0]?.type], ["running", "operator"]);
});

Deno.test("EN-1012 a waitpoint that was opened and never waited on takes signals for an hour and closes with its attempt", () => {
  const test = started({ a: {}, z: {} }).start("a");
  test.tell({ type: "openWaitpoint", step: "a", attempt: 1, name: "w" });
  assertEquals(decide(test, { type: "openWaitpoint", step: "a", attempt: 1, name: "w" }), "same");
  const waitpoint = test.run.waitpoints![0]!.id;
  assertEquals(send(test, signal("go", { waitpoint })), "buffered");
  test.now += 3_600_000;
  assertEquals(send(test, signal("go", { waitpoint })), "/token_expired");
  test.succeed("a");
  assertEquals(send(test, signal("go", { waitpoint })), "/waitpoint_closed");
  assertEquals(test.run.signals, undefined);
});

type Op = { op: string; n: number };
const OPS = [
  "signal",
  "signal",
  "keyed",
  "pointed",
  "suspend",
  "start",
  "succeed",
  "crash",
  "time",
  "operator",
  "restore",
];
const ops: fc.Arbitrary<Op[]> = fc.array(fc.record({ op: fc.constantFrom(...OPS), n: fc.nat(5) }), {
  maxLength: 40,
});

/** Follows which signals were taken; each is in one place: kept, an attempt's, or used up. */
class Course {
  readonly test = started({ a: {}, b: {} });
  readonly accepted = new Set<string>();
  readonly handed = new Map<string, number>();

  do({ op, n }: Op): void {
    const { test } = this;
    const name = n % 2 === 0 ? "a" : "b";
    const step = test.run.steps.get(name)!;
    switch (op) {
      case "signal":
      case "keyed":
      case "pointed": {
        const points = test.run.waitpoints ?? [];
        const to = op === "pointed" && points.length > 0 ? { waitpoint: points[n % points.length]!.id } : {};
        const command = signal(n < 4 ? "go@ann" : "go@ben", {
          ...to,
          ...(op === "keyed" ? { key: `k${n % 3}` } : {}),
        });
        const answer = send(test, command);
        const again = transition(test.run, command, test.now);
        if (op === "keyed" && !isRejected(again)) assertEquals(again.events, [], "P12");
        const { id } = (command as { signal: { id: string } }).signal;
        if (/^(applied|buffered)/.test(answer) && !answer.endsWith("again")) this.accepted.add(id);
        break;
      }
      case "suspend":
        if (step.attempt === "open") {
          test.suspend(
            name,
            n < 3 ? {} : { condition: two("go"), timeout: { ms: 400, then: "auto-resume" } },
          );
        }
        break;
      case "start":
        // One that was lost twice waits before it begins again.
        if (step.phase === "ready" && step.wait === "slot") test.start(name);
        break;
      case "succeed":
        if (step.attempt === "open" && n === 5) test.succeed(name);
        break;
      case "crash":
        test.tell({ type: "adoptRun" });
        break;
      case "time":
        test.now += 100 * n;
        break;
      case "operator":
        if (step.suspension !== undefined && n === 0) {
          test.tell({ type: "resumeSuspension", step: name, id: `o${++made}`, ...ann });
        }
        break;
      case "restore": {
        const copy = fromSnapshot("run_1", test.plan, JSON.parse(JSON.stringify(takeSnapshot(test.run))));
        assertEquals(takeSnapshot(copy), JSON.parse(JSON.stringify(takeSnapshot(test.run))), "S1");
        break;
      }
    }
    const next = nextCommand(test.run, 0, test.now);
    if (next?.type === "fireTimer") test.tell(next);
  }

  check(): void {
    const { run, plan, journal } = this.test;
    assertEquals(illegal(run), undefined, "S2");
    assertEquals(takeSnapshot(replay("run_1", plan, journal)), takeSnapshot(run), "S1");
    const places = [...run.signals ?? [], ...[...run.steps.values()].flatMap(({ signals }) => signals ?? [])];
    const sent = places.filter(({ type }) => type === undefined).map(({ id }) => id);
    assertEquals(new Set(sent).size, sent.length, "T3 no signal is in two places");
    for (const id of sent) assertEquals(this.accepted.has(id), true, "T3 none appears by itself");
  }
}

Deno.test("S1 S2 T3 P12 whatever comes in whatever order, each accepted signal is in one place, and the journal says which", () => {
  fc.assert(fc.property(ops, (all) => {
    const course = new Course();
    for (const op of all) {
      course.do(op);
      course.check();
    }
  }));
});
