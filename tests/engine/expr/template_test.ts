import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseTemplate, renderText } from "../../../engine/expr/template.ts";

/** The pieces in short: text as it is, a hole as `<expr>`. */
function pieces(text: string): string[] {
  return parseTemplate(text).segments.map((piece) => piece.type === "text" ? piece.text : `<${piece.expr}>`);
}

Deno.test("DF-602 a placeholder ends at the first }} that is not inside something", () => {
  const table: [string, string[]][] = [
    ["", []],
    ["no holes } here }}", ["no holes } here }}"]],
    ["a {{ b }} c", ["a ", "<b>", " c"]],
    ["{{a}}{{b}}", ["<a>", "<b>"]],
    ['{{ {"a": {"b": 1}} }}', ['<{"a": {"b": 1}}>']],
    ["{{ {'a': 1}}}", ["<{'a': 1}>"]],
    ["{{ a & '}}' }}!", ["<a & '}}'>", "!"]],
    ['{{ a & "\\"}}" }}!', ['<a & "\\"}}">', "!"]],
    ["{{ `}}` }}!", ["<`}}`>", "!"]],
    ["{{ a /* }} */ }}!", ["<a /* }} */>", "!"]],
    ["{{ $match(a, /x{2}}}/) }}!", ["{{ $match(a, /x{2}}}/) }}!"]],
    ["{{ $match(a, /x\\}\\}/) }}!", ["<$match(a, /x\\}\\}/)>", "!"]],
    ["{{ a / b }} / {{ c }}", ["<a / b>", " / ", "<c>"]],
    ["{{ */2 }} {{ a/1 }}", ["<*/2>", " ", "<a/1>"]],
    ["\\{{ raw }} {{ a }}", ["{{ raw }} ", "<a>"]],
    ["{{ a\n  .b }}", ["<a\n  .b>"]],
    ["{{}}", ["<>"]],
    ["{{{ a }}}", ["<{ a }>"]],
  ];
  assertEquals(table.map(([text]) => [text, pieces(text)]), table);
});

Deno.test("DF-603 a placeholder that is not closed says where it opened, and the rest is text", () => {
  const { segments, unclosed } = parseTemplate("a {{ b }}\nc {{ d }");
  assertEquals(unclosed, { line: 2, column: 3 });
  assertEquals(segments.at(-1), { type: "text", text: "\nc {{ d }" });
});

Deno.test("DF-601 a hole says where its expression begins", () => {
  const { segments } = parseTemplate("x\ny {{\n  scout }} {{ best }}");
  const holes = segments.filter((piece) => piece.type === "hole");
  assertEquals(holes.map(({ expr, line, column }) => [expr, line, column]), [["scout", 3, 3], [
    "best",
    3,
    15,
  ]]);
});

Deno.test("DF-602 splitting loses nothing but the braces around placeholders and their spaces", () => {
  const piece = fc.constantFrom("{{", "}}", "{", "}", "a", "'", '"', "`", "/", "*", "\\", "\n", " ");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (all) => {
      const text = all.join("");
      const { segments } = parseTemplate(text);
      let at = 0;
      for (const segment of segments) {
        const part = segment.type === "text" ? segment.text : segment.expr;
        for (const char of part) {
          at = text.indexOf(char, at);
          assert(at >= 0, `${JSON.stringify(part)} is not in order in ${JSON.stringify(text)}`);
          at++;
        }
        assert(segment.type === "hole" || part !== "");
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("DF-602 hostile text is split in linear time", () => {
  for (const part of ["{{ ", "{{ ' ", "{{ a }} ", "\\{{", "{{{{", "{{ /* ", "}}", "{{ /", "\n{{a}}"]) {
    const before = performance.now();
    parseTemplate(part.repeat(100_000));
    // Quadratic work on this much text takes minutes.
    assert(performance.now() - before < 3000, part);
  }
});

Deno.test("DF-604 values become text", () => {
  const table: [Parameters<typeof renderText>[0], string][] = [
    ["as is {{ }}", "as is {{ }}"],
    [1.5, "1.5"],
    [true, "true"],
    [null, "null"],
    [["a", "b"], "a\n\nb"],
    [["a", 1], '[\n  "a",\n  1\n]'],
    [{ a: 1 }, '{\n  "a": 1\n}'],
  ];
  assertEquals(table.map(([value]) => [value, renderText(value)]), table);
});
