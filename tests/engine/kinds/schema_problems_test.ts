import { assertEquals } from "@std/assert";
import { schemaProblems } from "../../../engine/kinds/schema/problems.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { cellsOf } from "../../../engine/notebook/types.ts";

function told(header: string, kind = "ts"): string[] {
  const [cell] = cellsOf(parse(`~~~${kind} x\n${header}\n---\nreturn 1\n~~~\n`).notebook);
  return schemaProblems(cell!).map(({ message, line, column }) => `${message} (${line}:${column})`);
}

Deno.test("DF-106 schemas that cannot be used are told before anything runs, each at its place", () => {
  assertEquals(told("inputs:\n  i:\n    from: a\n    schema: { type: number }"), []);
  assertEquals(told('inputs:\n  i:\n    from: a\n    schema: { $ref: "https://a.example/s" }'), [
    "Schema of 'i' refers to https://a.example/s; only local references are allowed (5:5)",
  ]);
  const [message] = told(
    "inputs:\n  i:\n    from: a\n    validate: [{ type: schema, schema: { type: nonsense } }]",
  );
  assertEquals([message?.startsWith("Schema of 'i' is not valid: "), message?.endsWith(" (5:32)")], [
    true,
    true,
  ]);
  const [output] = told("outputs: { o: { type: json, schema: { minimum: many } } }", "agent");
  assertEquals([output?.startsWith("Schema of 'o' is not valid: "), output?.endsWith(" (2:29)")], [
    true,
    true,
  ]);
});
