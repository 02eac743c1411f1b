/**
 * A browser from npm, for machines without one: unpacks it with the libraries that a bare system lacks, and prints where
 * both are. A program of its own with its own dependencies, because its 66 MB are needed by nobody else.
 */
import packaged from "@sparticuz/chromium";
import { brotliDecompressSync } from "node:zlib";

const executablePath = await packaged.executablePath();
const libraries = `${executablePath}-libraries`;
if (!await Deno.stat(libraries).catch(() => undefined)) {
  await unpackLibraries(libraries);
}
console.log(JSON.stringify({ executablePath, libraries }));

/** Makes the folder whole or not at all, as another test process may do the same. */
async function unpackLibraries(folder: string): Promise<void> {
  const archive = await findArchive(
    new URL(import.meta.resolve("@sparticuz/chromium")),
  );
  const bytes = brotliDecompressSync(await Deno.readFile(archive));
  const made = await Deno.makeTempDir({ prefix: "weft-chromium-" });
  for (const { name, body } of tarFiles(new Uint8Array(bytes))) {
    await Deno.writeFile(
      `${made}/${name.slice(name.lastIndexOf("/") + 1)}`,
      body,
    );
  }
  await Deno.rename(made, folder).catch(() =>
    Deno.remove(made, { recursive: true })
  );
}

/** `bin/al2023.tar.br` of the package, some folders above its entry. */
async function findArchive(entry: URL): Promise<URL> {
  for (
    let at = new URL(".", entry);
    at.pathname !== "/";
    at = new URL("..", at)
  ) {
    const archive = new URL("bin/al2023.tar.br", at);
    if (await Deno.stat(archive).catch(() => undefined)) return archive;
  }
  throw new Error("The package @sparticuz/chromium has no bin/al2023.tar.br");
}

/** The plain files of a tar archive. */
function* tarFiles(
  tar: Uint8Array,
): Iterable<{ name: string; body: Uint8Array }> {
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(
      /\0.*$/s,
      "",
    );
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = parseInt(text(at + 124, 12).trim() || "0", 8);
    const plain = ["", "0"].includes(text(at + 156, 1));
    if (plain) {
      yield {
        name: text(at, 100),
        body: tar.subarray(at + 512, at + 512 + size),
      };
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
