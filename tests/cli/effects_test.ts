/** `weft effects` as a person and a script use it: beside a server, and alone on a store that nobody has. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { json, RawServer } from "../engine/kinds/http/_raw_server.ts";
import { sseReader } from "./_sse.ts";
import { call, inWorkspace, serve, type Served, weft } from "./_weft.ts";

const pays = (at: string) =>
  `~~~http pay\nneeds: { net: ["${at}"] }\n---\nPOST http://${at}/charges?a=1\n~~~\n\n~~~jsonata out\npay.body\n~~~\n`;

/** A run whose payment is in doubt. */
async function inDoubt(server: Served): Promise<{ run: string; effect: string }> {
  const { id: run } = await call(server, "POST", "/runs", { notebook: "pays" });
  await (await sseReader(server, `/runs/${run}/frames`)).until((text) => text.includes("step.held"));
  const { items: [effect] } = await call(server, "GET", `/runs/${run}/effects`);
  assertEquals(effect.state, "in-doubt");
  return { run, effect: effect.id };
}

async function outOf(server: Served, run: string): Promise<unknown> {
  await (await sseReader(server, `/runs/${run}/frames`)).until((text) => text.includes("event: end"));
  return await call(server, "GET", `/runs/${run}/steps/out/value`);
}

Deno.test("what a run did is listed, and a doubt about it is resolved, beside a server and without one", async () => {
  let cut = true;
  await using outside = new RawServer((_, n) => cut ? "cut" : json({ n }));
  const { at } = outside;
  await inWorkspace({ "notebooks/pays.md": pays(at) }, async (folder) => {
    const env = { WEFT_ALLOW_PRIVATE_NET: at };
    const server = await serve(folder, undefined, "0", env);
    const { run, effect } = await inDoubt(server);
    const later = await inDoubt(server);

    const list = await weft(folder, ["effects", run, "--state", "in-doubt"]);
    assertEquals(list.code, 0, list.err);
    assert(
      new RegExp(`^${effect}  in-doubt +\\S+Z  ${run}  pay: POST http://${at}/charges\n$`).test(list.out),
      list.out,
    );
    const all = await weft(folder, ["effects", "--json"]);
    assertEquals(JSON.parse(all.out).effects.map(({ id }: { id: string }) => id), [effect, later.effect]);
    const one = await weft(folder, ["effects", "--limit", "1"]);
    assertEquals([one.out.trim().split("\n").length, one.code], [1, 0]);
    assertStringIncludes(one.err, "There are more than these 1");
    assertEquals((await weft(folder, ["effects", "--state", "done"])).out, "");

    const shown = await weft(folder, ["effects", "show", effect]);
    for (
      const line of [
        "state       in-doubt",
        `operation   api_call at ${at}`,
        "undo        cannot be undone: No compensation declared",
        `run         ${run}, cell pay, attempt 1`,
        `request     {"method":"POST","url":"http://${at}/charges?a=1","headers":[]}`,
        "in-doubt by engine: 127.0.0.1 closed the connection before it answered",
      ]
    ) assertStringIncludes(shown.out, line);

    const resolve = [
      "effects",
      "resolve",
      effect,
      "--as",
      "done",
      "--note",
      "I looked",
      "--result",
      '{"body": 5}',
    ];
    const done = await weft(folder, [...resolve, "--json"]);
    assertEquals(done.code, 0, done.err);
    assertEquals(JSON.parse(done.out).effect.state, "done");
    assertEquals(await outOf(server, run), 5);
    const again = await weft(folder, resolve);
    assertEquals([again.code, again.err], [5, `Effect ${effect} is done; it cannot become done\n`]);
    const history = await weft(folder, ["effects", "show", effect]);
    assertStringIncludes(history.out, "done by terminal: I looked");
    await server.stop();

    cut = false;
    const alone = await weft(folder, [
      "effects",
      "resolve",
      later.effect,
      "--as",
      "not_done",
      "--note",
      "No trace",
    ]);
    assertEquals([alone.code, alone.out], [0, `${later.effect} failed\n`], alone.err);
    assertStringIncludes(alone.err, "Nobody runs it now");
    assertEquals(outside.came.length, 2, "and it starts no cell itself");
    const next = await serve(folder, undefined, "0", env);
    assertEquals(await outOf(next, later.run), { n: 2 });
    await next.stop();
  });
});

Deno.test("what weft effects does not take is said in one line, with its exit code", async () => {
  await inWorkspace({}, async (folder) => {
    for (
      const [args, code, says] of [
        [["run_none"], 3, "run_none"],
        [["show", "eff_none"], 3, "Effect not found"],
        [["resolve", "eff_none", "--as", "done", "--note", "x"], 3, "Effect not found"],
        [["resolve", "eff_1"], 2, "Say what became of it"],
        [["resolve", "eff_1", "--as", "lost"], 2, "Say what became of it"],
        [["resolve", "eff_1", "--as", "done"], 2, "Say how you know"],
        [
          ["resolve", "eff_1", "--as", "retry", "--note", "x", "--result", "1"],
          2,
          "--result goes with --as done",
        ],
        [["resolve", "eff_1", "--as", "done", "--note", "x", "--result", "{"], 2, "--result must be JSON"],
        [["show"], 2, "Say weft effects show ID"],
        [["a", "b"], 2, "Say weft effects [RUN]"],
        [["--state", "lost"], 2, "--state is one of intended"],
        [["--note", "x"], 2, "--note goes with weft effects resolve"],
        [["show", "eff_1", "--state", "done"], 2, "--state goes with a list"],
      ] as [string[], number, string][]
    ) {
      const done = await weft(folder, ["effects", ...args]);
      assertEquals([done.code, done.err.trim().split("\n").length], [code, 1], done.err);
      assertStringIncludes(done.err, says);
    }
  });
});
