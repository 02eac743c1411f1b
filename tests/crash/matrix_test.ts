/**
 * The crash matrix at the size of a change (EN-2301): each fault point once by a kill and a restart, and a choice of all
 * other cases, which `SEED` turns. `deno task test:crash` runs all of them (`every_case.ts`).
 */
import { assertEquals } from "@std/assert";
import { everyCase, runCases, someCases, surveyAll, unreached } from "./matrix/cases.ts";

/** Change it to try others. */
const SEED = 7;
/** Cases besides the restarts: two of each way but the short ones. */
const MORE = 12;

Deno.test("EN-2301 at every fault point the invariants S1 to Q1 hold after a death, and the run ends as without it", async (test) => {
  const survey = await surveyAll();
  assertEquals(unreached(survey), [], "no scenario passes these points");
  const all = everyCase(survey);
  await runCases(test, someCases(all, MORE, SEED));
});
