/**
 * Which cases the crash matrix has, and running them side by side. Owns: the list, made of what a survey found; and the
 * part of it that a machine has time for between two changes.
 */
import { FAULT_POINTS, type FaultPoint } from "../../../engine/base/faults.ts";
import { type Case, runCase, survey, type Way } from "./case.ts";
import type { Report } from "./process.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Points at which a second delivery and a jump of the clock are tried too: those with a star in the specification. */
const STARRED: ReadonlySet<FaultPoint> = new Set<FaultPoint>([
  "submit.before",
  "submit.after",
  "attempt.started",
  "commit.before",
  "commit.after",
  "suspend.opened",
  "suspend.released",
  "command.accepted",
  "signal.accepted",
  "retry.scheduled",
  "timer.fired",
]);

/** Points that belong to something else than a run under way, and the test that tries them. */
const ELSEWHERE: Partial<Record<FaultPoint, string>> = {
  "retention.half": "tests/crash/retention/half_test.ts",
};

/** How many cases run at a time: they mostly wait. */
const SIDE_BY_SIDE = 4;

/** What each scenario passes, by its name. */
export type Survey = Record<string, Report["passed"]>;

/** Runs every scenario undisturbed. */
export async function surveyAll(): Promise<Survey> {
  const found: Survey = {};
  await inParallel(Object.keys(SCENARIOS), async (name) => {
    found[name] = await survey(name);
  });
  return found;
}

/** Points that no scenario passes. */
export function unreached(survey: Survey): FaultPoint[] {
  return FAULT_POINTS.filter((point) =>
    ELSEWHERE[point] === undefined &&
    !Object.keys(SCENARIOS).some((name) => passings(survey, name, point) > 0)
  );
}

function passings(survey: Survey, scenario: string, point: FaultPoint): number {
  const { points, leaves = false } = SCENARIOS[scenario]!;
  // Whoever closes when all has ended has nothing to hand back.
  if (point === "drain.half" && !leaves) return 0;
  return points === undefined || points.includes(point) ? survey[scenario]?.[point] ?? 0 : 0;
}

/** Every point, in each scenario that passes it, at its first passing and amid them, or at each if it is of an effect. */
export function everyCase(survey: Survey): Case[] {
  return FAULT_POINTS.flatMap((point) =>
    Object.keys(SCENARIOS).flatMap((scenario) => {
      const times = passings(survey, scenario, point);
      const ways: Way[] = STARRED.has(point) ? ["K", "R", "Z", "U", "D", "J+", "J-"] : ["K", "R", "Z", "U"];
      // What each cell does outside is another case.
      const at = point.startsWith("effect.")
        ? Array.from({ length: times }, (_, i) => i + 1)
        : times === 0
        ? []
        : [...new Set([1, Math.ceil(times / 2) + (point === "drain.half" ? 1 : 0)])];
      return at.flatMap((passing) => ways.map((way): Case => ({ scenario, point, passing, way })));
    })
  );
}

/** Each point once by a kill and a restart, and `more` of the others, chosen by `seed`. */
export function someCases(all: readonly Case[], more: number, seed: number): Case[] {
  const next = random(seed);
  const restarts = FAULT_POINTS.flatMap((point) => {
    const ofPoint = all.filter((one) => one.point === point && one.way === "R");
    return ofPoint.length === 0 ? [] : [ofPoint[Math.floor(next() * ofPoint.length)]!];
  });
  // By ways in turn, because most cases are of few ways.
  const ways: Way[] = ["Z", "K", "U", "D", "J+", "J-"];
  const others = Array.from({ length: more }, (_, i) => {
    const ofWay = all.filter(({ way }) => way === ways[i % ways.length]);
    return ofWay[Math.floor(next() * ofWay.length)]!;
  });
  return [...restarts, ...others];
}

/** A small generator of numbers in [0, 1), so that a seed names a choice. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A case in words. */
export const nameOf = ({ scenario, point, passing, way }: Case) =>
  `${way} at ${point} (${passing}) of ${scenario}`;

/** Runs cases side by side, then shows each as a step of the test. */
export async function runCases(test: Deno.TestContext, cases: readonly Case[]): Promise<void> {
  const ran: [name: string, error: unknown][] = [];
  await inParallel(cases, async (one) => {
    const from = performance.now();
    const error = await runCase(one).catch((error) => error);
    ran.push([`${nameOf(one)}: ${Math.round(performance.now() - from)} ms`, error]);
  });
  for (const [name, error] of ran) {
    await test.step(name, () => {
      if (error !== undefined) throw error;
    });
  }
}

async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const one = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, one));
}
