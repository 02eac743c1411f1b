/**
 * Whose turn it is among lanes (EN-1302). Owns: the choice. Pure but for what it remembers of former choices.
 *
 * Stride scheduling: each lane has a pass, which grows by `1 / weight` with each of its turns, and the lane with the
 * lowest pass is next. A lane that had nothing to do comes back at the pass of the last choice at least: what it did not
 * use it has not saved.
 */

/** See the module comment. */
export class Stride {
  readonly #passes = new Map<string, number>();
  #now = 0;

  /**
   * The lane whose turn it is, which has then had it.
   *
   * @param lanes those that have something to start, not none
   *
   * @example
   * ```ts
   * const stride = new Stride();
   * const lanes = [{ name: "a", weight: 2 }, { name: "b", weight: 1 }];
   * const turns = Array.from({ length: 6 }, () => stride.next(lanes).name);
   * if (turns.filter((name) => name === "a").length !== 4) throw new Error("not two of three");
   * ```
   */
  next<L extends { name: string; weight: number }>(lanes: readonly L[]): L {
    let chosen = lanes[0]!;
    let least = Infinity;
    for (const lane of lanes) {
      const pass = this.#passOf(lane);
      this.#passes.set(lane.name, pass);
      if (pass < least) [chosen, least] = [lane, pass];
    }
    this.#now = least;
    this.#passes.set(chosen.name, least + 1 / chosen.weight);
    return chosen;
  }

  /** A lane that comes has a whole stride before it, as one that has just had its turn. */
  #passOf({ name, weight }: { name: string; weight: number }): number {
    const known = this.#passes.get(name);
    return known === undefined ? this.#now + 1 / weight : Math.max(known, this.#now);
  }
}
