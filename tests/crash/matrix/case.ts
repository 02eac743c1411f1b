/**
 * One cell of the crash matrix: a scenario, a fault point, and a way of dying there. Owns: the processes of a case, one
 * after the other, and what is judged when each has gone.
 *
 * Nothing here waits for time to pass: it waits for a line of a process or for its end.
 */
import { assert, assertEquals } from "@std/assert";
import type { FaultPoint } from "../../../engine/base/faults.ts";
import { denoKvStore } from "../../../engine/store/deno_kv.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { breaches } from "../_invariants.ts";
import { judgeCounts, startCounter } from "../counter/counter.ts";
import { readEvidence } from "./evidence.ts";
import { type Left, readLeft } from "./left.ts";
import type { Act, Part, Report } from "./process.ts";
import { SCENARIOS } from "./scenarios.ts";

/**
 * K: killed, another worker goes on once its time is over. R: killed, and restarted. Z: stopped until another worker has
 * taken its place, then let go on. U: the answer to its next write is lost. D: all that was said to it is said again.
 * J: its clock jumps.
 */
export type Way = "K" | "R" | "Z" | "U" | "D" | "J+" | "J-";

const ACTS: Record<Way, Act> = {
  K: "die",
  R: "die",
  Z: "stop",
  U: "lose",
  D: "repeat",
  "J+": "jump +60",
  "J-": "jump -60",
};

/** See the module comment. */
export interface Case {
  scenario: string;
  point: FaultPoint;
  passing: number;
  way: Way;
}

const PROCESS = new URL("./process.ts", import.meta.url).pathname;
const SHORT_TTL_MS = 800;
const TTL_MS = 15_000;

/** A process and what it printed. */
interface Running {
  /** Resolves with the next line; `undefined` at its end. */
  line(): Promise<string | undefined>;
  process: Deno.ChildProcess;
}

function start(part: Part): Running {
  const process = new Deno.Command(Deno.execPath(), {
    // The packages are there; nobody waits for a lock to look whether they are.
    args: ["run", "-A", "--no-check", "--node-modules-dir=manual", PROCESS, JSON.stringify(part)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  return { process, line: linesOf(process.stdout) };
}

function linesOf(stream: ReadableStream<Uint8Array>): () => Promise<string | undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return async () => {
    for (;;) {
      const end = text.indexOf("\n");
      if (end >= 0) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        return line;
      }
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  };
}

async function over({ process, line }: Running): Promise<{ status: Deno.CommandStatus; report?: Report }> {
  let last: string | undefined;
  for (let next = await line(); next !== undefined; next = await line()) last = next;
  await process.stdin.close().catch(() => {});
  const status = await process.status;
  return { status, ...(status.success && last?.startsWith("{") ? { report: JSON.parse(last) } : {}) };
}

/** How often an undisturbed process passes each point in a scenario. */
export async function survey(scenario: string): Promise<Report["passed"]> {
  return await inFolder(scenario, async (folder) => {
    if (SCENARIOS[scenario]!.inherited) await bequeath(folder);
    const part: Part = { folder, scenario, worker: "w1", name: "first", ttlMs: TTL_MS };
    const { report } = await over(start(part));
    return report!.passed;
  });
}

/** A worker that was killed amid the scenario. */
async function bequeath(folder: string): Promise<void> {
  const fault = { point: "attempt.started", passing: 3, act: "die" } as const;
  const part: Part = { folder, scenario: "fan", worker: "w0", name: "dead", ttlMs: SHORT_TTL_MS, fault };
  assertEquals((await over(start(part))).status.signal, "SIGKILL");
}

/** Runs a case and judges it. Throws what is wrong. */
export async function runCase({ scenario, point, passing, way }: Case): Promise<void> {
  await inFolder(scenario, async (folder) => {
    const { inherited, leaves, acts } = SCENARIOS[scenario]!;
    if (inherited) await bequeath(folder);
    const ttlMs = way === "K" || way === "Z" ? SHORT_TTL_MS : TTL_MS;
    const part = { folder, scenario, ttlMs };
    const first: Part = {
      ...part,
      worker: "w1",
      name: "first",
      fault: { point, passing, act: ACTS[way] },
      shared: way === "Z",
    };
    const next: Part = {
      ...part,
      worker: way === "K" || way === "Z" ? "w2" : "w1",
      name: "next",
      last: true,
    };
    let report: Report | undefined;
    if (way === "K" || way === "R") {
      assertEquals((await over(start(first))).status.signal, "SIGKILL", "the point was not reached");
      const before = await judge(folder);
      ({ report } = await over(start(next)));
      await finishedStay(folder, before, SCENARIOS[scenario]!.again);
    } else if (way === "Z") {
      report = await stopped(first, { ...next, shared: true, standsBy: { for: "w1" } });
    } else {
      const { status, report: own } = await over(start(first));
      assertEquals(status.code, 0, "it did not end by itself");
      report = leaves ? (await over(start(next))).report : own;
    }
    assert(report !== undefined, "the last process did not end well");
    endsAsWithout(scenario, report.views);
    await judge(folder);
    if (acts !== undefined) judgeCounts(folder, acts);
  });
}

/** Stops a process, lets it go on once its place is taken, and lets the other one finish. */
async function stopped(first: Part, heir: Part): Promise<Report | undefined> {
  const one = start(first);
  assertEquals(await one.line(), "stops", "the point was not reached");
  const two = start(heir);
  const taken = await two.line();
  one.process.kill("SIGCONT");
  assertEquals(taken, "taken");
  const { status } = await over(one);
  const writer = two.process.stdin.getWriter();
  await writer.write(new TextEncoder().encode("go on\n"));
  writer.releaseLock();
  const { report } = await over(two);
  assertEquals(status.code, 0, "the one that was stopped did not end well");
  const lost = readEvidence([`${first.folder}/first.jsonl`]).filter(({ at }) => at === "lost");
  // One that was closing when it was stopped does not begin again.
  // Nor need one that has nothing left to write by then.
  const idle = first.fault?.point === "submit.after";
  if (!SCENARIOS[first.scenario]!.leaves && !idle) {
    assert(lost.length > 0, "it did not find out that its session is lost");
  }
  return report;
}

/** The invariants over what is in the store now. */
async function judge(folder: string): Promise<Left> {
  const lines = readEvidence(["dead", "first", "next"].map((name) => `${folder}/${name}.jsonl`));
  const store = await denoKvStore({ location: `${folder}/weft.db` });
  try {
    assertEquals(await breaches(store, lines), []);
    return await readLeft(store);
  } finally {
    await store.close();
  }
}

/** What had succeeded when a process died was not called by the next, but for what is to run again. */
async function finishedStay(folder: string, before: Left, rerun: readonly string[] = []): Promise<void> {
  const ran = readEvidence([`${folder}/next.jsonl`]).flatMap((line) => line.at === "ran" ? [line] : []);
  for (const [id, { journal }] of before.runs) {
    const done = journal.flatMap(({ events }) => events).flatMap((event) =>
      event.type === "step.succeeded" && !rerun.includes(event.step) ? [event.step] : []
    );
    const again = ran.filter(({ run, step }) => run === id && done.includes(step)).map(({ step }) => step);
    assertEquals(again, [], "a finished step ran again");
  }
  await Promise.resolve();
}

/** Each run ended as it does when nothing happens to it. */
function endsAsWithout(scenario: string, views: Record<string, RunView>): void {
  const { ends } = SCENARIOS[scenario]!;
  assertEquals(Object.keys(views).toSorted(), Object.keys(ends).toSorted());
  for (const [run, { label, cells }] of Object.entries(ends)) {
    assertEquals(views[run]!.label, label, `${run} ended otherwise`);
    for (const [name, expected] of Object.entries(cells)) {
      const cell = views[run]!.cells[name]!;
      assert(expected.label.includes(cell.label), `${name} is ${cell.label}, not ${expected.label}`);
      if (expected.text !== undefined) assertEquals(cell.text, expected.text, `T2 the output of ${name}`);
      if (expected.value === undefined || cell.value === undefined || !("inline" in cell.value)) continue;
      assertEquals<unknown>(cell.value.inline, expected.value, `the value of ${name}`);
    }
  }
}

async function inFolder<T>(scenario: string, act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "weft-crash-" });
  const stop = SCENARIOS[scenario]!.acts === undefined ? undefined : await startCounter(folder);
  try {
    await Deno.create(`${folder}/weft.db`).then((file) => file.close());
    return await act(folder);
  } finally {
    await stop?.();
    await Deno.remove(folder, { recursive: true });
  }
}
