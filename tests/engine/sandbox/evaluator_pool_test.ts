import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import {
  createEvaluatorPool,
  type Exchange,
  type PoolSettings,
} from "../../../engine/sandbox/evaluator_pool.ts";
import { launch } from "../../../engine/sandbox/launch.ts";

/** A child that answers with its pid, or does what the line says. */
const PROGRAM = `
const write = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text));
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const line = chunk.trim();
  if (line === "exit") Deno.exit(3);
  if (line === "loop") for (;;);
  if (line === "twice") write("1\\n2\\n");
  else write(Deno.pid + "\\n");
}`;

async function poolTest(
  settings: Partial<PoolSettings>,
  run: (ask: (line: string, withinMs?: number, signal?: AbortSignal) => Promise<Exchange>) => Promise<void>,
): Promise<{ started: number }> {
  let started = 0;
  const pool = createEvaluatorPool({
    clock: systemClock,
    start: () => {
      started++;
      return launch({ program: { text: PROGRAM }, heapMb: 64, memoryMb: 1000, cpuSeconds: 10 });
    },
    size: 1,
    uses: 1000,
    busyMs: 60_000,
    answerBytes: 1000,
    ...settings,
  });
  const never = new AbortController().signal;
  try {
    await run((line, withinMs = 10_000, signal = never) => pool.exchange(line, { withinMs, signal }));
  } finally {
    await pool.close();
  }
  return { started };
}

const lineOf = (exchange: Exchange) => exchange.type === "answer" ? exchange.line : exchange.type;

Deno.test("DF-311 a child is used again, and replaced after so many questions", async () => {
  const pids: string[] = [];
  const { started } = await poolTest({ uses: 3 }, async (ask) => {
    for (let i = 0; i < 7; i++) pids.push(lineOf(await ask("who")));
  });
  assertEquals(new Set(pids).size, 3);
  assertEquals(pids[0], pids[2]);
  assert(pids[2] !== pids[3]);
  assertEquals(started, 3);
});

Deno.test("DF-311 no more children than the size, each answering what it was asked", async () => {
  const { started } = await poolTest({ size: 2 }, async (ask) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask("who")));
    assertEquals(new Set(answers.map(lineOf)).size, 2);
  });
  assertEquals(started, 2);
});

Deno.test("X7 a child that ends, is late or is aborted is replaced, and the next question is answered", async () => {
  const { started } = await poolTest({}, async (ask) => {
    assertEquals((await ask("exit")).type, "died");
    assert(Number(lineOf(await ask("who"))) > 0);
    assertEquals((await ask("loop", 200)).type, "timeout");
    assert(Number(lineOf(await ask("who"))) > 0);
    assertEquals((await ask("loop", 10_000, AbortSignal.timeout(200))).type, "aborted");
    assert(Number(lineOf(await ask("who"))) > 0);
    assertEquals((await ask("who", 10_000, AbortSignal.abort())).type, "aborted");
  });
  assertEquals(started, 4);
});

Deno.test("X7 one that waits and gives up leaves its place to the next", async () => {
  await poolTest({}, async (ask) => {
    const stop = new AbortController();
    const busy = ask("loop", 500);
    const leaving = [ask("who", 1000, stop.signal), ask("who", 1000, stop.signal)];
    const staying = [ask("who"), ask("who")];
    const late = ask("who", 1000, stop.signal);
    stop.abort();
    for (const one of [...leaving, late]) assertEquals((await one).type, "aborted");
    assertEquals((await busy).type, "timeout");
    for (const one of staying) assert(Number(lineOf(await one)) > 0);
  });
});

Deno.test("closing ends who is busy and who waits", async () => {
  let open: Promise<Exchange>[] = [];
  await poolTest({}, async (ask) => {
    await ask("who");
    open = [ask("loop"), ask("who"), ask("who")];
  });
  assertEquals((await Promise.all(open)).map(({ type }) => type), ["aborted", "aborted", "aborted"]);
});
