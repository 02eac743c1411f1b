import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../engine/base/errors.ts";
import { lockHolder, lockStore } from "../../../engine/store/lock.ts";
import { openStore } from "../../../engine/store/open.ts";
import { keysOf, put, textAt } from "../../contracts/store/read.ts";
import { startChild } from "./process.ts";

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-open-" });
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const modeOf = async (path: string) => ((await Deno.stat(path)).mode! & 0o777).toString(8);

async function assertInUse(path: string, pid: number): Promise<void> {
  const error = await assertRejects(() => openStore(path), EngineError, `Process ${pid} runs an engine`);
  assertEquals(error.code, "store_in_use");
}

Deno.test("the second engine process on a file is refused, by pid, until the first is killed", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/s.db`;
    const child = startChild("hold", path);
    assertEquals(await child.line(), "held");
    await assertInUse(path, child.process.pid);
    await child.kill();
    const { exclusive, release } = await openStore(path);
    assert(exclusive);
    assertEquals(await lockHolder(path), Deno.pid);
    await release();
  });
});

Deno.test("EN-101 a client works beside the engine that has the file", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/s.db`;
    const child = startChild("hold", path);
    assertEquals(await child.line(), "held");
    const { store, exclusive, release } = await openStore(path, { client: true });
    assertEquals(exclusive, false);
    assertEquals(await store.submit([put(["run", "a"], "mine")], [["run", "a"]]), "ok");
    await store.post("a", "cmd_1", new Uint8Array());
    assertEquals(await keysOf(store, ["in"]), [["in", "a", "cmd_1"]]);
    await release();
    await assertInUse(path, child.process.pid);
    await child.end();
  });
});

Deno.test("a store is locked once in one process too, and free after its release", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/s.db`;
    const first = await openStore(path);
    await assertInUse(path, Deno.pid);
    await first.store.submit([put(["run", "a"], "kept")], []);
    await first.release();
    await first.release();
    const second = await openStore(path);
    await first.release();
    await assertInUse(path, Deno.pid);
    assertEquals(await textAt(second.store, ["run", "a"]), "kept");
    await second.release();
  });
});

Deno.test("a lock is released once, and its file tells the last holder", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/s.db`;
    assertEquals(await lockHolder(path), undefined);
    const first = await lockStore(path);
    assertEquals(await lockStore(path), undefined);
    first!.release();
    const second = await lockStore(path);
    first!.release();
    assertEquals(await lockStore(path), undefined);
    second!.release();
  });
});

Deno.test("SE-807 the data folder is 0700, each file in it 0600, files that were there too", async () => {
  await inFolder(async (folder) => {
    const home = `${folder}/made/here`;
    await Deno.writeTextFile(`${folder}/old.db`, "", { mode: 0o644 });
    for (const path of [`${home}/s.db`, `${folder}/old.db`]) {
      const { store, release } = await openStore(path);
      await store.submit([put(["run", "a"])], []);
      const names = [...Deno.readDirSync(path.replace(/[^/]*$/, ""))].map(({ name }) => name)
        .filter((name) => name.includes(".db"));
      assert(names.length >= 4, names.join());
      for (const name of names) {
        assertEquals(await modeOf(path.replace(/[^/]*$/, "") + name), "600", name);
      }
      await release();
    }
    assertEquals(await modeOf(home), "700");
  });
});

Deno.test("an address has one of the forms that there are, or is refused without its password", async () => {
  const addresses = ["redis://ann:hunter2@x", "", "ftp://ann:a/hunter2@x/y", "ftp://x?password=hunter2"];
  for (const address of addresses) {
    const error = await assertRejects(
      () => openStore(address),
      EngineError,
      "A store is memory:, the path of a file",
    );
    assertEquals(error.code, "store_unavailable");
    assert(!error.message.includes("hunter2"));
  }
});

Deno.test("a memory store is the process's own", async () => {
  const one = await openStore("memory:");
  const two = await openStore("memory:");
  await one.store.submit([put(["a"])], []);
  assertEquals(await textAt(two.store, ["a"]), undefined);
  assert(one.exclusive && two.exclusive);
  await Promise.all([one.release(), two.release()]);
});

Deno.test("a file: address is a path", async () => {
  await inFolder(async (folder) => {
    const { release } = await openStore(`file://${folder}/a%20b.db`);
    await release();
    assert((await Deno.stat(`${folder}/a b.db`)).isFile);
  });
});

Deno.test("a file that is no database, and a folder that cannot be made, are store_unavailable with the reason", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/text.db`, "This is not a database. ".repeat(500));
    for (const path of [`${folder}/text.db`, `${folder}/text.db/below/s.db`]) {
      const error = await assertRejects(async () => {
        const { store, release } = await openStore(path);
        await store.get([["a"]]).finally(release);
      }, EngineError);
      assertEquals(error.code, "store_unavailable");
    }
  });
});
