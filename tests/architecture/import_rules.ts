/**
 * Which folder may import which, as a table and three questions over parsed modules.
 * Rows stand in the order in which data flows, so reading the table downwards is reading the system.
 */
import { isTest, type Module } from "./source_tree.ts";

/** A folder of the engine may import the folders before it. */
export const ORDER = [
  ..."base notebook expr graph plan run wire store artifacts access".split(" "),
  ..."sandbox models kinds work deploy".split(" "),
];

const engine = (...names: string[]) => names.map((name) => `engine/${name}`);
const FRONT_DOOR = ["engine", ...engine("base", "notebook", "graph", "wire", "access")];
const PURE = engine("base", "notebook", "expr", "graph", "wire");

/** What each folder may import besides itself. `engine` is `engine/mod.ts`, `.` is `main.ts`. */
export const MAY_IMPORT: Record<string, string[]> = {
  ...Object.fromEntries(ORDER.map((name, at) => [`engine/${name}`, engine(...ORDER.slice(0, at))])),
  "engine": engine(...ORDER),
  "components": PURE,
  "islands": ["components", ...PURE],
  "routes": [...FRONT_DOOR, "components", "islands"],
  "cli": [...FRONT_DOOR, "routes"],
  ".": ["engine", ...engine(...ORDER), "routes", "cli"],
};

/** Packages that draw, serve or drive a page; the engine has no HTTP, no JSX and no DOM. */
const NOT_IN_ENGINE = [
  ..."hono preact @preact/signals preact-render-to-string @xyflow/react playwright-core".split(" "),
];

/** `engine/work/lease.ts` is in `engine/work`, `islands/_client/a.ts` in `islands`, `main.ts` in `.`. */
export function layerOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  if (folders.length === 0) return ".";
  return folders.slice(0, folders[0] === "engine" ? 2 : 1).join("/");
}

/** Imports against the direction, as `from -> to`. */
export function wrongDirections(modules: readonly Module[]): string[] {
  return modules.filter((module) => !isTest(module.path)).flatMap((module) => {
    const from = layerOf(module.path);
    return module.imports.flatMap(({ specifier, target, line }) => {
      if (target === undefined) {
        const heavy = from.startsWith("engine") &&
          NOT_IN_ENGINE.some((name) => specifier === name || specifier.startsWith(`${name}/`));
        return heavy ? [`${module.path}:${line} -> ${specifier}`] : [];
      }
      const to = layerOf(target);
      if (to === from || MAY_IMPORT[from]?.includes(to)) return [];
      return [`${module.path}:${line} -> ${target}`];
    });
  });
}

/** The runtime import cycles met in one walk, each as a path that ends where it begins. */
export function cycles(modules: readonly Module[]): string[] {
  const next = new Map(modules.map((module) => [module.path, runtimeTargets(module)]));
  const state = new Map<string, "open" | "done">();
  const found: string[] = [];
  const visit = (at: string, trail: string[]) => {
    if (state.get(at) === "open") {
      found.push([...trail.slice(trail.indexOf(at)), at].join(" -> "));
      return;
    }
    if (state.has(at)) return;
    state.set(at, "open");
    for (const target of next.get(at) ?? []) visit(target, [...trail, at]);
    state.set(at, "done");
  };
  for (const path of next.keys()) visit(path, []);
  return found;
}

/** Files that a browser would load from the islands, each with the file that asks for it first. */
export function reachedByIslands(modules: readonly Module[]): Map<string, string> {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const reached = new Map<string, string>();
  const open = modules.filter(({ path }) => path.startsWith("islands/")).map(({ path }) => path);
  for (const path of open) reached.set(path, path);
  while (open.length > 0) {
    const path = open.pop()!;
    for (const target of byPath.has(path) ? runtimeTargets(byPath.get(path)!) : []) {
      if (reached.has(target)) continue;
      reached.set(target, path);
      open.push(target);
    }
  }
  return reached;
}

function runtimeTargets(module: Module): string[] {
  return module.imports.flatMap(({ kind, target }) => kind === "type" || !target ? [] : [target]);
}
