import jsonata from "jsonata";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compile } from "../../../../engine/expr/blocks/compile.ts";
import { blockOf, type BlockSpec, displayText } from "../../../../engine/expr/blocks/model.ts";
import {
  insertBlock,
  parseFromText,
  placeholderProblem,
  serializeToText,
} from "../../../../engine/expr/blocks/parse.ts";

const D = {
  items: [{ price: 50, name: "a" }, { price: 150, name: "b" }, { price: 200, name: "c" }],
  user: { name: "Alice" },
  names: ["ann", "bob"],
  none: [],
};

const compiled = (text: string) => compile(parseFromText(text));
const said = (text: string) => compiled(text).problems.map(({ message }) => message);

async function valueOf(text: string, input: unknown = D): Promise<unknown> {
  const { text: code, problems } = compiled(text);
  assertEquals(problems, [], text);
  const value = await jsonata(code!).evaluate(input);
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Id, text with blocks, its JSONata, its value over `D`. */
const CONFORMANCE: [string, string, string, unknown][] = [
  [
    "DF-441",
    "$.items[price > 100].{{block:aggregate:sum:price}}",
    "$sum([($.items[price > 100]).(price)])",
    350,
  ],
  ["DF-442", "{{block:field:items}}[price > 100].name", "(items)[price > 100].name", ["b", "c"]],
  ["DF-443", "items{{block:filter:price > 160}}", "([(items)[$boolean(price > 160)]])", [
    { price: 200, name: "c" },
  ]],
  [
    "DF-444",
    "items{{block:filter:price > 100}}[0].name",
    "([(items)[$boolean(price > 100)]])[0].name",
    "b",
  ],
  [
    "DF-445",
    "items ~> {{block:filter:price > 100}} ~> {{block:map:name}}",
    "items ~> function($__in){ ([($__in)[$boolean(price > 100)]]) } ~> function($__in){ ([($__in).(name)]) }",
    ["b", "c"],
  ],
  ["DF-446", "1 + items{{block:aggregate:sum:price}} * 2", "1 + $sum([(items).(price)]) * 2", 801],
  ["DF-447", '{"total": items{{block:aggregate:sum:price}}}', '{"total": $sum([(items).(price)])}', {
    total: 400,
  }],
  ["DF-448", 'items{{block:map:{"n": name\\}}}', '([(items).({"n": name})])', [{ n: "a" }, { n: "b" }, {
    n: "c",
  }]],
  [
    "DF-449",
    "names{{block:transform:uppercase}}",
    '($__in := (names); $type($__in) = "array" ? [$__in.$uppercase($)] : $uppercase($__in))',
    ["ANN", "BOB"],
  ],
  ["DF-450", "none{{block:aggregate:sum:price}}", "$sum([(none).(price)])", 0],
  ["DF-451", "none{{block:filter:price > 1}}", "([(none)[$boolean(price > 1)]])", []],
  ["DF-452", "{{block:aggregate:count:items}}", "$count([(items)])", 3],
  ["DF-453", '"{{block:field:x}}" & user.name', '"{{block:field:x}}" & user.name', "{{block:field:x}}Alice"],
];

for (const [id, text, code, value] of CONFORMANCE) {
  Deno.test(`${id} ${text}`, async () => {
    assertEquals(compiled(text), { text: code, problems: [] });
    assertEquals(await valueOf(text), value);
  });
}

Deno.test("DF-421..423 the place of a block decides what it takes", () => {
  const table: [string, string][] = [
    ["a and items{{block:field:x}} or b", "a and (items).(x) or b"],
    ["and{{block:field:x}}", "(and).(x)"],
    ["a in {{block:field:x}}", "a in (x)"],
    ["[a, b.c {{block:field:x}}]", "[a, (b.c).(x)]"],
    ["a ? b{{block:field:x}} : {{block:field:y}}", "a ? (b).(x) : (y)"],
    ["($v := a{{block:field:x}}; $v)", "($v := (a).(x); $v)"],
    ["a.*.{{block:field:x}}", "(a.*).(x)"],
    ["*{{block:field:x}}", "(*).(x)"],
    ["a * {{block:field:x}}", "a * (x)"],
    ["a^(>p){{block:field:x}}", "(a^(>p)).(x)"],
    ["a@$v{{block:field:x}}", "(a@$v).(x)"],
    ["a{{block:field:x}}{{block:field:y}}", "((a).(x)).(y)"],
    ["a{{block:field:x}}.b.{{block:field:y}}", "((a).(x).b).(y)"],
    ["a{{block:field:x}} / 2 / b", "(a).(x) / 2 / b"],
    ["f(a)[1]{k: v}{{block:field:x}}", "(f(a)[1]{k: v}).(x)"],
    ["-a{{block:field:x}}", "-(a).(x)"],
    ["a ?? b{{block:field:x}}", "a ?? (b).(x)"],
    ["a{{block:field:x /* } */}}", "(a).(x /* } */)"],
    ["{{block:filter:p}}", "([$[$boolean(p)]])"],
    ["{{block:map:p}}", "([$.(p)])"],
    ["{{block:aggregate:count}}", "$count([$])"],
    ["a{{block:aggregate:avg}}", "$average([(a)])"],
  ];
  const got = table.map(([text]) => {
    const parts = compile(parseFromText(text.replace("f(a)", "$sum(a)")));
    return [text, (parts.text ?? JSON.stringify(parts.problems)).replace("$sum(a)", "f(a)")];
  });
  assertEquals(got, table);
});

Deno.test("DF-425..429 what blocks give", async () => {
  const table: [string, unknown, unknown][] = [
    ["a{{block:filter:0}}", { a: [1, 2] }, []],
    ["a{{block:filter:1}}", { a: [1, 2] }, [1, 2]],
    ["a{{block:map:b}}", { a: [{ b: [1, 2] }, {}, { b: 3 }] }, [1, 2, 3]],
    ["a{{block:aggregate:count}}", {}, 0],
    ["a{{block:aggregate:max}}", {}, undefined],
    ["a{{block:transform:trim}}", { a: " x " }, "x"],
    ["a{{block:transform:trim}}", { a: [" x "] }, ["x"]],
    ["a{{block:transform:lowercase}}", {}, undefined],
    ["a{{block:transform:reverse}}", { a: "a😀b" }, "b😀a"],
    ["a{{block:transform:reverse}}", { a: [1, 2] }, [2, 1]],
    ["a ~> {{block:transform:uppercase}}", { a: "x" }, "X"],
    ["{{block:transform:uppercase}}", "x", "X"],
    ["($n := 1; a{{block:filter:$ > $n}})", { a: [1, 2] }, [2]],
  ];
  for (const [text, input, value] of table) assertEquals(await valueOf(text, input), value, text);
});

Deno.test("DF-431 a variable bound on the left path has no value in the block", async () => {
  assertEquals(await valueOf("items@$x{{block:map:$exists($x)}}"), [false, false, false]);
});

Deno.test("DF-424..430 what is wrong is said at its block", () => {
  const table: [string, string[]][] = [
    ["a{{block:field:}}", ["Block 1 (Field) has no path"]],
    ["a{{block:field:x}} & b{{block:filter: }}", ["Block 2 (Filter) has no condition"]],
    ["a{{block:map:/* none */}}", ["Block 1 (Map) has no expression"]],
    ["a{{block:aggregate:median:x}}", ["Block 1 (Aggregate) has no function 'median'"]],
    ["a{{block:aggregate:constructor:x}}", ["Block 1 (Aggregate) has no function 'constructor'"]],
    ["a{{block:transform:explode}}", ["Block 1 (Transform) has no operation 'explode'"]],
    ["a{{block:pivot:x}}", ["Unknown block type: pivot"]],
    ["a{{block:filter:x)] & (b}}", [
      'Block 1 (Filter): Invalid expression: Syntax error: ")" (line 1, column 2)',
    ]],
    ["a{{block:map:$avg(x)}}", ["Block 1 (Map): Unknown function $avg. Did you mean $average?"]],
    ["a{{block:map:$eval(x)}}", ["Block 1 (Map): $eval is not available"]],
    ["a{{block:map:$__in}}", ["Block 1 (Map): Names beginning $__ are reserved"]],
    ["$__in & a{{block:field:x}}", ["Names beginning $__ are reserved"]],
  ];
  assertEquals(table.map(([text]) => [text, said(text)]), table);
});

Deno.test("DF-430 a problem says where in the text it is", () => {
  const [problem] = compiled("a{{block:field:x}} + $nope").problems;
  assertEquals([problem?.start, problem?.end, problem?.block], [21, 26, undefined]);
  const [other] = compiled("a + b{{block:map:$nope}}").problems;
  assertEquals([other?.start, other?.end, other?.block], [5, 24, 1]);
});

Deno.test("DF-402 DF-404 a marker in a string, name, comment or pattern is text", () => {
  for (const text of ['"M"', "'M'", "`M`", "/* M */ a", "$match(a, /M/)", "a /* M", "M".slice(0, -1)]) {
    assertEquals(parseFromText(text.replace("M", "{{block:field:x}}")).blockCount, 0, text);
  }
  assertEquals(parseFromText("{{block:field:x").blockCount, 0);
  assertEquals(parseFromText("a{{block:field:x}} / b{{block:field:y}}").blockCount, 2);
  assertEquals(parseFromText("{{block:field:a b}} & c"), {
    mode: "hybrid",
    content: [
      blockOf({ blockType: "field", config: { path: "a b" } }, "{{block:field:a b}}"),
      { type: "text", text: " & c" },
    ],
    rawText: "{{block:field:a b}} & c",
    blockCount: 1,
    problems: [],
  });
});

Deno.test("DF-405..407 defaults, functions and what chips say", () => {
  const table: [string, string][] = [
    ["field:a.b", "$.a.b"],
    ["field:", "Field…"],
    ["filter:age > 18", "[age > 18]"],
    ["filter: ", "Filter…"],
    ["map:name", "map(name)"],
    ["map:", "Map…"],
    ["aggregate:", "sum()"],
    ["aggregate:avg:a:b", "average(a:b)"],
    ["transform:", "uppercase"],
    ["transform:trim", "trim"],
  ];
  const shown = table.map(([marker]) => {
    const [block] = parseFromText(`{{block:${marker}}}`).content;
    return [marker, block?.type === "block" ? block.displayText : "no block"];
  });
  assertEquals(shown, table);
});

const pieces = fc.constantFrom(
  ..."{{block:field:x}} {{block:filter: {{block:aggregate:avg:p}} {{block:map:{\\}}} {{block:pivot:}} } }} \\ . ~> ( ) [ ] { \" ' ` / /* */ a * and $v := ; ?"
    .split(" "),
  " ",
);
const texts = fc.oneof(fc.string(), fc.array(pieces, { maxLength: 40 }).map((all) => all.join("")));

Deno.test("K1 DF-408 any text is the same after reading and writing", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const read = parseFromText(text);
      assertEquals(serializeToText(read), text);
      assertEquals(read.blockCount, read.content.filter(({ type }) => type === "block").length);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("DF-403 a config reads as it was written, whatever it holds", () => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom("}", "\\", "{", ":", "a")).map((all) => all.join("")),
  );
  const specs = fc.oneof(
    text.map((path): BlockSpec => ({ blockType: "field", config: { path } })),
    text.map((condition): BlockSpec => ({ blockType: "filter", config: { condition } })),
    text.map((expression): BlockSpec => ({ blockType: "map", config: { expression } })),
    fc.tuple(fc.constantFrom("sum", "average"), text)
      .map(([name, path]): BlockSpec => ({ blockType: "aggregate", config: { function: name, path } })),
  );
  fc.assert(
    fc.property(specs, (spec) => {
      const written = serializeToText({ content: [blockOf(spec)] });
      const { content } = parseFromText(written);
      assertEquals(content, [{ type: "block", ...spec, displayText: displayText(spec), source: written }]);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("DF-408 an edited block is written anew, its neighbours keep their bytes", () => {
  const { content } = parseFromText("a{{block:aggregate:avg:x}} + b{{block:aggregate:avg:y}}");
  const edited = content.map((piece, i) =>
    i === 1 && piece.type === "block" && piece.blockType === "aggregate"
      ? { ...piece, config: { ...piece.config, path: "z" } }
      : piece
  );
  assertEquals(
    serializeToText({ content: edited }),
    "a{{block:aggregate:average:z}} + b{{block:aggregate:avg:y}}",
  );
});

Deno.test("K2 what compiles parses, and every problem lies in the text", () => {
  let good = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const { text: code, problems } = compiled(text);
      assertEquals(code === undefined, problems.length > 0);
      if (code !== undefined) {
        jsonata(code);
        good++;
      }
      for (const { start, end } of problems) assert(0 <= start && start <= end && end <= text.length, text);
    }),
    { numRuns: 2000 },
  );
  assert(good > 50, `only ${good} compiled`);
});

Deno.test("DF-409 behind 50 blocks the rest is text, and no block goes in", () => {
  const fifty = Array(50).fill("{{block:field:x}}").join(" & ");
  assertEquals(said(fifty), []);
  const more = `${fifty} & {{block:field:y}} & 1`;
  const read = parseFromText(more);
  assertEquals([read.blockCount, read.content.at(-1)], [50, {
    type: "text",
    text: " & {{block:field:y}} & 1",
  }]);
  assertEquals(said(more), ["Block limit reached (50). Remaining blocks ignored."]);
  assertEquals(serializeToText(read), more);
  const block: BlockSpec = { blockType: "field", config: { path: "z" } };
  assertEquals(insertBlock(fifty, 0, block), { problem: "Cannot insert block: limit of 50 blocks reached" });
  assertEquals(insertBlock("a{{block:field:x}}", 3, block), {
    text: "a{{block:field:x}}{{block:field:z}}",
    cursor: 35,
  });
});

Deno.test("DF-410 a placeholder takes no blocks", () => {
  assertEquals(
    placeholderProblem("a{{block:field:x}}"),
    "Blocks cannot be used in a placeholder; use Insert as JSONata",
  );
  assertEquals(placeholderProblem("a.b"), undefined);
});
