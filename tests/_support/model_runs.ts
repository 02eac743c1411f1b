/**
 * How many sequences the model tests try. `WEFT_MODEL_RUNS` says another number; a failure prints a seed and a path, with
 * which `WEFT_MODEL_SEED` and `WEFT_MODEL_PATH` bring that very case back, shrunk.
 */

/** Parameters of a fast-check property: `usual` sequences in the suite, and `share` of those that are asked for. */
export function modelRuns(usual: number, share = 1): {
  numRuns: number;
  seed?: number;
  path?: string;
  endOnFailure: boolean;
} {
  const [runs, seed, path] = ["RUNS", "SEED", "PATH"].map((name) => Deno.env.get(`WEFT_MODEL_${name}`));
  return {
    numRuns: runs === undefined ? usual : Math.ceil(Number(runs) * share),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
    endOnFailure: path !== undefined,
  };
}
