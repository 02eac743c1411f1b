/** R27: whatever bytes and characters go in come out again. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Json } from "../../../../engine/base/json.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { ended, engineOf, kept, ScriptedKind, soon } from "../_harness.ts";

const NAMES = ["text", "bytes", "any"] as const;
/** Any JSON value, with texts of any code units, lone halves of pairs among them. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    "\u0000",
    "\ud800",
    "\udfff\ud800",
    "\u2028\u2029",
    "\ufeff",
    "__proto__",
    "{{ a }}",
    "---\n",
  ),
);
const bytes = fc.uint8Array({ maxLength: 20_000 }).map((data) =>
  Array.from(data, (byte) => String.fromCharCode(byte)).join("")
);
const values = fc.jsonValue({ stringUnit: "binary", maxDepth: 6 }) as fc.Arbitrary<Json>;

Deno.test("R27 EN-112 random bytes and characters in params and values come back as they went in, by API, by reader and after a restart", async () => {
  const store = memoryStore();
  let given: Json = null;
  const seen: Record<string, Json> = {};
  const kind = new ScriptedKind({
    a: ({ inputs }) => {
      for (const name of NAMES) seen[name] = inputs[name]!;
      return { type: "succeeded", value: given };
    },
    b: ({ inputs }) => ({ type: "succeeded", value: inputs.a! }),
  });
  let engine = await engineOf(kept(store), kind);
  const params = NAMES.map((name) => `  ${name}: { type: ${name === "any" ? "json" : "string"} }`).join("\n");
  const cells = "```ts a\nreturn [text, bytes, any];\n```\n\n```ts b\nreturn a;\n```\n";
  const text = `---\nweft: 1\nparams:\n${params}\n---\n${cells}`;
  await fc.assert(
    fc.asyncProperty(texts, bytes, values, async (word, raw, value) => {
      given = { word, raw, value };
      const sent = { text: word, bytes: raw, any: value };
      const { run } = await engine.submit({ notebook: "n", text, params: sent, author: word });
      const view = await soon(ended(engine, run));
      assertEquals(view.label, "succeeded");
      assertEquals(seen, sent);
      assertEquals(await engine.value(run, "b"), given);
      await soon(engine.close());
      engine = await engineOf(kept(store), kind);
      assertEquals(await engine.value(run, "a"), given);
    }),
    { numRuns: 40, examples: [["", "", JSON.parse('{"__proto__":0}')]] },
  );
  await soon(engine.close());
});
