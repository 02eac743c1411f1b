/** `weft signal` as a person and a script use it: beside a server, and alone on a store that nobody has. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sseReader } from "./_sse.ts";
import { call, inWorkspace, serve, type Served, weft } from "./_weft.ts";

const ASKS =
  "```approval ok\nask: Go on with {{ n }}?\nvalue: 1\n```\n\n```wait paid\nafter: [ok]\nsignal: paid\n" +
  "match: { state: done }\n```\n\n```jsonata sum\nok.value + paid.n\n```\n\n```jsonata n\n7\n```\n";

/** A run of it that waits for the approval, and where that is answered. */
async function waiting(server: Served): Promise<{ run: string; waitpoint: string }> {
  const { id: run } = await call(server, "POST", "/runs", { notebook: "asks" });
  await (await sseReader(server, `/runs/${run}/frames`)).until((text) => text.includes("step.suspended"));
  const { items } = await call(server, "GET", "/approvals");
  assertEquals(items[0].ask, "Go on with 7?");
  return { run, waitpoint: items[0].id };
}

Deno.test("CL-208 an approval and a signal by command, to a run of a server and to one that nobody has", async () => {
  await inWorkspace({ "notebooks/asks.md": ASKS }, async (folder) => {
    const server = await serve(folder);
    const { run, waitpoint } = await waiting(server);
    const approved = await weft(folder, [
      "signal",
      waitpoint,
      "--approve",
      "--payload",
      "2",
      "--note",
      "fine",
      "--json",
    ]);
    assertEquals(approved.code, 0, approved.err);
    assertEquals(JSON.parse(approved.out), { schema: "weft.signal.v1", state: "approved", needed: 0 });
    const again = await weft(folder, ["signal", waitpoint, "--reject"]);
    assertEquals(again.code, 5, again.err);
    assertStringIncludes(again.err, "Already answered by terminal");
    await (await sseReader(server, `/runs/${run}/frames`)).until((text) =>
      /step.suspended[\s\S]*step.suspended/.test(text)
    );
    await server.stop();

    const early = await weft(folder, ["signal", run, "paid", "--payload", '{"state": "open"}']);
    assertEquals([early.code, early.out], [0, "buffered\n"], early.err);
    const paid = ["signal", run, "paid", "--payload", '{"state": "done", "n": 40}', "--key", "k"];
    for (const again of [false, true]) {
      const done = await weft(folder, [...paid, "--json"]);
      const { answer, replayed } = JSON.parse(done.out);
      assertEquals([done.code, answer, replayed === true], [0, "applied", again], done.err);
    }
    const next = await serve(folder);
    await (await sseReader(next, `/runs/${run}/frames`)).until((text) => text.includes("event: end"));
    assertEquals(await call(next, "GET", `/runs/${run}/steps/sum/value`), 42);
    await next.stop();
  });
});

Deno.test("CL-208 what makes no sense is said in one line", async () => {
  await inWorkspace({}, async (folder) => {
    for (
      const [args, says] of [
        [["run_1"], "Say which signal"],
        [["run_1", "--approve"], "A decision goes to a waitpoint"],
        [["wp_1_1", "--approve", "--reject"], "either --approve or --reject"],
        [["run_1", "go", "--payload", "{"], "--payload must be JSON"],
        [["run_1", "go", "--note", "x"], "--note goes with"],
      ] as [string[], string][]
    ) {
      const { code, err } = await weft(folder, ["signal", ...args]);
      assertEquals([code, err.trim().split("\n").length], [2, 1], err);
      assert(err.includes(says), err);
    }
  });
});
