import jsonata from "jsonata";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compile } from "../../../../engine/expr/blocks/compile.ts";
import { type BlockSpec, writeMarker } from "../../../../engine/expr/blocks/model.ts";
import { parseFromText } from "../../../../engine/expr/blocks/parse.ts";

const DATA = {
  items: [{ price: 50, name: "a" }, { price: 150, name: "b b", tags: ["x", "y"] }, {
    price: 200,
    name: "ç😀",
  }],
  one: { price: 3, name: "it's" },
  "due date": [{ price: 1 }],
  none: [],
};

/** Text with blocks, and JSONata with every bracket written that says the same. */
type Pair = [text: string, plain: string];

const paths = fc.constantFrom(
  "items",
  "one",
  "none",
  "absent",
  "`due date`",
  "items[price > 100]",
  "items[0]",
  "items^(>price)",
  "$$.items",
  "$.items.{ 'price': price, 'name': name }",
  "(one; items)",
  "[items, one]",
  "items[name != ')']",
  "$append(items, one)",
);
const field = fc.constantFrom("price", "name", "tags", "$.price");
const condition = fc.constantFrom(
  "price > 100",
  'name = "}" or price',
  "1",
  "$$.one.price = 3",
  "tags['x' in $]",
);

const blocks: fc.Arbitrary<[BlockSpec, (left: string) => string]> = fc.oneof(
  field.map((path): [BlockSpec, (left: string) => string] => [
    { blockType: "field", config: { path } },
    (left) => `((${left}).(${path}))`,
  ]),
  condition.map((one): [BlockSpec, (left: string) => string] => [
    { blockType: "filter", config: { condition: one } },
    (left) => `([(${left})[$boolean(${one})]])`,
  ]),
  fc.constantFrom("name", "{ 'price': $, 'name': name }", "[price]").map((
    expression,
  ): [BlockSpec, (left: string) => string] => [
    { blockType: "map", config: { expression } },
    (left) => `([(${left}).(${expression})])`,
  ]),
  fc.constantFrom("", "price").map((path): [BlockSpec, (left: string) => string] => [
    { blockType: "aggregate", config: { function: "count", path } },
    (left) => path === "" ? `$count([(${left})])` : `$count([(${left}).(price)])`,
  ]),
);

/** A path with blocks behind it, with or without a dot before each. */
const postfix: fc.Arbitrary<Pair> = fc.tuple(
  paths,
  fc.array(fc.tuple(blocks, fc.constantFrom("", ".", " . ", " ")), { minLength: 1, maxLength: 3 }),
).map(([path, all]) =>
  all.reduce<Pair>(
    ([text, plain], [[spec, apply], joint]) => [text + joint + writeMarker(spec), apply(plain)],
    [path, path],
  )
);

const expressions: fc.Arbitrary<Pair> = fc.letrec<{ e: Pair }>((tie) => {
  const e = tie("e") as fc.Arbitrary<Pair>;
  return {
    e: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      postfix,
      fc.tuple(postfix, fc.constantFrom("&", "=", "in", "??", "and", "or"), postfix)
        .map(([a, op, b]): Pair => [`${a[0]} ${op} ${b[0]}`, `(${a[1]}) ${op} (${b[1]})`]),
      fc.tuple(e, e).map(([a, b]): Pair => [`[${a[0]}, ${b[0]}]`, `[${a[1]}, ${b[1]}]`]),
      fc.tuple(e, e).map((
        [a, b],
      ): Pair => [`{ 'k': ${a[0]}, 'l': ${b[0]} }`, `{ 'k': ${a[1]}, 'l': ${b[1]} }`]),
      fc.tuple(postfix, e, e).map(([a, b, c]): Pair => [
        `(${a[0]} ? ${b[0]} : ${c[0]})`,
        `((${a[1]}) ? (${b[1]}) : (${c[1]}))`,
      ]),
      fc.tuple(e, e).map(([a, b]): Pair => [`($v := ${a[0]}; ${b[0]})`, `($v := (${a[1]}); ${b[1]})`]),
      e.map(([text, plain]): Pair => [`$string(${text})`, `$string(${plain})`]),
    ),
  };
}).e;

async function outcome(code: string): Promise<string> {
  try {
    return JSON.stringify(await jsonata(code).evaluate(DATA)) ?? "no value";
  } catch (error) {
    return `failed ${(error as { code?: string }).code}`;
  }
}

Deno.test("K3 DF-422 blocks mean what the same rules mean with every bracket written", async () => {
  let values = 0;
  await fc.assert(
    fc.asyncProperty(expressions, async ([text, plain]) => {
      const { text: code, problems } = compile(parseFromText(text));
      assertEquals(problems, [], text);
      const expected = await outcome(plain);
      assertEquals(await outcome(code!), expected, `${text}\n${code}\n${plain}`);
      if (!expected.startsWith("failed")) values++;
    }),
    { numRuns: 600 },
  );
  assert(values > 300, `only ${values} gave a value`);
});

Deno.test("DF-401 text without blocks compiles to itself", () => {
  fc.assert(
    fc.property(fc.oneof(paths, expressions.map(([, plain]) => plain)), (text) => {
      assertEquals(compile(parseFromText(text)), { text, problems: [] });
    }),
  );
});
