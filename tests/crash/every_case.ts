/**
 * All cases of the crash matrix: every fault point, in every scenario that passes it, at its first passing and amid
 * them, in every way of dying. Takes tens of minutes, so that it is a task of its own: `deno task test:crash`, and
 * `deno task test:crash Z` for one way.
 */
import { assertEquals } from "@std/assert";
import { everyCase, runCases, surveyAll, unreached } from "./matrix/cases.ts";

const survey = await surveyAll();
const all = everyCase(survey);
const ways = [...new Set(all.map(({ way }) => way))].filter((way) =>
  Deno.args.length === 0 || Deno.args.includes(way)
);

Deno.test("EN-2301 some scenario passes each fault point", () => {
  assertEquals(unreached(survey), []);
});

for (const way of ways) {
  const cases = all.filter((one) => one.way === way);
  Deno.test(`EN-2301 ${cases.length} cases of ${way}: the invariants S1 to Q1 hold, and the run ends as without it`, async (test) => {
    await runCases(test, cases);
  });
}
