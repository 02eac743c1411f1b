/**
 * Scripts and styles for the browser. Owns: building them once at the start, in memory: one entry for each island, shared
 * code in chunks, everything named by its content and compressed beforehand. Never: markup.
 */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { sha256 } from "../engine/base/hash.ts";
import { accepts } from "./respond.ts";

/** Files for the browser. */
export interface Assets {
  /** What a page with these islands must load. */
  forIslands(names: readonly string[]): { scripts: string[]; preloads: string[]; styles: string[] };
  /** Address of a file of `static/`. */
  path(name: "weft.css" | "icon.svg"): string;
  /** Answers for a file; `undefined` if there is none of this name. */
  serve(request: Request, file: string): Response | undefined;
  /** Names and sizes in bytes: raw and as gzip, for budgets. */
  sizes(): Record<string, { raw: number; gzip: number }>;
}

interface File {
  body: Uint8Array<ArrayBuffer>;
  br?: Uint8Array<ArrayBuffer>;
  gzip?: Uint8Array<ArrayBuffer>;
  type: string;
}

const TYPES: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  map: "application/json",
};

/** esbuild is started and stopped here: its child process would keep this one alive. */
export async function buildAssets({ dev = false }: { dev?: boolean } = {}): Promise<Assets> {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const islands: string[] = [];
  for await (const { name } of Deno.readDir(`${root}islands`)) {
    if (name.endsWith(".tsx")) islands.push(name.slice(0, -4));
  }
  islands.sort();
  const result = await esbuild.build({
    entryPoints: [
      ...islands.map((name) => ({ in: `island:${name}`, out: name })),
      { in: `${root}static/weft.css`, out: "weft" },
    ],
    plugins: [islandEntries(root)],
    absWorkingDir: root,
    outdir: `${root}assets`,
    entryNames: "[name]-[hash]",
    chunkNames: "c-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2023",
    // Colours written with `light-dark()` and nesting are what the browser is to get.
    supported: { nesting: true, "color-functions": true },
    minify: !dev,
    sourcemap: dev ? "linked" : false,
    legalComments: "none",
    write: false,
    metafile: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    alias: {
      react: "preact/compat",
      "react-dom": "preact/compat",
      "react/jsx-runtime": "preact/jsx-runtime",
      "react-dom/client": "preact/compat/client",
    },
    define: { "process.env.NODE_ENV": dev ? '"development"' : '"production"' },
    logLevel: "silent",
  });
  await esbuild.stop();
  const files = new Map<string, File>();
  for (const { path, contents } of result.outputFiles) {
    files.set(baseOf(path), compressed(contents as Uint8Array<ArrayBuffer>, path));
  }
  const icon = await Deno.readFile(`${root}static/icon.svg`);
  const iconName = `icon-${sha256(icon).slice(0, 8)}.svg`;
  files.set(iconName, compressed(icon, iconName));
  return assetsOf(files, result.metafile, { "icon.svg": iconName });
}

/** An entry that mounts one island. */
function islandEntries(root: string): esbuild.Plugin {
  return {
    name: "islands",
    setup(build) {
      build.onResolve({ filter: /^island:/ }, ({ path }) => ({ path: path.slice(7), namespace: "island" }));
      build.onLoad({ filter: /.*/, namespace: "island" }, ({ path: name }) => ({
        contents: `import { mountIsland } from "./islands/_client/hydrate.ts";
import { ${name} } from "./islands/${name}.tsx";
mountIsland("${name}", ${name});`,
        resolveDir: root,
        loader: "ts",
      }));
    },
  };
}

function compressed(body: Uint8Array<ArrayBuffer>, path: string): File {
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  const bytes = (made: Uint8Array) => new Uint8Array(made);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  return {
    body,
    type,
    ...body.length < 1024 || path.endsWith(".map")
      ? {}
      : { br: bytes(brotliCompressSync(body, { params })), gzip: bytes(gzipSync(body, { level: 9 })) },
  };
}

function assetsOf(
  files: Map<string, File>,
  { outputs }: esbuild.Metafile,
  named: Record<string, string>,
): Assets {
  const byBase = new Map(Object.entries(outputs).map(([path, output]) => [baseOf(path), output]));
  const entries = new Map<string, string>();
  for (const [base, { entryPoint }] of byBase) {
    const name = /^island:(\w+)$/.exec(entryPoint ?? "")?.[1];
    if (name !== undefined && base.endsWith(".js")) entries.set(name, base);
    if (entryPoint?.endsWith("weft.css")) named["weft.css"] = base;
  }
  const address = (base: string) => `/assets/${base}`;
  return {
    forIslands(names) {
      const scripts = names.flatMap((name) => entries.get(name) ?? []);
      const preloads = new Set<string>();
      const styles = new Set<string>();
      const open = [...scripts];
      for (const base of open) {
        const output = byBase.get(base);
        if (output?.cssBundle) styles.add(baseOf(output.cssBundle));
        for (const { path, kind } of output?.imports ?? []) {
          if (kind !== "import-statement" || preloads.has(baseOf(path))) continue;
          preloads.add(baseOf(path));
          open.push(baseOf(path));
        }
      }
      return {
        scripts: scripts.map(address),
        preloads: [...preloads].map(address),
        styles: [...styles].map(address),
      };
    },
    path: (name) => address(named[name]!),
    serve: (request, name) => {
      const file = files.get(name);
      return file && answer(request, file);
    },
    sizes: () =>
      Object.fromEntries(
        [...files].map(([name, { body, gzip }]) => [name, { raw: body.length, gzip: (gzip ?? body).length }]),
      ),
  };
}

function answer(request: Request, { body, br, gzip, type }: File): Response {
  const headers = new Headers({
    "content-type": type,
    "cache-control": "public, max-age=31536000, immutable",
    vary: "accept-encoding",
  });
  if (br !== undefined && accepts(request, "br")) {
    headers.set("content-encoding", "br");
    return new Response(br, { headers });
  }
  if (gzip !== undefined && accepts(request, "gzip")) {
    headers.set("content-encoding", "gzip");
    return new Response(gzip, { headers });
  }
  return new Response(body, { headers });
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
