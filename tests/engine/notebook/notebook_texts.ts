/**
 * Notebook-like texts for property tests. Owns: the generator and one sample that uses most of the format.
 */
import fc from "fast-check";

/** A notebook with front matter, several kinds, nested fences, a list, a quotation and a comment. */
export const SAMPLE = [
  "---",
  "weft: 1",
  "title: Paper triage",
  "params:",
  "  topic: { type: string, default: durable execution, description: What to look for }",
  '  docs:  { type: files, default: "docs/*.md" }',
  "defaults: { model: local/extract, temperature: 0.2 }",
  "limits: { tokens: 20000, usd: 0.50, minutes: 10 }",
  "errors: stop   # stop | continue | retry",
  "---",
  "",
  "# Paper triage",
  "",
  "```agent scout",
  "role: researcher",
  "retry: { attempts: 3, initial: 1s }",
  "outputs:",
  "  claims: { type: json, schema: { items: { properties: { claim: {}, confidence: {} } } } }",
  "---",
  "List the claims about {{ topic }} made in:",
  "",
  "{{ docs.text }}",
  "```",
  "",
  "```jsonata strong",
  "[scout.claims[confidence > 0.8]]",
  "```",
  "",
  "1. A list with a listing:",
  "   ```sh",
  "   echo hi",
  "   ```",
  "",
  "> ```ts quoted",
  "> 1",
  "> ```",
  "",
  "<!--",
  "```ts hidden",
  "1",
  "```",
  "-->",
  "",
  "````ts best disabled",
  "return `",
  "```ts inner",
  "`;",
  "````",
  "~~~approval ok",
  "ask: Publish {{ $count(strong) }} claims?",
  "timeout: 2d",
  "~~~",
  "The end",
].join("\n");

const line = fc.oneof(
  fc.constantFrom(
    "```",
    "````",
    "~~~",
    "   ```",
    "---",
    "--- ",
    "",
    "# Title",
    "- item",
    "  1. item",
    "> quote",
    "<!--",
    "-->",
    "<div>",
    "weft: 1",
    "role: x # why",
    "outputs: { a: { type: text } }",
    "retry:",
    "  attempts: 3",
    "a: [",
    "\tcode",
    "text --- text",
    "\uFEFF",
    "params: { p: { type: number, default: 1 } }",
  ),
  fc.record({
    fence: fc.constantFrom("```", "````", "~~~", "  ```"),
    kind: fc.constantFrom("agent", "ts", "jsonata", "approval", "input", "agnet", "js"),
    name: fc.constantFrom("a", "b", "c", "B", "while", "p", ""),
  }).map(({ fence, kind, name }) => `${fence}${kind} ${name}`),
  fc.string({ maxLength: 12 }),
);

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");

/** Lines that mean something to the parser in any order, with any line ends. */
export const notebookText: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.array(line, { maxLength: 30 }), lineEnd).map(([lines, end]) => lines.join(end)),
  fc.array(fc.tuple(line, lineEnd), { maxLength: 30 }).map((lines) => lines.flat().join("")),
);

/** The sample, or a generated text, with pieces cut out and put in. */
export const mutatedText: fc.Arbitrary<string> = fc.array(
  fc.tuple(
    fc.nat(SAMPLE.length),
    fc.nat(20),
    fc.constantFrom("", "`", "```", "\n", "\r", "---\n", "\0", "{{", "[", ": ", "*a", "\t"),
  ),
  { minLength: 1, maxLength: 6 },
).map((cuts) =>
  cuts.reduce((text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length), SAMPLE)
);
