/**
 * Examples and help that the expression editor shows. Owns: the words. A test evaluates every example.
 */
import type { Json } from "../../base/json.ts";

/** An expression with data that it may meet and what it gives then. */
export interface Example {
  category: "path" | "filter" | "map" | "aggregate";
  expression: string;
  description: string;
  inputExample: Json;
  outputExample: Json;
}

const example = (
  category: Example["category"],
  expression: string,
  description: string,
  inputExample: Json,
  outputExample: Json,
): Example => ({ category, expression, description, inputExample, outputExample });

const NAMED = { items: [{ name: "a" }, { name: "b" }] };
const RATED = { items: [{ rating: 3 }, { rating: 5 }] };
const PRICED = { items: [{ name: "a", price: 50 }, { name: "b", price: 150 }, { name: "c", price: 200 }] };

const EXAMPLES: readonly Example[] = [
  example("path", "user.name", "A field of a field", { user: { name: "Alice" } }, "Alice"),
  example("path", "items[*].name", "A field of every item", NAMED, ["a", "b"]),
  example(
    "path",
    "response.data.results",
    "A list deep inside",
    { response: { data: { results: [1, 2] } } },
    [1, 2],
  ),
  example("path", "items[-1].name", "A field of the last item", NAMED, "b"),
  example("path", "**.price", "A field at any depth", { shop: { price: 1, shelf: { price: 2 } } }, [1, 2]),
  example("path", "user.mail ?? 'none'", "A value in place of none", { user: {} }, "none"),
  example("filter", "price > 100", "A number above a limit", { price: 150 }, true),
  example("filter", 'status = "active"', "A text that equals another", { status: "active" }, true),
  example("filter", '$contains(name, "test")', "A text that holds another", { name: "a test" }, true),
  example("filter", "[items[price > 100]]", "Items that fit, always as a list", {
    items: [{ price: 50 }, { price: 150 }],
  }, [{ price: 150 }]),
  example("map", '{ "id": id, "name": name }', "Some fields only", { id: 1, name: "a", note: "x" }, {
    id: 1,
    name: "a",
  }),
  example("map", '{ "total": price * quantity }', "A field that is computed", { price: 2, quantity: 3 }, {
    total: 6,
  }),
  example("map", '{ "fullName": firstName & " " & lastName }', "Texts put together", {
    firstName: "Alice",
    lastName: "Smith",
  }, { fullName: "Alice Smith" }),
  example("aggregate", "$sum(items.price)", "A sum", PRICED, 400),
  example("aggregate", "$average(items.rating)", "A mean", RATED, 4),
  example("aggregate", "$count(items)", "How many there are", NAMED, 2),
  example("aggregate", "$max(items.value)", "The greatest", { items: [{ value: 1 }, { value: 3 }] }, 3),
  example("aggregate", "$sum(items[price > 100].price)", "A sum over what fits", PRICED, 350),
  example("aggregate", "$join(items.name, ', ')", "Texts as one", NAMED, "a, b"),
  example("aggregate", "$distinct(items.name)", "Each different value once", {
    items: [{ name: "a" }, { name: "b" }, { name: "a" }],
  }, ["a", "b"]),
  example("aggregate", "items{name: price}", "An object with a key for each item", PRICED, {
    a: 50,
    b: 150,
    c: 200,
  }),
  example("aggregate", "items^(>price).name", "Items in order, the greatest first", PRICED, ["c", "b", "a"]),
];

/** Examples of all categories. */
export function getExamples(): readonly Example[] {
  return EXAMPLES;
}

const HELP: readonly { expression: string; about: string }[] = [
  { expression: "user.name", about: "A field" },
  { expression: "items[price > 100]", about: "The items of a list that fit" },
  { expression: 'items.{ "name": name }', about: "Something made of each item" },
  { expression: "$sum(items.price)", about: "One value from many" },
  { expression: 'first & " " & last', about: "Texts put together" },
];

/** The five lines of syntax help, and what to add where blocks may be inserted. */
export function getSyntaxHelp(): { lines: readonly { expression: string; about: string }[]; blocks: string } {
  return { lines: HELP, blocks: "Insert blocks from the palette, or type {{block:" };
}
