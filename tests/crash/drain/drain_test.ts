/** Two processes on one store file, and SIGTERM to the one that runs: what it has goes on in the next. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import type { Engine } from "../../../engine/mod.ts";
import { LANE, leasePrefix, readyPrefix, sessionPrefix } from "../../../engine/store/keys.ts";
import { openStore } from "../../../engine/store/open.ts";
import type { Store } from "../../../engine/store/store.ts";
import {
  ended,
  engineOf,
  happened,
  journalOf,
  kept,
  notebookOf,
  ScriptedKind,
  valuesOf,
} from "../../engine/work/_harness.ts";
import { breaches } from "../_invariants.ts";

const SERVER = new URL("./_server.ts", import.meta.url).pathname;

/** A serving process; resolves once it is ready. */
async function serve(path: string, ...args: string[]) {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SERVER, path, ...args],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.getReader();
  let text = "";
  const said = async (line: string) => {
    while (!text.includes(line)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`It ended without saying ${line}`);
      text += new TextDecoder().decode(value);
    }
  };
  await said("ready");
  const status = async () => {
    while (!(await reader.read()).done);
    return await process.status;
  };
  return { process, said, status };
}

/** What a test has beside a server: its store without the lock, and an engine that runs nothing. */
async function besideServer(
  test: (path: string, store: Store, client: Engine) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-drain-" });
  const path = `${folder}/weft.db`;
  const { store, release } = await openStore(path, { client: true });
  const client = await engineOf(kept(store), new ScriptedKind(), { worker: null });
  try {
    await test(path, store, client);
  } finally {
    await client.close();
    await release();
    await Deno.remove(folder, { recursive: true });
  }
}

const submit = async (client: Engine, cells: Record<string, string[]>) =>
  (await client.submit({ notebook: "n", text: notebookOf(cells), author: "t" })).run;
const count = async (store: Store, prefix: readonly string[]) =>
  (await Array.fromAsync(store.list(prefix))).length;

Deno.test("EN-101 a second engine on a store is refused as store_in_use, and works as a client: it submits, tells and follows", async () => {
  await besideServer(async (path, store, client) => {
    const server = await serve(path, "0");
    const error = await assertRejects(() => openStore(path), EngineError);
    assertEquals(error.code, "store_in_use");
    assert(error.message.includes(String(server.process.pid)), "it says who has the store");
    const run = await submit(client, { a: [], b: ["a"] });
    assertEquals(valuesOf(await ended(client, run)), { a: 1, b: 2 });
    const held = await submit(client, { holds: [], z: ["holds"] });
    await happened(client, held, "step.started", "holds");
    assertEquals((await client.tell(held, { type: "cancelRun", by: "ann" })).state, "applied");
    assertEquals((await ended(client, held)).label, "cancelled");
    server.process.kill("SIGTERM");
    assertEquals((await server.status()).code, 0);
    assertEquals(await breaches(store, [run, held].map((run) => ({ at: "submitted", run }))), []);
  });
});

Deno.test("EN-2101 SIGTERM under 20 running runs: nothing is claimed, attempts get their time, runs go back at their rank, none counts as lost", async () => {
  await besideServer(async (path, store, client) => {
    const server = await serve(path, "400");
    const runs: string[] = [];
    for (let i = 0; i < 20; i++) {
      runs.push(await submit(client, i % 2 === 0 ? { soon: [], y: ["soon"] } : { holds: [], y: ["holds"] }));
    }
    for (const run of runs) await happened(client, run, "step.started");
    server.process.kill("SIGTERM");
    await server.said("closing");
    const late = await submit(client, { a: [] });
    assertEquals((await server.status()).code, 0);

    const left = [await count(store, sessionPrefix as string[]), await count(store, leasePrefix as string[])];
    assertEquals(left, [0, 0], "no session and no lease is left");
    const queue = (await Array.fromAsync(store.list(readyPrefix(LANE)))).map(({ key }) => String(key.at(-1)));
    assertEquals(queue.toSorted(), [...runs, late].toSorted());
    const at = new Map((await client.runs({ limit: 100 })).map(({ id, createdAt }) => [id, createdAt]));
    const times = queue.map((run) => at.get(run)!);
    assertEquals(times, times.toSorted((a, b) => a - b), "each is back at its rank");
    for (const [i, run] of runs.entries()) {
      const types = (await journalOf(store, run)).map(({ type }) => type);
      assertEquals(types.includes("step.succeeded"), i % 2 === 0, "what ends within the time has ended");
      assertEquals(types.at(-1), "run.released");
      assertEquals(types.filter((type) => type === "step.started").length, 1, "nothing else began");
    }
    assertEquals((await journalOf(store, late)).map(({ type }) => type), ["run.queued"]);
    const acked = [...runs, late].map((run) => ({ at: "submitted", run }) as const);
    assertEquals(await breaches(store, acked), []);

    const next = await serve(path, "0", "plain");
    for (const run of [...runs, late]) assertEquals((await ended(client, run)).label, "succeeded");
    for (const run of runs) {
      assertEquals((await journalOf(store, run)).filter(({ type }) => type === "run.adopted"), []);
    }
    next.process.kill("SIGTERM");
    assertEquals((await next.status()).code, 0);
    assertEquals(await breaches(store, acked), []);
  });
});

Deno.test("EN-2101 a second SIGTERM ends it at once; the next process takes its runs up", async () => {
  await besideServer(async (path, store, client) => {
    const server = await serve(path, "30000");
    const run = await submit(client, { holds: [], y: ["holds"] });
    await happened(client, run, "step.started");
    server.process.kill("SIGTERM");
    await server.said("closing");
    server.process.kill("SIGTERM");
    assertEquals((await server.status()).code, 130);
    const next = await serve(path, "0", "plain");
    assertEquals(valuesOf(await ended(client, run)), { holds: 1, y: 2 });
    next.process.kill("SIGTERM");
    assertEquals((await next.status()).code, 0);
    assertEquals(await breaches(store, [{ at: "submitted", run }]), []);
  });
});
