/**
 * Patterns of file paths: `*` is any part of a name, `?` one character of it, `**` as a whole name is any number of
 * folders. Owns: matching. Pure. Never: the file system.
 *
 * Matching costs at most the product of the lengths, whatever the pattern.
 */

/** A pattern, matched name by name from the root down, so that a walk can leave out folders that cannot match. */
export interface Glob {
  /** Where a walk begins. */
  readonly start: readonly number[];
  /** Goes one name down. Empty: nothing below can match. */
  step(states: readonly number[], name: string): readonly number[];
  /** Whether a path that ends here matches. */
  ends(states: readonly number[]): boolean;
}

/**
 * Reads a pattern. It should have passed `nameProblem`.
 *
 * @example
 * ```ts
 * const glob = parseGlob("docs/**" + "/*.md");
 * const matches = (path: string) => glob.ends(path.split("/").reduce<readonly number[]>(glob.step, glob.start));
 * if (!matches("docs/a.md") || !matches("docs/x/y/b.md") || matches("docs/a.txt")) throw new Error("wrong match");
 * ```
 */
export function parseGlob(pattern: string): Glob {
  const names = pattern.split("/");
  // `a/**` at the end means every file below `a`.
  if (names.at(-1) === "**") names.push("*");
  /** A state is how many names of the pattern are behind us; `**` may be passed over at once. */
  const closed = (states: number[]): number[] => {
    const all = new Set(states);
    for (const state of all) if (names[state] === "**") all.add(state + 1);
    return [...all];
  };
  return {
    start: closed([0]),
    step: (states, name) =>
      closed(states.flatMap((state) => {
        const wanted = names[state];
        if (wanted === undefined) return [];
        if (wanted === "**") return [state];
        return matchesName(wanted, name) ? [state + 1] : [];
      })),
    ends: (states) => states.includes(names.length),
  };
}

/** Goes on after a `*` at the latest place that failed; earlier stars need no second look. */
function matchesName(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let retry = 0;
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      retry = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star !== -1) {
      p = star + 1;
      n = ++retry;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
