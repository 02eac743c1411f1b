/**
 * kill -9 of a real process on a real file, at moments that no fault point names: once some cells have run. Afterwards
 * another process on the same file ends the run as it would have ended undisturbed. At the fault points: `matrix_test.ts`.
 */
import { assert, assertEquals } from "@std/assert";
import { eventPrefix, runPrefix } from "../../../engine/store/keys.ts";
import { openStore } from "../../../engine/store/open.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { readRecord } from "../../../engine/work/records.ts";
import { FAN as CELLS } from "../matrix/scenarios.ts";

const CHILD = new URL("./_child.ts", import.meta.url).pathname;

interface Ended {
  signal: Deno.Signal | null;
  view?: RunView;
}

/** Runs the child; `killAt` says when to kill it from outside, by how many cells have run. */
async function child(folder: string, log: string, killAt?: number): Promise<Ended> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, `${folder}/weft.db`, `${folder}/${log}`],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  if (killAt !== undefined) {
    const watcher = Deno.watchFs(folder);
    for await (const _ of watcher) if (ran(folder, log).length >= killAt) break;
    watcher.close();
    process.kill("SIGKILL");
  }
  const { signal, stdout } = await process.output();
  const text = new TextDecoder().decode(stdout);
  return { signal, ...(signal === null ? { view: JSON.parse(text) } : {}) };
}

/** Cells whose code ran, in order, as one process logged them. */
function ran(folder: string, log: string): string[] {
  try {
    return Deno.readTextFileSync(`${folder}/${log}`).trim().split("\n");
  } catch {
    return [];
  }
}

/** What the journal on disk says has succeeded. */
async function durable(folder: string): Promise<Set<string>> {
  const { store, release } = await openStore(`${folder}/weft.db`);
  const done = new Set<string>();
  for await (const head of store.list(runPrefix)) {
    for await (const entry of store.list(eventPrefix(String(head.key[1])))) {
      for (const event of readRecord(entry).events) if (event.type === "step.succeeded") done.add(event.step);
    }
  }
  await release();
  return done;
}

async function killAndGoOn(die: (folder: string) => Promise<Ended>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-crash-" });
  try {
    await die(folder);
    const done = await durable(folder);
    const before = ran(folder, "first.log");
    const { view } = await child(folder, "second.log");
    const after = ran(folder, "second.log");

    assertEquals(view!.label, "succeeded");
    assertEquals(Object.values(view!.cells).map(({ label }) => label), Array(12).fill("succeeded"));
    for (const [name, { text }] of Object.entries(view!.cells)) {
      assertEquals(
        text,
        [0, 1, 2].map((i) => `${name} says ${i}\n`).join(""),
        "T2 the output is whole, once",
      );
    }
    assertEquals(after.filter((name) => done.has(name)), [], "a finished step ran again");
    assertEquals(new Set([...before, ...after]).size, 12);
    for (const log of [before, after]) {
      assertEquals(new Set(log).size, log.length, "a step ran twice in one process");
    }
    for (const name of before) {
      for (const need of CELLS[name]!) assert(done.has(need), `C2 ${name} ran before ${need} was durable`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const cells of [2, 5, 11]) {
  Deno.test(`C1 C2 S1 killed from outside once ${cells} cells have run: the run goes on`, async () => {
    await killAndGoOn((folder) => child(folder, "first.log", cells));
  });
}
