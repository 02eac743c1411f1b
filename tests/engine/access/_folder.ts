/** A temporary folder for one test. */

/** Runs a test in an empty folder that is removed afterwards; `put` writes files and the folders that they need. */
export function folderTest(
  name: string,
  run: (folder: string, put: (path: string, content?: string | Uint8Array) => Promise<void>) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "weft-test-" }));
    try {
      await run(folder, async (path, content = "") => {
        await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
        if (typeof content === "string") await Deno.writeTextFile(`${folder}/${path}`, content);
        else await Deno.writeFile(`${folder}/${path}`, content);
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
