/**
 * How big files and folders may be and what they may be called. Each answer lists what breaks the rule.
 */
import { isSource, isTest, type SourceFile } from "./source_tree.ts";
import { firstComment } from "./name_rules.ts";

/** Names in the root besides dotfiles. */
const ROOT_NAMES = new Set([
  ..."deno.json deno.lock main.ts README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE".split(" "),
  ..."routes islands components engine cli notebooks static tests docs bench".split(" "),
]);
const BANNED_WORDS = /^(utils?|helpers?|common|misc|managers?|services?)$/i;

/** Longest source file, and what the middle and the 95th percentile may be. */
export const LINES = { median: 120, p95: 400, max: 600 };
/** Most files in a folder. */
export const FILES = 12;

/** Files over the longest length, and percentiles that are too high. Tests count for all but the median. */
export function tooLong(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => isSource(path) || path.endsWith(".css"));
  const lengths = (some: readonly SourceFile[]) =>
    some.map(({ text }) => linesOf(text)).sort((a, b) => a - b);
  const all = lengths(sources);
  const code = lengths(sources.filter(({ path }) => !isTest(path)));
  return [
    ...sources.flatMap(({ path, text }) =>
      linesOf(text) > LINES.max ? [`${path} has ${linesOf(text)} lines`] : []
    ),
    ...percentile(code, 0.5) > LINES.median ? [`median is ${percentile(code, 0.5)} lines`] : [],
    ...percentile(code, 0.95) > LINES.p95 ? [`p95 of code is ${percentile(code, 0.95)} lines`] : [],
    ...percentile(all, 0.95) > LINES.p95 ? [`p95 with tests is ${percentile(all, 0.95)} lines`] : [],
  ];
}

/** Folders with more files than a reader keeps in mind. READMEs do not count; the root has a rule of its own. */
export function tooMany(paths: readonly string[]): string[] {
  const count = new Map<string, number>();
  for (const path of paths) {
    const at = path.lastIndexOf("/");
    if (at < 0 || path.endsWith("/README.md")) continue;
    const folder = path.slice(0, at);
    count.set(folder, (count.get(folder) ?? 0) + 1);
  }
  return [...count].flatMap(([folder, n]) => n > FILES ? [`${folder} has ${n} files`] : []);
}

/** Files and folders named after nothing. */
export function badNames(paths: readonly string[]): string[] {
  return paths.filter((path) =>
    path.replace(/\.\w+$/, "").split(/[/._-]|(?<=[a-z])(?=[A-Z])/).some((word) => BANNED_WORDS.test(word))
  );
}

/** Source files in camelCase or the like: modules are snake_case, islands and components PascalCase. */
export function badCase(paths: readonly string[]): string[] {
  return paths.filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/(\.d)?\.tsx?$/, "");
    const pascal = /^(islands|components)\//.test(path) && /^[A-Z][A-Za-z0-9]*$/.test(name);
    return isSource(path) && !pascal && !/^\[?_?[a-z0-9][a-z0-9_]*\]?$/.test(name);
  });
}

/** Code files that do not begin by saying what they own. */
export function withoutDocBlock(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => isSource(path) && !isTest(path))
    .filter(({ text }) => firstComment(text).length < 30)
    .map(({ path }) => path);
}

/** Names in the root that nobody expects there. */
export function strangersInRoot(paths: readonly string[]): string[] {
  const names = new Set(paths.map((path) => path.split("/")[0]!));
  return [...names].filter((name) => !name.startsWith(".") && !ROOT_NAMES.has(name));
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
}

function linesOf(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}
