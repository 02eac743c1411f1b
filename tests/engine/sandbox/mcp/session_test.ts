/** Conversations with a server of tools that is a real process, and with ones of bad manners. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../../engine/base/clock.ts";
import { isObject, type Json } from "../../../../engine/base/json.ts";
import { programOf, serverIn } from "../../../../engine/sandbox/mcp/server.ts";
import { CALL_MS, MESSAGE_BYTES, openSession, type Session } from "../../../../engine/sandbox/mcp/session.ts";
import { stdioTransport } from "../../../../engine/sandbox/mcp/stdio.ts";
import { ManualClock, settle } from "../../../_support/manual_clock.ts";

const SERVER = new URL("../../../_support/mcp_server.ts", import.meta.url).pathname;

async function withSession(
  manner: string,
  work: (session: Session, logs: string[]) => Promise<void>,
  { clock = systemClock, signal = new AbortController().signal, ledger = "" } = {},
): Promise<void> {
  const logs: string[] = [];
  const transport = stdioTransport({
    path: Deno.execPath(),
    args: ["run", "--no-config", "--no-lock", "-A", SERVER, manner, ledger],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", MINE: "yes" },
    maxBytes: MESSAGE_BYTES,
    onLog: (line) => logs.push(line),
  });
  const session = await openSession({ name: "test", transport, clock, signal });
  try {
    await work(session, logs);
  } finally {
    await session.close();
  }
}

function textOf(result: Json): string {
  const [first] = isObject(result) && Array.isArray(result.content) ? result.content : [];
  return isObject(first) ? String(first.text) : "";
}

Deno.test("IO-603 tools are read page by page, and a call gives what the server answers", async () => {
  await withSession("good", async (session) => {
    assertEquals([...(await session.tools()).keys()], ["echo", "append", "environment"]);
    const answer = await session.call("echo", { text: "grüße" });
    assert(answer.type === "done");
    assertEquals(textOf(answer.result), "grüße");
  });
});

Deno.test("IO-601 servers of earlier revisions are spoken to", async () => {
  for (const revision of ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]) {
    await withSession(revision, async (session) => {
      assertEquals((await session.call("echo", { text: revision })).type, "done");
    });
  }
  const error = await assertRejects(() => withSession("2019-01-01", () => Promise.resolve()));
  assertStringIncludes((error as Error).message, "2019-01-01");
});

Deno.test("IO-605 M1 a server has the declared variables alone, an empty folder, and its stderr is the log", async () => {
  await withSession("good", async (session, logs) => {
    const answer = await session.call("environment", {});
    assert(answer.type === "done");
    const [env, folder] = JSON.parse(textOf(answer.result));
    assertEquals(env.split("\0").sort(), ["", "DENO_NO_UPDATE_CHECK=1", "MINE=yes", "NO_COLOR=1"]);
    assertStringIncludes(folder, "weft-mcp-");
    assertEquals(logs, ["serving as good"]);
  });
});

Deno.test("SE-1303 a tool that is described in other words, or annotated otherwise, has another hash", async () => {
  const hashes: string[] = [];
  for (const manner of ["good", "good", "changed", "annotated"]) {
    await withSession(manner, async (session) => {
      hashes.push((await session.tools()).get("echo")!.hash);
    });
  }
  assertEquals(hashes.map((hash) => hash === hashes[0]), [true, true, false, false]);
});

Deno.test("SE-1306 a call that is not answered as it must be may have been done, and the reason is told", async () => {
  for (
    const [manner, why] of [["dies", "ended"], ["huge", "1048576 bytes"], [
      "chatty",
      "Welcome to the server!",
    ], [
      "malformed",
      "",
    ]]
  ) {
    await withSession(manner!, async (session) => {
      const answer = await session.call("echo", { text: "x" });
      assert(answer.type === "unknown", `${manner}: ${JSON.stringify(answer)}`);
      assertStringIncludes(answer.message, why!);
    });
  }
});

Deno.test("SE-1306 a call has 60 s, by the clock that is given", async () => {
  const clock = new ManualClock(0);
  await withSession("slow", async (session) => {
    const answer = session.call("echo", { text: "x" });
    await settle();
    await clock.advance(CALL_MS);
    assertEquals(await answer, { type: "unknown", message: "Server 'test' took over 60 s" });
  }, { clock });
});

Deno.test("IO-603 a list of tools that does not end is refused", async () => {
  await withSession("endless", async (session) => {
    const error = await assertRejects(() => session.tools());
    assertEquals((error as Error).message, "The list of tools of server 'test' does not end");
  });
});

Deno.test("IO-602 a declaration is read strictly, with one sentence for what is wrong", () => {
  const cases: [Json, string][] = [
    [{}, "Front matter's 'mcp' has no server 'a': there is none"],
    [{ a: {} }, "Server 'a' needs either 'command' or 'url'"],
    [{ a: { command: "x", cwd: "/" } }, "Server 'a' has an unknown key 'cwd'"],
    [{ a: { command: "x", args: [1] } }, "'args' of server 'a' must be a list of at most 100 texts"],
    [{ a: { command: "x", env: { A: 1 } } }, "'env' of server 'a' must be texts by name"],
  ];
  for (const [mcp, reason] of cases) assertEquals(serverIn(mcp, "a"), { ok: false, reason });
});

Deno.test("SE-1301 what is approved covers arguments, names of variables and the program's bytes", async () => {
  const folder = await Deno.makeTempDir();
  const hash = async (args: string[], env: Record<string, string>, bytes: string) => {
    await Deno.writeTextFile(`${folder}/tool`, bytes);
    const found = await programOf(
      { type: "stdio", name: "a", command: "tool", args, env },
      `relative:${folder}`,
    );
    assert(found.ok);
    return found.program.hash;
  };
  const base = await hash(["a"], { A: "1" }, "one");
  assertEquals(base, await hash(["a"], { A: "2" }, "one"));
  for (
    const other of [[["b"], { A: "1" }, "one"], [["a"], { B: "1" }, "one"], [
      ["a"],
      { A: "1" },
      "two",
    ]] as const
  ) {
    assert(base !== await hash([...other[0]], { ...other[1] } as Record<string, string>, other[2]));
  }
  const missing = await programOf({ type: "stdio", name: "a", command: "none", args: [], env: {} }, folder);
  assertEquals(missing, { ok: false, reason: "The program 'none' of server 'a' is not there" });
  await Deno.remove(folder, { recursive: true });
});
