/**
 * Numbers that look random and repeat. Owns: the generator of expressions. Never: anything that must not be guessed.
 */

/**
 * A generator that gives the same numbers for the same seed: `sfc32`, begun from an FNV-1a hash of the seed.
 *
 * @example
 * ```ts
 * const [a, b, c] = [seededRandom("x"), seededRandom("x"), seededRandom("y")];
 * const first = a();
 * if (first !== b() || first === c() || first < 0 || first >= 1) throw new Error("not seeded");
 * ```
 */
export function seededRandom(seed: string): () => number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  let a = hash | 0;
  let b = hash >>> 16 | 0;
  let c = seed.length | 0;
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ b >>> 9;
    b = (c + (c << 3)) | 0;
    c = (c << 21 | c >>> 11) + sum | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The state is far from its seed only after some steps.
  for (let i = 0; i < 12; i++) next();
  return next;
}
