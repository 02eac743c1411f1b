/** `weft runs` as a person and a script see it: beside a server, and alone on a store that nobody has. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sseReader } from "./_sse.ts";
import { call, inWorkspace, serve, type Served, start, weft } from "./_weft.ts";

const FAILS =
  "```ts a\nreturn 1;\n```\n\n```ts b\nthrow new Error('no ' + a);\n```\n\n```jsonata c\nb\n```\n";
const slow = (ms: number) =>
  `\`\`\`ts a\nawait new Promise((done) => setTimeout(done, ${ms}));\nreturn 1;\n\`\`\`\n\n\`\`\`jsonata b\na + 1\n\`\`\`\n`;

const json = async (folder: string, ...args: string[]) => {
  const done = await weft(folder, ["runs", ...args, "--json"]);
  assertEquals(done.out.trim().split("\n").length, 1, done.err);
  const { schema, ...rest } = JSON.parse(done.out);
  assertEquals(schema, "weft.runs.v1");
  return { ...done, ...rest };
};

/** A run of the notebook `slow` on a server, once its first cell is running. */
async function running(server: Served) {
  const { id: run } = await call(server, "POST", "/runs", { notebook: "slow" });
  const reader = await sseReader(server, `/runs/${run}/frames`);
  await reader.until((text) => text.includes("step.started"));
  return { run, reader };
}

Deno.test("CL-206 alone: a failed run is found, looked at, restarted and told about its cells; no cell starts", async () => {
  await inWorkspace({ "notebooks/fails.md": FAILS }, async (folder) => {
    const first = await weft(folder, ["run", "notebooks/fails.md", "--json"]);
    assertEquals(first.code, 1);
    const { run } = JSON.parse(first.out);
    assertEquals((await json(folder, "list", "--label", "succeeded")).runs, []);
    const listed = await json(folder, "list", "--label", "failed", "--notebook", "fails", "--limit", "5");
    assertEquals(listed.runs.map(({ id }: { id: string }) => id), [run]);
    assertMatch((await weft(folder, ["runs"])).out, new RegExp(`^${run}  failed +\\d{4}-\\S+Z  fails\n$`));
    const shown = await weft(folder, ["runs", "show", run]);
    assertStringIncludes(shown.out, "cells       3: 1 succeeded, 1 failed, 1 skipped");
    const { steps } = await json(folder, "steps", run);
    assertEquals(steps.map(({ step, label }: Record<string, string>) => `${step} ${label}`), [
      "a succeeded",
      "b failed",
      "c skipped",
    ]);
    assertStringIncludes((await weft(folder, ["runs", "steps", run])).out, "failed      b: Error: no 1");

    const again = await weft(folder, ["runs", "restart", run, "--reason", "try again"]);
    assertEquals(again.code, 0, again.err);
    assertStringIncludes(again.err, "weft serve");
    const waits = await json(folder, "explain", run);
    assertMatch(waits.sentence, /^No worker has taken the run up yet\. /);
    const told = await json(folder, "supply", run, "b", '{"x":1}');
    assertEquals([told.code, told.answer], [0, "applied"], told.err);
    const after = await json(folder, "steps", run);
    assertEquals(
      after.steps.map(({ step, label, attempts }: Record<string, string>) => [step, label, attempts]),
      [["a", "succeeded", 1], ["b", "supplied", 1], ["c", "queued", 0]],
    );
    const server = await serve(folder);
    const reader = await sseReader(server, `/runs/${run}/frames`);
    await reader.until((text) => text.includes("event: end"));
    await reader.close();
    assertEquals((await call(server, "GET", `/runs/${run}/page`)).cells.c.value, { inline: { x: 1 } });
    assertEquals(await server.stop(), 0);
  });
});

Deno.test("CL-206 EN-601 alone, a run that was left is paused before anything of it begins again", async () => {
  await inWorkspace({ "notebooks/slow.md": slow(1500) }, async (folder) => {
    const first = start(folder, ["run", "notebooks/slow.md"]);
    await first.errIncludes("a running");
    first.process.kill("SIGINT");
    const run = /run_[0-9a-z]{26}/.exec((await first.done).err)![0];
    const paused = await json(folder, "pause", run);
    assertEquals([paused.code, paused.label], [0, "paused"], paused.err);
    assertEquals((await json(folder, "steps", run)).steps[0].attempts, 1);
    assertStringIncludes((await weft(folder, ["runs", "explain", run])).out, "paused: The run is paused.");
    const cancelled = await json(folder, "cancel", run);
    assertEquals([cancelled.code, cancelled.label, cancelled.unsettled], [0, "cancelled", []]);
    assertEquals((await json(folder, "steps", run)).steps[0].attempts, 1);
  });
});

Deno.test("CL-206 beside a server its runs are commanded as its own page does", async () => {
  await inWorkspace({ "notebooks/slow.md": slow(20_000) }, async (folder) => {
    const server = await serve(folder);
    const { run, reader } = await running(server);
    const refused = await weft(folder, ["runs", "restart", run]);
    assertEquals([refused.code, refused.out], [5, ""]);
    assertStringIncludes(refused.err, "has not ended");
    const skipped = await json(folder, "skip", run, "a");
    assertEquals([skipped.code, skipped.answer], [0, "applied"], skipped.err);
    await reader.until((text) => text.includes("event: end"));
    await reader.close();
    const page = await call(server, "GET", `/runs/${run}/page`);
    assertEquals([page.cells.a.label, page.cells.b.label], ["skipped", "skipped"]);
    assertEquals((await weft(folder, ["runs", "pause", run])).code, 5);
    assertEquals(await server.stop(), 0);
  });
});

Deno.test("CL-306 CL-307 wrong words are exit 2, what is not there 3", async () => {
  await inWorkspace({ "notebooks/fails.md": FAILS }, async (folder) => {
    const cases: [string[], number, string][] = [
      [["freeze", "x"], 2, "does not know freeze"],
      [["show"], 2, "Say weft runs show RUN"],
      [["skip", "run_1"], 2, "Say weft runs skip RUN CELL"],
      [["list", "--limit", "0"], 2, "from 1 to 1000"],
      [["supply", "run_1", "a", "text"], 2, "VALUE must be JSON"],
      [["list", "--lable", "x"], 2, "Did you mean --label?"],
      [["show", "run_1"], 3, "No run has this id"],
      [["pause", "run_1"], 3, "No run has this id"],
    ];
    for (const [args, code, says] of cases) {
      const done = await weft(folder, ["runs", ...args]);
      assertEquals([done.code, done.out], [code, ""], `${args.join(" ")}: ${done.err}`);
      assertStringIncludes(done.err, says);
    }
    assertStringIncludes((await weft(folder, ["runs", "--help"])).out, "Example: weft runs list");
  });
});

Deno.test("EN-409 a run that expires is exit 1; a delay without unit and a deadline without zone are exit 2", async () => {
  await inWorkspace({ "notebooks/slow.md": slow(20_000) }, async (folder) => {
    const deadline = new Date(Date.now() + 8_000).toISOString();
    const done = await weft(folder, ["run", "notebooks/slow.md", "--json", "--deadline", deadline]);
    assertEquals([done.code, JSON.parse(done.out).label], [1, "expired"], done.err);
    for (const [flag, value] of [["--delay", "10"], ["--deadline", "2026-11-20T18:00:00"]] as const) {
      assertEquals((await weft(folder, ["run", "notebooks/slow.md", flag, value])).code, 2, flag);
    }
    const past = await weft(folder, ["run", "notebooks/slow.md", "--deadline", "2020-01-01T00:00:00Z"]);
    assertStringIncludes(past.err, "deadline");
    assertEquals(past.code, 1);
  });
});

Deno.test("EN-2101 AP-716 OB-121 SIGTERM lets the running cell end, is not ready meanwhile, and exits 0", async () => {
  await inWorkspace({ "notebooks/slow.md": slow(3_000) }, async (folder) => {
    const server = await serve(folder);
    const { run, reader } = await running(server);
    server.process.kill("SIGTERM");
    await reader.until((text) => text.includes("event: moved"));
    await reader.close();
    const ready = await fetch(`${server.url}/readyz`);
    assertEquals([ready.status, (await ready.json()).draining], [503, true]);
    assertEquals((await server.process.status).code, 0);
    const { steps } = await json(folder, "steps", run);
    assertEquals(
      steps.map(({ label, attempts }: Record<string, string>) => [label, attempts]),
      [["succeeded", 1], ["queued", 0]],
      "the cell that was running has ended, and nothing began after it",
    );
  });
});

Deno.test("EN-2101 a second signal ends at once", async () => {
  await inWorkspace({ "notebooks/slow.md": slow(20_000) }, async (folder) => {
    const server = await serve(folder);
    const { reader } = await running(server);
    server.process.kill("SIGTERM");
    await reader.until((text) => text.includes("event: moved"));
    await reader.close();
    const began = Date.now();
    server.process.kill("SIGTERM");
    assertEquals((await server.process.status).code, 130);
    assert(Date.now() - began < 2_000);
  });
});

Deno.test("CL-206 EN-1402 EN-1405 alone: a run is taken back to a checkpoint, and another one goes on from it", async () => {
  const text = (last: string) =>
    `\`\`\`jsonata a\n1\n\`\`\`\n\n\`\`\`jsonata b\na + 1\n\`\`\`\n\n\`\`\`jsonata c\nb + ${last}\n\`\`\`\n`;
  await inWorkspace({ "notebooks/chain.md": text("1"), "other.md": text("5") }, async (folder) => {
    const { run } = JSON.parse((await weft(folder, ["run", "notebooks/chain.md", "--json"])).out);
    assertEquals((await weft(folder, ["runs", "mark", run, "--label", "as sent"])).code, 0);
    const { checkpoints } = await json(folder, "checkpoints", run);
    assertEquals(checkpoints.map(({ id }: { id: string }) => id), ["level:3", "cp_1"]);
    const lost = await weft(folder, ["runs", "restore", run, "cp_9"]);
    assertStringIncludes(lost.err, "Checkpoint not found: cp_9; the last ones are level:3, cp_1");
    const back = await json(folder, "restore", run, "cell:a");
    assertEquals([back.code, back.label], [0, "paused"], back.err);
    const refused = await weft(folder, ["runs", "fork", run, "--checkpoint", "cp_1", "--text", "other.md"]);
    assertStringIncludes(refused.err, "changed c. Say --on-mismatch compatible, latest or same");
    const made = await json(
      folder,
      ...["fork", run, "--checkpoint", "cp_1", "--text", "other.md", "--on-mismatch", "compatible"],
    );
    assertEquals([made.code, made.differences.changed], [0, ["c"]], made.err);
    const { steps } = await json(folder, "steps", made.run);
    assertEquals(steps.map(({ label }: { label: string }) => label), ["reused", "reused", "queued"]);
    const { run: shown } = await json(folder, "show", made.run);
    assertEquals([shown.forkedFrom.run, shown.forkedFrom.checkpoint], [run, "cp_1"]);
  });
});
