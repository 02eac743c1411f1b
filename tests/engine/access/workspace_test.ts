import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { openWorkspace } from "../../../engine/access/open_workspace.ts";
import type { Workspace } from "../../../engine/access/workspace.ts";
import { EngineError, type ErrorCode } from "../../../engine/base/errors.ts";
import { folderTest } from "./_folder.ts";

const open = (folder: string): Promise<Workspace> =>
  openWorkspace({ root: folder, notebooks: `${folder}/notebooks` });

async function refuses(work: Promise<unknown>, code: ErrorCode, words: string): Promise<void> {
  const error = await assertRejects(() => work, EngineError, words);
  assertEquals(error.code, code);
}

folderTest("notebooks are found below their folder, sorted, and nothing else", async (folder, put) => {
  const workspace = await open(folder);
  assertEquals(await workspace.notebooks(), [], "the folder need not exist");
  for (
    const path of ["b.md", "a.md", "guide/01.md", "a.txt", ".hidden.md", ".git/x.md", "node_modules/y.md"]
  ) {
    await put(`notebooks/${path}`, "# x");
  }
  await put("outside.md", "# out");
  await Deno.symlink(`${folder}/outside.md`, `${folder}/notebooks/link.md`);
  await Deno.symlink(`${folder}/notebooks/a.md`, `${folder}/notebooks/same.md`);
  const found = await workspace.notebooks();
  assertEquals(found.map(({ id }) => id), ["a", "b", "guide/01", "same"]);
  assertEquals(found[0]!.bytes, 3);
  assert(found[0]!.modifiedAt > 1_600_000_000_000);
});

folderTest("a notebook is read byte for byte, 5 MB too", async (folder, put) => {
  const bytes = new TextEncoder().encode("\ufeff# Tïtle\r\n".repeat(500_000));
  await put("notebooks/big.md", bytes);
  assertEquals((await (await open(folder)).readNotebook("big")).length, bytes.length);
  assertEquals(await (await open(folder)).readNotebook("big"), bytes);
});

folderTest("a notebook that cannot be had says why", async (folder, put) => {
  await put("notebooks/latin.md", new Uint8Array([104, 105, 0xe9, 10]));
  await put("notebooks/huge.md", new Uint8Array(16 * 1024 * 1024 + 1));
  await Deno.mkdir(`${folder}/notebooks/folder.md`);
  const workspace = await open(folder);
  await refuses(
    workspace.readNotebook("latin"),
    "notebook_invalid",
    "latin.md is not text: byte 0xe9 at offset 2",
  );
  await refuses(workspace.readNotebook("huge"), "notebook_invalid", "over 16 MiB");
  await refuses(workspace.readNotebook("none"), "notebook_not_found", "There is no notebook named none");
  await refuses(workspace.readNotebook("latin.md/x"), "notebook_not_found", "no notebook named");
  await refuses(workspace.readNotebook("../outside"), "id_invalid", "must not contain ..");
  await refuses(workspace.readNotebook("/etc/passwd"), "id_invalid", "must be relative");
  await refuses(workspace.readNotebook("folder"), "id_invalid", "not a regular file");
});

folderTest("SE-803 no link leads a reader out, of a file or of a folder", async (folder, put) => {
  await put("secret.md", "secret");
  await put("notebooks/in.md", "in");
  await Deno.symlink(`${folder}/secret.md`, `${folder}/notebooks/out.md`);
  await Deno.symlink("../secret.md", `${folder}/notebooks/relative.md`);
  await Deno.symlink(folder, `${folder}/notebooks/up`);
  await Deno.symlink("in.md", `${folder}/notebooks/inside.md`);
  await Deno.symlink("loop.md", `${folder}/notebooks/loop.md`);
  const workspace = await open(folder);
  for (const id of ["out", "relative", "up/secret"]) {
    await refuses(workspace.readNotebook(id), "id_invalid", "leads out of its folder");
  }
  await refuses(workspace.readNotebook("loop"), "notebook_not_found", "no notebook");
  assertEquals(new TextDecoder().decode(await workspace.readNotebook("inside")), "in");
});

folderTest("SE-804 a FIFO is not opened", async (folder, put) => {
  await put("notebooks/a.md", "a");
  await new Deno.Command("mkfifo", { args: [`${folder}/notebooks/pipe.md`, `${folder}/pipe.txt`] }).output();
  const workspace = await open(folder);
  await refuses(workspace.readNotebook("pipe"), "id_invalid", "not a regular file");
  assertEquals(await workspace.files("*.txt"), []);
});

folderTest(
  "a layout is written whole and read back; what is not one counts as empty",
  async (folder, put) => {
    await put("notebooks/guide/a.md", "# a");
    const workspace = await open(folder);
    assertEquals(await workspace.readLayout("guide/a"), { positions: {} });
    await workspace.writeLayout("guide/a", { positions: { one: { x: 1, y: -2.5 } } });
    assertEquals(await workspace.readLayout("guide/a"), { positions: { one: { x: 1, y: -2.5 } } });
    const names = await Array.fromAsync(Deno.readDir(`${folder}/notebooks/guide`), ({ name }) => name);
    assertEquals(names.sort(), ["a.layout.json", "a.md"], "no temporary file is left");
    await put(
      "notebooks/guide/a.layout.json",
      '{"positions":{"good":{"x":1,"y":2},"Bad name":{"x":1,"y":1},"text":{"x":"1","y":2},"list":[]},"more":1}',
    );
    assertEquals(await workspace.readLayout("guide/a"), { positions: { good: { x: 1, y: 2 } } });
    await put("notebooks/guide/a.layout.json", "{");
    assertEquals(await workspace.readLayout("guide/a"), { positions: {} });
  },
);

folderTest("SE-803 SE-808 a write follows no link and leaves linked files alone", async (folder, put) => {
  await put("notebooks/a.md", "# a");
  await put("victim.json", "old");
  const layout = `${folder}/notebooks/a.layout.json`;
  const workspace = await open(folder);
  await Deno.symlink(`${folder}/victim.json`, layout);
  await refuses(workspace.writeLayout("a", { positions: {} }), "id_invalid", "is a link");
  await Deno.remove(layout);
  await Deno.link(`${folder}/victim.json`, layout);
  await refuses(workspace.writeLayout("a", { positions: {} }), "id_invalid", "is a link");
  await Deno.symlink(folder, `${folder}/notebooks/up`);
  await refuses(workspace.writeLayout("up/victim", { positions: {} }), "notebook_not_found", "no notebook");
  assertEquals(await Deno.readTextFile(`${folder}/victim.json`), "old");
});

folderTest("DF-623 files of a pattern come sorted, with their text", async (folder, put) => {
  for (
    const path of ["docs/b.md", "docs/a.md", "docs/deep/c.csv", "docs/.env", ".env", "node_modules/x/a.md"]
  ) {
    await put(path, `in ${path}`);
  }
  await put(".weft/kv", "x");
  const workspace = await open(folder);
  assertEquals(await workspace.files("docs/*.md"), [
    { name: "a.md", path: "docs/a.md", text: "in docs/a.md", bytes: 12, contentType: "text/markdown" },
    { name: "b.md", path: "docs/b.md", text: "in docs/b.md", bytes: 12, contentType: "text/markdown" },
  ]);
  const all = (await workspace.files("**")).map(({ path }) => path);
  assertEquals(all, ["docs/a.md", "docs/b.md", "docs/deep/c.csv"]);
  assertEquals(await workspace.files("nothing/*.md"), []);
  for (const pattern of ["../*", "/etc/*", ".env", "docs/.*", "~/x", "a\\b"]) {
    await refuses(workspace.files(pattern), "id_invalid", "A file pattern must");
  }
});

folderTest(
  "SE-803 a pattern passes over links that lead out, a path to one is refused",
  async (folder, put) => {
    await put("docs/a.md", "a");
    await Deno.symlink("/etc/hostname", `${folder}/docs/out.md`);
    await Deno.symlink("/etc", `${folder}/docs/etc`);
    const workspace = await open(folder);
    assertEquals((await workspace.files("docs/**")).map(({ path }) => path), ["docs/a.md"]);
    await refuses(workspace.files("docs/out.md"), "id_invalid", "docs/out.md leads out of its folder");
  },
);

folderTest("a file that is not text is named, whatever the pattern", async (folder, put) => {
  await put("docs/a.md", "a");
  await put("docs/image.png", new Uint8Array([0x89, 0x50]));
  await refuses(
    (await open(folder)).files("docs/*"),
    "param_invalid",
    "docs/image.png is not text: byte 0x89 at offset 0",
  );
});

folderTest("SE-806 1,000 files pass and one more does not, nor 64 MiB and a byte", async (folder, put) => {
  await Deno.mkdir(`${folder}/many`);
  for (let i = 0; i < 1000; i++) Deno.writeTextFileSync(`${folder}/many/${i}.md`, "x");
  const workspace = await open(folder);
  const begun = performance.now();
  assertEquals((await workspace.files("many/*")).length, 1000);
  assertLess(performance.now() - begun, 5000);
  await put("many/more.md", "x");
  await refuses(workspace.files("many/*"), "param_invalid", "over 1000 files");
  const half = new Uint8Array(32 * 1024 * 1024).fill(97);
  await put("large/a.txt", half);
  await put("large/b.txt", half);
  assertEquals((await workspace.files("large/*")).length, 2);
  await put("large/c.txt", "x");
  await refuses(workspace.files("large/*"), "param_invalid", "over 64 MiB");
});
