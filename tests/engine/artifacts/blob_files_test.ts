import { assertEquals, assertRejects } from "@std/assert";
import { blobFiles } from "../../../engine/artifacts/blob_files.ts";
import { EngineError } from "../../../engine/base/errors.ts";
import { sha256 } from "../../../engine/base/hash.ts";

const content = new TextEncoder().encode("bytes");
const hash = sha256(content);

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "weft-files-" });
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file is read if it is there and has the size that was stored", async () => {
  await inFolder(async (folder) => {
    const files = blobFiles(folder);
    assertEquals(await files.read(hash, 5), undefined);
    await files.write(hash, content);
    await files.write(hash, content);
    assertEquals(await files.read(hash, 5), content);
    assertEquals(await files.read(hash, 6), undefined);
  });
});

Deno.test("SE-804 what is no plain file is not opened", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/${hash.slice(0, 2)}/${hash}`;
    await Deno.mkdir(`${folder}/${hash.slice(0, 2)}`);
    await Deno.symlink("/dev/zero", path);
    const { size } = await Deno.lstat(path);
    assertEquals(await blobFiles(folder).read(hash, size), undefined);
  });
});

Deno.test("SE-808 a write that fails leaves nothing behind", async () => {
  await inFolder(async (folder) => {
    const home = `${folder}/${hash.slice(0, 2)}`;
    await Deno.mkdir(`${home}/${hash}`, { recursive: true });
    await assertRejects(() => blobFiles(folder).write(hash, content));
    assertEquals([...Deno.readDirSync(home)].map(({ name }) => name), [hash]);
  });
});

Deno.test("a name that is no hash reaches no file", async () => {
  await inFolder(async (folder) => {
    for (const name of ["../secret", "", "AA".repeat(32), `${hash}/..`]) {
      const error = await assertRejects(() => blobFiles(folder).read(name, 1), EngineError, "Not a hash");
      assertEquals(error.code, "store_corrupt");
      await assertRejects(() => blobFiles(folder).write(name, content), EngineError, "Not a hash");
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});
