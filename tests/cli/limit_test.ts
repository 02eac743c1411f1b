/** Limits from the command line. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { CommandError } from "../../cli/io.ts";
import { limitChangeOf, limitsOf } from "../../cli/runs/limit_flag.ts";
import { inWorkspace, weft } from "./_weft.ts";

Deno.test("CL-202 --limit is read in the engine's units, and what is none says what it is", () => {
  assertEquals(limitsOf(["usd=0.5", "minutes=2"]), { usdMicros: 500_000, ms: 120_000 });
  assertEquals(limitsOf([]), undefined);
  assertEquals(limitChangeOf(["tokens=none", "draft.calls=3", "draft.usd=1"]), {
    own: { tokens: null },
    cells: { draft: { calls: 3, usdMicros: 1_000_000 } },
  });
  for (const wrong of ["usd", "usd=", "usd=-1", "euros=1", "tokens=none", "a.usd=1", "usd=1e9"]) {
    assertThrows(() => limitsOf([wrong]), CommandError, "--limit is tokens, usd, minutes, calls");
  }
});

Deno.test("CL-202 CL-206 --no-wait-human leaves a run that waits for a budget with 8; weft runs change lets it go on", async () => {
  const text = "```agent a\nmodel: mock/echo\n---\nGo\n```\n";
  await inWorkspace({ "notebooks/n.md": text }, async (folder) => {
    const args = ["run", "notebooks/n.md", "--limit", "calls=0", "--no-wait-human", "--key", "k"];
    const held = await weft(folder, args);
    assertEquals(held.code, 8, held.err);
    const run = /run_[0-9a-z]{26}/.exec(held.err)![0];
    assertMatch(held.err, /The run has used 0 calls of 0 calls/);
    const told = await weft(folder, ["runs", "change", run, "--limit", "calls=5"]);
    assertEquals(told.code, 0, told.err);
    const again = await weft(folder, args);
    assertEquals(again.code, 0, again.err);
    assertEquals((await weft(folder, ["runs", "change", run])).code, 2);
  });
});

Deno.test("weft budgets sets a budget that runs share, lists it and takes it away", async () => {
  await inWorkspace({}, async (folder) => {
    const budgets = async (...args: string[]) => {
      const done = await weft(folder, ["budgets", ...args, "--json"]);
      return { code: done.code, err: done.err, ...JSON.parse(done.out || "{}") };
    };
    const made = await budgets("set", "all", "--limit", "usd=5", "--reset", "day");
    assertEquals(
      [made.code, made.budgets[0].limits, made.budgets[0].reset],
      [0, { usd: 5 }, "day"],
      made.err,
    );
    assertEquals((await budgets("set", "all", "--limit", "usd=7")).budgets[0].left, { usd: 7 });
    assertEquals((await weft(folder, ["budgets"])).out, "all  ok  usd 0 of 7  all runs\n");
    assertEquals((await budgets("remove", "all")).budgets, []);
  });
});
