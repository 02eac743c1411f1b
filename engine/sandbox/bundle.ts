/**
 * Our child programs that need a library, each as one text. Owns: the bundler's settings and the cache.
 * Never: text from outside; only files of `programs/` are bundled.
 *
 * A child has no permission to read `node_modules`, so what it imports is put into its program beforehand.
 */
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const bundles = new Map<string, Promise<string>>();

/**
 * The program of `engine/sandbox/programs/{name}` with all that it imports. Bundled once a process: 30 ms for a small library,
 * 300 ms for a large one.
 *
 * @throws esbuild's list of errors, if the program does not bundle
 */
export function bundle(name: `child_${string}.ts`): Promise<string> {
  const known = bundles.get(name);
  if (known !== undefined) return known;
  const made = build(name);
  bundles.set(name, made);
  made.catch(() => bundles.delete(name));
  return made;
}

async function build(name: string): Promise<string> {
  const { outputFiles } = await esbuild.build({
    entryPoints: [fileURLToPath(new URL(`programs/${name}`, import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    mainFields: ["module", "main"],
    legalComments: "none",
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}
