/**
 * SIGTERM and SIGSTOP of a real process on a real file: the first hands its runs back, the second makes it find out
 * that it was away for too long.
 */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import type { JournalRecord } from "../../../engine/run/event.ts";
import {
  eventPrefix,
  framePrefix,
  leasePrefix,
  readyPrefix,
  runPrefix,
  sessionPrefix,
} from "../../../engine/store/keys.ts";
import { openStore } from "../../../engine/store/open.ts";
import type { Key, Store } from "../../../engine/store/store.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { readFrames, readRecord } from "../../../engine/work/records.ts";
import { FAN as CELLS } from "../matrix/scenarios.ts";

const PROCESS = new URL("./_process.ts", import.meta.url).pathname;

function start(folder: string, log: string, ttlMs: number, first: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROCESS, `${folder}/weft.db`, `${folder}/${log}`, String(ttlMs), first],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function viewOf(process: Deno.ChildProcess): Promise<RunView> {
  const { code, stdout } = await process.output();
  assertEquals(code, 0);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Attempts as the process began them. */
function calls(folder: string, log: string): string[] {
  try {
    return Deno.readTextFileSync(`${folder}/${log}`).trim().split("\n");
  } catch {
    return [];
  }
}

/** Waits until the process has begun an attempt; one that does not within 10 s is killed. */
async function called(
  process: Deno.ChildProcess,
  folder: string,
  log: string,
  attempt: string,
): Promise<void> {
  const watcher = Deno.watchFs(folder);
  const late = setTimeout(() => watcher.close(), 10_000);
  if (calls(folder, log).includes(attempt)) watcher.close();
  else for await (const _ of watcher) if (calls(folder, log).includes(attempt)) break;
  clearTimeout(late);
  if (calls(folder, log).includes(attempt)) return;
  process.kill("SIGKILL");
  await process.output();
  throw new Error(`${attempt} did not begin within 10 s`);
}

async function inStore<T>(folder: string, read: (store: Store) => Promise<T>): Promise<T> {
  const { store, release } = await openStore(`${folder}/weft.db`);
  try {
    return await read(store);
  } finally {
    await release();
  }
}

const count = async (store: Store, prefix: Key) => (await Array.fromAsync(store.list(prefix))).length;

async function journal(store: Store): Promise<JournalRecord[]> {
  const [head] = await Array.fromAsync(store.list(runPrefix));
  return await Array.fromAsync(store.list(eventPrefix(String(head!.key[1]))), readRecord);
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-signal-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const succeeded = (view: RunView) =>
  assertEquals(Object.values(view.cells).map(({ label }) => label), Array(12).fill("succeeded"));

Deno.test("EN-2101 SIGTERM hands the run back and exits with 0; the next process goes on and counts no recovery", async () => {
  await inFolder(async (folder) => {
    const process = start(folder, "first.log", 15_000, "holds");
    await called(process, folder, "first.log", "c6#1");
    process.kill("SIGTERM");
    const { code, signal } = await process.output();
    assertEquals([code, signal], [0, null]);
    const done = await inStore(folder, async (store) => {
      const left = [];
      for (const prefix of [sessionPrefix, leasePrefix, readyPrefix("default")]) {
        left.push(await count(store, prefix));
      }
      assertEquals(left, [0, 0, 1], "no session, no lease, one run that may be claimed");
      const events = (await journal(store)).flatMap(({ events }) => events);
      assertEquals(events.at(-1)?.type, "run.released");
      assertEquals(events.filter(({ type }) => type === "run.adopted"), []);
      return events.flatMap((event) => event.type === "step.succeeded" ? [event.step] : []);
    });
    assert(done.length >= 6);

    const view = await viewOf(start(folder, "second.log", 15_000, "holds"));
    succeeded(view);
    assertEquals([view.cells.c6!.attempt, view.cells.c6!.reason], [2, "recovery"]);
    const second = calls(folder, "second.log").map((call) => call.split("#")[0]!);
    assertEquals(second.filter((cell) => done.includes(cell)), [], "a finished step ran again");
    assertEquals(new Set([...done, ...second]), new Set(Object.keys(CELLS)));
    const types = await inStore(
      folder,
      async (store) => (await journal(store)).flatMap(({ events }) => events.map(({ type }) => type)),
    );
    assertEquals(types.filter((type) => type === "run.adopted"), []);
  });
});

Deno.test("L4 EN-502 EN-1609 a process that was stopped past its session's time refuses its own late result and frames and goes on under a new session", async () => {
  await inFolder(async (folder) => {
    const ttlMs = 1_000;
    const process = start(folder, "log", ttlMs, "pauses");
    await called(process, folder, "log", "c6#1");
    process.kill("SIGSTOP");
    // The one wait for real time: a stopped process has no clock that a test could move.
    await systemClock.sleep(ttlMs + 200);
    process.kill("SIGCONT");
    const view = await viewOf(process);
    succeeded(view);
    assertEquals(view.cells.c6!.text, "c6\n");
    const said = await inStore(folder, async (store) => {
      const [head] = await Array.fromAsync(store.list(runPrefix));
      const batches = await Array.fromAsync(
        store.list(framePrefix(String(head!.key[1]), "c6", 1)),
        readFrames,
      );
      return batches.flat().map((frame) => "text" in frame ? frame.text : "");
    });
    assertEquals(said.filter((text) => text.includes("late")), [], "a lost session's frame was taken");
    assertEquals(view.cells.c6!.value, { inline: "c6#2" }, "the late result of the first attempt was taken");
    const ran = calls(folder, "log");
    assertEquals(ran.filter((call) => call.startsWith("c6#")), ["c6#1", "c6#2"]);
    const records = await inStore(folder, journal);
    assertEquals(new Set(records.slice(1).map(({ epoch }) => epoch)), new Set([1, 2]));
    const adopted = records.find(({ events }) => events.some(({ type }) => type === "run.adopted"));
    assertEquals(adopted?.epoch, 2);
    const done = records.filter(({ epoch }) => epoch === 1).flatMap(({ events }) =>
      events.flatMap((event) => event.type === "step.succeeded" ? [event.step] : [])
    );
    assert(done.length >= 6);
    for (const cell of done) assertEquals(ran.filter((call) => call.startsWith(`${cell}#`)), [`${cell}#1`]);
  });
});
