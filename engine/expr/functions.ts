/**
 * The functions that an expression may call. Owns: their names. Never: what they do.
 */

/** The library's functions without `$eval`, and `$uuid`. */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  ..."sum count max min average".split(" "),
  ..."string substring substringBefore substringAfter lowercase uppercase length trim pad".split(" "),
  ..."match contains replace split join".split(" "),
  ..."formatNumber formatBase formatInteger parseInteger number".split(" "),
  ..."floor ceil round abs sqrt power random boolean not".split(" "),
  ..."map zip filter single reduce sift keys lookup append exists spread merge reverse each".split(" "),
  ..."error assert type sort shuffle distinct clone".split(" "),
  ..."base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl".split(" "),
  ..."toMillis fromMillis now millis uuid".split(" "),
]);

/** Functions whose result is not decided by their arguments; a cell that uses one is never reused. */
export const VOLATILE: ReadonlySet<string> = new Set(["now", "millis", "random", "uuid", "shuffle"]);

/** Names from other languages, with ours. */
export const SYNONYMS: Readonly<Record<string, string>> = {
  avg: "average",
  mean: "average",
  len: "length",
  size: "count",
  upper: "uppercase",
  lower: "lowercase",
  concat: "join",
};
