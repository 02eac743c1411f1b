/** More than one `weft` on one store, at a time and one after the other. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { call, inWorkspace, serve, start, weft } from "./_weft.ts";

const slow = (ms: number) =>
  `\`\`\`ts a\nawait new Promise((done) => setTimeout(done, ${ms}));\nreturn 1;\n\`\`\`\n\n\`\`\`jsonata b\na + 1\n\`\`\`\n`;

Deno.test("a second run on a store that a run has open ends as well, whoever runs it", async () => {
  await inWorkspace({ "notebooks/one.md": slow(1500), "notebooks/two.md": slow(50) }, async (folder) => {
    const first = start(folder, ["run", "notebooks/one.md", "--json"]);
    await first.errIncludes("a running");
    const second = await weft(folder, ["run", "notebooks/two.md", "--json"]);
    assertStringIncludes(second.err, "Another Weft has this store open");
    assertEquals([second.code, JSON.parse(second.out).cells.b.value], [0, 2], second.err);
    const done = await first.done;
    assertEquals([done.code, JSON.parse(done.out).cells.b.value], [0, 2], done.err);
  });
});

Deno.test("a run beside a server is run by the server and shown here", async () => {
  await inWorkspace({ "notebooks/two.md": slow(50) }, async (folder) => {
    const server = await serve(folder);
    const { code, out, err } = await weft(folder, ["run", "notebooks/two.md", "--json"]);
    assertEquals([code, JSON.parse(out).label], [0, "succeeded"], err);
    const listed = await call(server, "GET", "/runs");
    assertEquals(listed.items.map(({ id, label }: { id: string; label: string }) => [id, label]), [
      [JSON.parse(out).run, "succeeded"],
    ]);
    assertEquals(await server.stop(), 0);
  });
});

Deno.test("CL-104 an interrupted run is left alone by later runs of other notebooks, and the server goes on with it", async () => {
  await inWorkspace({ "notebooks/one.md": slow(2000), "notebooks/two.md": slow(10) }, async (folder) => {
    const first = start(folder, ["run", "notebooks/one.md", "--json"]);
    await first.errIncludes("a running");
    first.process.kill("SIGINT");
    const { code, err } = await first.done;
    assertEquals(code, 130);
    assertStringIncludes(err, "Interrupted. The run is kept");
    const run = /run_[0-9a-z]{26}/.exec(err)![0];
    for (let i = 0; i < 2; i++) assertEquals((await weft(folder, ["run", "notebooks/two.md"])).out, "2\n");
    const server = await serve(folder);
    const { label, cells } = await ended(server, run);
    assertEquals([label, cells.a.attempt], ["succeeded", 2], "the others did not touch it");
    assert(cells.b.endedAt > 0);
    assertEquals(await server.stop(), 0);
  });
});

async function ended(server: Awaited<ReturnType<typeof serve>>, run: string) {
  const { sseReader } = await import("./_sse.ts");
  const reader = await sseReader(server, `/runs/${run}/frames`);
  await reader.until((text) => text.includes("event: end"));
  await reader.close();
  return await call(server, "GET", `/runs/${run}/page`);
}
