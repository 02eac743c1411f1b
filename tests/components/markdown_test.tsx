import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { renderToString } from "preact-render-to-string";
import { type Block, MarkdownText } from "../../components/markdown/blocks.ts";
import { Markdown } from "../../components/markdown/Markdown.tsx";
import { decodeEntities, hostOf, safeHref } from "../../components/markdown/safe_link.ts";

const html = (text: string, open = false) =>
  renderToString(<Markdown text={text} open={open} />)
    .replace(/^<div class="markdown">|<\/div>$/g, "").replace(/\s+>/g, ">");
const REL = 'rel="noopener noreferrer nofollow"';

const CASES: [text: string, html: string][] = [
  ["# A **b**", "<h1>A <strong>b</strong></h1>"],
  ["a  \nb", "<p>a<br>b</p>"],
  ["`<b>` &lt; &copy; &#x41; &nope;", "<p><code>&lt;b></code> &lt; © A &amp;nope;</p>"],
  ["- [x] done\n- [ ] open", ""],
  ["3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>'],
  ["|a|b|\n|-|-:|\n|1|2|", ""],
  ["H<sub>2</sub>O and <kbd>K</kbd>", "<p>H<sub>2</sub>O and <kbd>K</kbd></p>"],
  ["<sub>never closed", "<p>&lt;sub>never closed</p>"],
  [
    '<b onclick="x()">t</b>',
    '<p>&lt;b onclick="x()">t&lt;/b></p>'.replace(/"x/g, "&quot;x").replace(/\)"/g, ")&quot;"),
  ],
  ["<!-- gone -->", ""],
  ["~~old~~ ***both***", "<p><del>old</del> <em><strong>both</strong></em></p>"],
];

for (const [text, expected] of CASES) {
  if (expected === "" && text !== "<!-- gone -->") continue;
  Deno.test(`Markdown draws ${JSON.stringify(text)}`, () => assertEquals(html(text), expected));
}

Deno.test("Markdown draws task lists and tables", () => {
  const tasks = html("- [x] done\n- [ ] open");
  assert(tasks.includes("☑") && tasks.includes("☐") && !tasks.includes("<input"));
  assert(html("|a|b|\n|-|-:|\n|1|2|").includes('<th class="align-right">b</th>'));
});

const LINKS: [href: string, safe: boolean][] = [
  ["https://example.org/a?b#c", true],
  ["HTTP://example.org", true],
  ["mailto:a@example.org", true],
  ["#place", true],
  ["javascript:alert(1)", false],
  [" javascript:alert(1)", false],
  ["java\u0000script:alert(1)", false],
  ["java&#x09;script:alert(1)", false],
  ["&#106;avascript:alert(1)", false],
  ["data:text/html,x", false],
  ["vbscript:x", false],
  ["//evil.example/x", false],
  ["/n/other", false],
  ["blob:http://x", false],
  ["file:///etc/passwd", false],
];

for (const [href, safe] of LINKS) {
  Deno.test(`SE-902 ${JSON.stringify(href)} is ${safe ? "a link" : "text"}`, () => {
    assertEquals(safeHref(href) !== undefined, safe);
    const drawn = html(`[t](<${href}>)`);
    assertEquals(drawn.includes("<a "), safe && !href.includes("\u0000"), drawn);
    if (drawn.includes("<a ")) assert(drawn.includes(REL), drawn);
  });
}

Deno.test("SE-903 an image is never loaded; a link tells its host", () => {
  const drawn = html("![alt](https://img.example/x.png) ![local](./x.png)");
  assert(!drawn.includes("<img"));
  assert(
    drawn.includes("alt (image at img.example)") &&
      drawn.includes('<span class="outside-image">local</span>'),
  );
  assertEquals(hostOf("https://good.example@evil.example/x"), undefined);
});

Deno.test("decodeEntities decodes once and never makes half a character", () => {
  assertEquals(decodeEntities("&amp;lt; &#xD800; &#0; &#1114112;"), "&lt; \ufffd \ufffd \ufffd");
});

/** Anything that a model may write, in pieces that cut it anywhere. */
const pieces = fc.array(
  fc.constantFrom(
    ...[
      "# T\n",
      "word ",
      "**b",
      "** ",
      "`c",
      "` ",
      "```\n",
      "~~~ts\n",
      "- a\n",
      "  - b\n",
      "1. x\n",
      "\n\n",
      "\n",
    ],
    ...[
      "> q\n",
      "|a|b|\n",
      "|-|-|\n",
      "|1|2|\n",
      "[l](https://e.example)",
      "[r]",
      "[r]: https://e.example\n",
      "<b>",
      "</b>",
    ],
    ...[
      "<div>\n",
      "</div>\n",
      "<!--",
      "-->",
      "\\",
      "---\n",
      "    code\n",
      "\t",
      "\r\n",
      "&amp;",
      "é",
      "𝛼",
      "  \n",
    ],
  ),
  { maxLength: 40 },
);

Deno.test("B3 reading in pieces ends like reading whole, and no text is lost", () => {
  fc.assert(fc.property(pieces, (parts) => {
    const growing = new MarkdownText();
    let text = "";
    for (const part of parts) growing.read(text += part, false);
    const tokens = (blocks: Block[]) => blocks.map(({ token }) => token);
    const whole = tokens(new MarkdownText().read(text, true));
    const grown = tokens(growing.read(text, true));
    // The lexer writes some white space anew; nothing else may go.
    for (const found of [grown, whole]) {
      assertEquals(found.map(({ raw }) => raw).join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
    }
  }));
});

Deno.test("B1 complete blocks keep their identity while the tail grows", () => {
  const text = new MarkdownText();
  const first = text.read("# A\n\nB\n\nC", false);
  const second = text.read("# A\n\nB\n\nC grows\n\nD", false);
  assertEquals(first.slice(0, -1).every((block, i) => block === second[i]), true);
  assertEquals(second.at(-1)?.token.raw, "D");
});

Deno.test("link definitions that come late count once nothing follows", () => {
  const text = "See [it][r].\n\n[r]: https://example.org\n";
  assert(!html(text.slice(0, 12), true).includes("<a "));
  assert(html(text).includes('href="https://example.org"'));
});

const HOSTILE: Record<string, string> = {
  brackets: "[".repeat(100_000),
  emphasis: "_a*".repeat(30_000),
  stars: `${"*".repeat(50_000)}a${"*".repeat(50_000)}`,
  quotes: "> ".repeat(50_000),
  numbers: "1. ".repeat(30_000),
  "nested lists": Array.from({ length: 300 }, (_, i) => `${" ".repeat(i * 2)}- a\n`).join(""),
  links: "[a](".repeat(25_000),
  addresses: `${"a.".repeat(50_000)}@`,
  "one line": "word ".repeat(50_000),
  "one fence": `\`\`\`\n${"x\n".repeat(100_000)}`,
  comments: "<!--".repeat(25_000),
  ticks: "`a``b```".repeat(12_000),
};

for (const [name, text] of Object.entries(HOSTILE)) {
  Deno.test(`B2 ${name} without end are read in time and kept`, () => {
    const begin = performance.now();
    const blocks = new MarkdownText().read(text, true);
    const drawn = renderToString(<Markdown text={text} />);
    const took = performance.now() - begin;
    assertEquals(blocks.map(({ token }) => token.raw).join("").length, text.length);
    assert(drawn.length > 0 && took < 4000, `${Math.round(took)} ms`);
  });
}
