/**
 * Which addresses a link made of untrusted text may have. Owns: that decision and the decoding of entities before it.
 * Browser-safe.
 */

const NAMED: Record<string, string> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "\u00a9", reg: "\u00ae" },
  ...{ mdash: "\u2014", ndash: "\u2013", hellip: "\u2026", times: "\u00d7", rarr: "\u2192", larr: "\u2190" },
  ...{ laquo: "\u00ab", raquo: "\u00bb", deg: "\u00b0", plusmn: "\u00b1", middot: "\u00b7", le: "\u2264" },
  ...{ ge: "\u2265", ne: "\u2260", check: "\u2713", bull: "\u2022", trade: "\u2122", euro: "\u20ac" },
};

/**
 * Text with its character references decoded, once; names that are not known stay as written.
 *
 * @example
 * ```ts
 * if (decodeEntities("&lt;b&gt; &#65; &amp;lt;") !== "<b> A &lt;") throw new Error("decoded wrongly");
 * ```
 */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{1,31}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return Object.hasOwn(NAMED, name) ? NAMED[name]! : whole;
    const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
    const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    return valid ? String.fromCodePoint(code) : "\ufffd";
  });
}

/**
 * SE-902: the address if it is http, https, mailto or a place on this page, after characters that a browser ignores are
 * gone; else `undefined`, and the link is drawn as its text.
 *
 * @example
 * ```ts
 * if (safeHref("java\tscript:alert(1)") !== undefined) throw new Error("a script got through");
 * if (safeHref("https://example.org/a") === undefined) throw new Error("a link was lost");
 * ```
 */
export function safeHref(href: string): string | undefined {
  const bare = decodeEntities(href).replace(
    // deno-lint-ignore no-control-regex -- control characters are what it removes
    /[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028-\u202f\ufeff]+/g,
    "",
  );
  if (bare.startsWith("#")) return bare;
  return /^(https?:\/\/|mailto:)[^\s]/i.test(bare) ? bare : undefined;
}

/** Host of an absolute http address, for telling where an image would come from. */
export function hostOf(href: string): string | undefined {
  return safeHref(href)?.match(/^https?:\/\/([^/?#@\\]+)(?=[/?#]|$)/i)?.[1];
}
