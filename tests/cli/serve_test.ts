/**
 * The server as a process: it starts, keeps a login over a restart, and goes on with runs after kill -9.
 */
import { assert, assertEquals } from "@std/assert";
import { sseReader } from "./_sse.ts";
import { call, inWorkspace, serve } from "./_weft.ts";

/** Ten pieces of text, a fifth of a second apart. */
const slow = (name: string) =>
  `model: mock/script\nmock: [${
    Array.from({ length: 10 }, (_, i) => `{ text: "${name}${i} " }, { delay: 100 }`).join(", ")
  }]`;

const NOTEBOOK = `---
weft: 1
---

\`\`\`ts first
return 1;
\`\`\`

\`\`\`agent second
${slow("a")}
---
Say something after {{ first }}
\`\`\`

\`\`\`agent third
${slow("b")}
---
Say something after {{ second }}
\`\`\`
`;

Deno.test("EN-115 C1 a server killed in the middle of a run goes on with it after a restart; no finished cell runs again", async () => {
  await inWorkspace({ "notebooks/slow.md": NOTEBOOK }, async (folder) => {
    const before = await serve(folder);
    const { id: run } = await call(before, "POST", "/runs", { notebook: "slow" });
    const seen = await sseReader(before, `/runs/${run}/frames`);
    // Killed while the third cell streams: its text has begun to arrive.
    await seen.until((text) => text.includes("b1 "));
    before.process.kill("SIGKILL");
    await before.process.status;
    await seen.close();

    const after = await serve(folder, before.cookie, new URL(before.url).port);
    const rest = await sseReader(after, `/runs/${run}/frames`, seen.lastId);
    await rest.until((text) => text.includes("event: end"));
    await rest.close();
    const page = await call(after, "GET", `/runs/${run}/page`);
    assertEquals(page.label, "succeeded");
    const { first, second, third } = page.cells;
    assertEquals([first.attempt, second.attempt, third.attempt], [1, 1, 2]);
    assertEquals(third.reason, "recovery");
    assertEquals(third.text.match(/b\d /g)!.length, 10, "the recovered output is whole, once");
    assert(third.earlier[0].text.startsWith("b0 "), "what the lost attempt had said is kept apart");
    assertEquals(await after.stop(), 0, "SE-304 SIGTERM ends the server with 0");
  });
});

Deno.test("EN-604 a run is not stopped by a reader that leaves, and stops when it is told to", async () => {
  await inWorkspace({ "notebooks/slow.md": NOTEBOOK }, async (folder) => {
    const server = await serve(folder);
    const { id: run } = await call(server, "POST", "/runs", { notebook: "slow" });
    const reader = await sseReader(server, `/runs/${run}/frames`);
    await reader.until((text) => text.includes("a1 "));
    await reader.close();
    await call(server, "POST", `/runs/${run}/stop`, {});
    const rest = await sseReader(server, `/runs/${run}/frames`, reader.lastId);
    await rest.until((text) => text.includes("event: end"));
    await rest.close();
    const page = await call(server, "GET", `/runs/${run}/page`);
    assertEquals([page.label, page.cells.second.label, page.cells.third.label], [
      "stopped",
      "succeeded",
      "skipped",
    ]);
    assertEquals(await server.stop(), 0);
  });
});

Deno.test("SE-301 without a login every page but the login is refused, on loopback too", async () => {
  await inWorkspace({ "notebooks/slow.md": NOTEBOOK }, async (folder) => {
    const server = await serve(folder);
    for (const path of ["/", "/n/slow", "/api/v1/runs", "/api/v1/notebooks/slow"]) {
      const answer = await fetch(server.url + path);
      await answer.body?.cancel();
      assertEquals(answer.status, 401, path);
    }
    const control = await fetch(`${server.url}/n/slow`, { headers: { cookie: server.cookie } });
    assertEquals(control.status, 200);
    assert((await control.text()).includes("first"));
    assertEquals(await server.stop(), 0);
  });
});
