/**
 * A disk without room: the engine stays up, says so once, keeps its runs and goes on when there is room. On a store
 * that plays it, for everybody; and on a small disk, where one can be mounted.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../engine/base/errors.ts";
import { memoryStore } from "../../engine/store/memory.ts";
import { denoKvStore, type Kv } from "../../engine/store/deno_kv.ts";
import { openStore } from "../../engine/store/open.ts";
import { artifacts } from "../../engine/artifacts/artifacts.ts";
import type { Engine } from "../../engine/mod.ts";
import {
  ended,
  engineOf,
  gate,
  happened,
  KeptLog,
  notebookOf,
  ScriptedKind,
  soon,
  turn,
  valuesOf,
} from "../engine/work/_harness.ts";
import { breaches } from "./_invariants.ts";

/** A database on a disk that is full while `disk.full`: SQLite's own words. */
function onFullDisk(kv: Kv, disk: { full: boolean; refused: number }): Kv {
  return {
    getMany: kv.getMany.bind(kv),
    list: kv.list.bind(kv),
    close: () => kv.close(),
    atomic() {
      const atomic = kv.atomic();
      const commit = atomic.commit.bind(atomic);
      atomic.commit = () => {
        if (!disk.full) return commit();
        disk.refused++;
        return Promise.reject(new TypeError("database or disk is full"));
      };
      return atomic;
    },
  };
}

async function refusals(disk: { refused: number }, more: number): Promise<void> {
  for (const from = disk.refused; disk.refused < from + more;) await turn();
}

const submit = (engine: Engine, cells: Record<string, string[]>, more = "") =>
  engine.submit({ notebook: "n", text: notebookOf(cells) + more, author: "t" });

Deno.test("C1 EN-2103 on a full store a submission answers storage_full, runs wait, and all goes on when there is room", async () => {
  const disk = { full: false, refused: 0 };
  const store = await denoKvStore({
    location: ":memory:",
    kv: onFullDisk(await Deno.openKv(":memory:"), disk),
  });
  const go = gate();
  const kind = new ScriptedKind({
    a: async ({ emit }) => {
      await go.opened;
      emit({ type: "text", text: "said on a full disk" });
      return { type: "succeeded", value: "x".repeat(20_000) };
    },
  });
  const log = new KeptLog();
  const engine = await engineOf(store, kind, { log });
  const { run } = await submit(engine, { a: [], b: ["a"] });
  await happened(engine, run, "step.started", "a");

  disk.full = true;
  const error = await assertRejects(() => submit(engine, { z: [] }), EngineError);
  assertEquals([error.code, error.status], ["storage_full", 507]);
  go.open();
  await refusals(disk, 5);
  assertEquals((await engine.view(run)).cells.a!.label, "running");
  const again = await assertRejects(() => soon(submit(engine, { a: [], b: ["a"] })), EngineError);
  assertEquals(again.code, "storage_full", "a notebook that is stored already is refused as soon");
  assertEquals(log.entries.filter(({ code }) => code === "storage_full").length, 1, "told once");

  disk.full = false;
  const view = await soon(ended(engine, run));
  assertEquals([view.label, view.cells.a!.text, kind.calls], ["succeeded", "said on a full disk", [
    "a#1",
    "b#1",
  ]]);
  assertEquals((await ended(engine, (await submit(engine, { z: [] })).run)).label, "succeeded");
  assertEquals(log.entries.filter(({ level }) => level === "error").length, 1);
  assertEquals(await breaches(store, []), []);

  disk.full = true;
  await assertRejects(() => submit(engine, { y: [] }), EngineError);
  assertEquals(log.entries.filter(({ code }) => code === "storage_full").length, 2, "told again");
  disk.full = false;
  await engine.close();
});

Deno.test("EN-2103 a session that ran out on a full store is opened again when there is room, and its run goes on", async () => {
  const disk = { full: false, refused: 0 };
  const store = await denoKvStore({
    location: ":memory:",
    kv: onFullDisk(await Deno.openKv(":memory:"), disk),
  });
  const log = new KeptLog();
  const hold = gate();
  const kind = new ScriptedKind({
    a: async ({ attempt, signal }) => {
      if (attempt === 1) {
        signal.addEventListener("abort", hold.open);
        await hold.opened;
      }
      return { type: "succeeded", value: attempt };
    },
  });
  const engine = await engineOf(store, kind, { log, sessionTtlMs: 400 });
  const { run } = await submit(engine, { a: [] });
  await happened(engine, run, "step.started", "a");
  disk.full = true;
  await soon(log.has("session_lost"));
  await refusals(disk, 3);
  disk.full = false;
  assertEquals(valuesOf(await soon(ended(engine, run))), { a: 2 });
  assertEquals(log.entries.filter(({ code }) => code === "storage_full").length, 1, "told once");
  await engine.close();
});

/** Why no disk can be mounted here, or nothing. */
function noMount(): string | undefined {
  if (Deno.build.os !== "linux") return `${Deno.build.os} has no tmpfs`;
  if (Deno.uid() !== 0) return "only root may mount a disk";
  const folder = Deno.makeTempDirSync();
  const { success, stderr } = new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
  })
    .outputSync();
  if (success) new Deno.Command("umount", { args: [folder] }).outputSync();
  Deno.removeSync(folder);
  return success ? undefined : new TextDecoder().decode(stderr).trim();
}

const why = noMount();
Deno.test({
  name: why === undefined
    ? "C1 EN-2103 a disk of 4 MB fills up under an engine: what was answered is there, and it goes on when there is room"
    : `NOT TRIED, because ${why}: C1 EN-2103 a disk of 4 MB that fills up under an engine`,
  ignore: why !== undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "weft-full-" });
    const mounted = await new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder],
    }).output();
    assert(mounted.success);
    try {
      const { store, release } = await openStore(`${folder}/weft.db`);
      const log = new KeptLog();
      // Short, because the submission that finds the disk full waits with its session.
      const engine = await engineOf(store, new ScriptedKind(), { log, sessionTtlMs: 2_000 });
      const answered: string[] = [];
      // What fills it is not the engine's own, so that room can be made again.
      await Deno.writeFile(`${folder}/ballast`, new Uint8Array(2_000_000));
      const refusal = await (async () => {
        for (let i = 0;; i++) {
          try {
            answered.push(
              (await submit(engine, { [`c${i}`]: [], [`d${i}`]: [`c${i}`] }, "words ".repeat(10_000))).run,
            );
          } catch (error) {
            return error;
          }
        }
      })();
      assert(refusal instanceof EngineError);
      assertEquals(refusal.code, "storage_full");
      assert(answered.length > 3, `only ${answered.length} runs fitted`);
      await assertRejects(() => artifacts({ store, folder }).put("x".repeat(2_000_000)), EngineError, "full");
      await Deno.remove(`${folder}/ballast`);
      for (const run of answered) assertEquals((await soon(ended(engine, run))).label, "succeeded");
      assertEquals((await ended(engine, (await submit(engine, { z: [] })).run)).label, "succeeded");
      assertEquals(await breaches(store, answered.map((run) => ({ at: "submitted", run }))), []);
      assert(log.entries.some(({ code }) => code === "storage_full"));
      await engine.close();
      await release();
    } finally {
      await new Deno.Command("umount", { args: [folder] }).output();
      await Deno.remove(folder);
    }
  },
});

Deno.test("a value whose file has no room is storage_full, not a bug", async () => {
  // As Deno says it.
  const { write } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.write = () =>
    Promise.reject(Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" }));
  const folder = await Deno.makeTempDir();
  try {
    const { put } = artifacts({ store: memoryStore(), folder });
    const error = await assertRejects(() => put("x".repeat(2_000_000)), EngineError, "Disk full");
    assertEquals(error.code, "storage_full");
  } finally {
    Deno.FsFile.prototype.write = write;
    await Deno.remove(folder, { recursive: true });
  }
});
