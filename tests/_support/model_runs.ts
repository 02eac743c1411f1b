/**
 * How many sequences the model tests try. `WEFT_MODEL_RUNS` says another number; a failure prints a seed and a path, with
 * which `WEFT_MODEL_SEED` and `WEFT_MODEL_PATH` bring that very case back, shrunk.
 */

/** Parameters of a fast-check property: `usual` sequences in the suite. */
export function modelRuns(usual: number): {
  numRuns: number;
  seed?: number;
  path?: string;
  endOnFailure: boolean;
} {
  const [runs, seed, path] = ["RUNS", "SEED", "PATH"].map((name) => Deno.env.get(`WEFT_MODEL_${name}`));
  return {
    numRuns: Number(runs ?? usual),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
    endOnFailure: path !== undefined,
  };
}
