/** Undoing one effect, against a real service on the loopback. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Descriptor } from "../../../../engine/notebook/effects/descriptor.ts";
import { memoryStore } from "../../../../engine/store/memory.ts";
import { leasePrefix } from "../../../../engine/store/keys.ts";
import { ManualClock } from "../../../_support/manual_clock.ts";
import { gate, journalOf, kept, pass, soon, turn } from "../_harness.ts";
import { acted, engineFor, serving } from "./_undone.ts";
import { mortal } from "./_world.ts";

const ok = () => new Response("{}");
const reverse = (url: string, method: "POST" | "PUT" | "DELETE" = "POST", parameters = {}): Descriptor => ({
  type: "reversible",
  reverseOperation: { service: "test", method, url, parameters },
});
const types = (effect: { entries: { type: string }[] }) => effect.entries.map(({ type }) => type.slice(7));

Deno.test("EF-067 EF-073 what is reversible is reversed after that is durable, though its run has ended", async () => {
  const store = memoryStore();
  const seen: string[] = [];
  await serving(async () => {
    seen.push(...(await Array.fromAsync(store.list(["effect"]))).map(({ key }) => String(key[0])));
    seen.push(...(await Array.fromAsync(store.list(leasePrefix))).map(() => "lease"));
    return ok();
  }, async ({ url, port, got }) => {
    const engine = await engineFor(store, { a: reverse(`${url}/undo`, "POST", { id: 7 }) }, port);
    const { run, effects: [effect] } = await acted(engine, ["a"], port);
    assertEquals(await soon(engine.effects.compensate(effect!.id, "bob")), {
      effectId: effect!.id,
      success: true,
      outcome: "compensated",
      message: "Operation reversed successfully",
    });
    const key = `${effect!.idempotencyKey}-undo`;
    assertEquals(got, [{ method: "POST", path: "/undo", body: '{"id":7}', key }]);
    assertEquals(seen, ["effect", "effect", "effect", "lease"], "noted, and the run had an owner");
    const after = await engine.effects.get(effect!.id);
    assertEquals([after.state, types(after)], ["compensated", ["intended", "done", "noted", "compensated"]]);
    const [, , noted, compensated] = after.entries;
    assertEquals([noted!.note, noted!.by], ["compensation started", "bob"]);
    assertEquals([compensated!.note, compensated!.by], ["Compensated: POST /a", "bob"]);
    assertEquals((await engine.inspect(run)).label, "succeeded");
    assertEquals((await Array.fromAsync(store.list(leasePrefix))).length, 0, "it has no owner any more");
    assertEquals(
      (await assertRejects(() => engine.effects.compensate(effect!.id, "bob"), EngineError)).message,
      "Effect not in done state (is compensated)",
    );
    await engine.close();
  });
});

Deno.test("EF-067 EF-070 the answers of services in the words of the table", async () => {
  const answers: [Descriptor | ((url: string) => Descriptor), number, boolean, string][] = [
    [(url) => reverse(url, "DELETE"), 204, true, "Operation reversed successfully"],
    [(url) => reverse(url, "DELETE"), 404, true, "Already gone"],
    [(url) => reverse(url, "DELETE"), 410, true, "Already gone"],
    [(url) => reverse(url, "PUT"), 404, false, "Reverse operation failed: 404 Not Found"],
    [(url) => reverse(url), 409, false, "Reverse operation failed: 409 Conflict"],
    [
      (url) => ({ type: "eventual", compensatingService: url, payload: [1] }),
      202,
      true,
      "Compensating transaction initiated",
    ],
    [
      (url) => ({ type: "eventual", compensatingService: url, payload: [1] }),
      400,
      false,
      "Compensating service failed: 400 Bad Request",
    ],
  ];
  for (const [make, status, success, words] of answers) {
    await serving(() => new Response(null, { status }), async ({ url, port, got }) => {
      const descriptor = typeof make === "function" ? make(`${url}/x`) : make;
      const engine = await engineFor(memoryStore(), { a: descriptor }, port);
      const { effects: [effect] } = await acted(engine, ["a"], port);
      const result = await soon(engine.effects.compensate(effect!.id, "bob"));
      assertEquals([result.success, result.message ?? result.error, got.length], [success, words, 1]);
      const { state, entries } = await engine.effects.get(effect!.id);
      assertEquals(state, success ? "compensated" : "compensation-failed");
      assertEquals(entries.at(-1)!.note, `${success ? "Compensated" : "Compensation failed"}: POST /a`);
      await engine.close();
    });
  }
});

Deno.test("EF-068 EF-069 EF-071 EF-072 where nothing can be sent, nothing is, and the effect stays done", async () => {
  await serving(ok, async ({ port, got }) => {
    const steps = ["Write to them"];
    const engine = await engineFor(memoryStore(), {
      a: { type: "idempotent", canRetry: true },
      b: { type: "irreversible", reason: "It was read", manualSteps: steps },
      c: { type: "irreversible", reason: "It was read" },
      d: { type: "reversible", reverseOperation: { service: "file", method: "RESTORE", parameters: {} } },
    }, port);
    const { run, effects } = await acted(engine, ["a", "b", "c", "d"], port);
    const results = [];
    for (const { id } of effects) {
      const { effectId, ...result } = await engine.effects.compensate(id, "bob");
      assertEquals(effectId, id);
      results.push(result);
    }
    const manual = { success: false, outcome: "manual", requiresUserAction: true };
    assertEquals(
      results,
      [
        { success: true, outcome: "not-needed", message: "Idempotent operation - no compensation needed" },
        { ...manual, error: "Cannot auto-compensate: It was read", manualSteps: steps },
        {
          ...manual,
          error: "Cannot auto-compensate: It was read",
          manualSteps: ["Manual intervention required"],
        },
        {
          ...manual,
          error: "No compensation handler found for: POST /d",
          manualSteps: [
            "Effect: POST /d",
            "Service: world",
            "Revert this operation by hand, then mark it as compensated",
          ],
        },
      ] as typeof results,
    );
    const states = (await engine.effects.list({ run })).items.map(({ state }) => state);
    assertEquals([states, got.length], [["done", "done", "done", "done"], 0]);
    const error = await assertRejects(() => engine.effects.compensate("eff_none", "bob"), EngineError);
    assertEquals(error.code, "effect_not_found");
    await engine.close();
  });
});

Deno.test("EF-075 EF-163 what is busy is tried three times, with its own wait; a redirect and a closed host are not", async () => {
  const clock = new ManualClock();
  const at: number[] = [];
  await serving((_, n) => {
    at.push(clock.now());
    return new Response(null, n === 0 ? { status: 429, headers: { "retry-after": "30" } } : { status: 503 });
  }, async ({ url, port }) => {
    const engine = await engineFor(memoryStore(), { a: reverse(url) }, port, { clock });
    const { effects: [effect] } = await pass(clock, acted(engine, ["a"], port), 10);
    const result = await pass(clock, engine.effects.compensate(effect!.id, "bob"), 500);
    assertEquals(result.error, "Reverse operation failed: 503 Service Unavailable");
    const waits = at.slice(1).map((time, i) => time - at[i]!);
    assertEquals(
      waits.map((ms, i) => ms >= [30_000, 2_000][i]! && ms < [40_000, 10_000][i]!),
      [true, true],
      `${waits}`,
    );
    await pass(clock, engine.close(), 500);
  });
  await serving(
    () => new Response(null, { status: 302, headers: { location: "http://evil.example/x" } }),
    async (
      { url, port, got },
    ) => {
      const engine = await engineFor(
        memoryStore(),
        { a: reverse(url), b: reverse("http://evil.example/y") },
        port,
      );
      const { effects } = await acted(engine, ["a", "b"], port);
      const [a, b] = await Promise.all(effects.map(async ({ id }, i) => {
        if (i === 1) await soon(engine.effects.compensate(effects[0]!.id, "bob"));
        return i === 1 ? await soon(engine.effects.compensate(id, "bob")) : undefined;
      }));
      assertEquals(a, undefined);
      const { entries } = await engine.effects.get(effects[0]!.id);
      assertEquals((entries.at(-1) as { message?: string }).message, "Redirect refused: evil.example");
      assert(b?.error?.includes("evil.example"), "EF-162 it is not among the hosts of the cell");
      assertEquals(got.length, 1);
      await engine.close();
    },
  );
});

Deno.test("AP-1103 a dry one sends nothing; a second one meanwhile gets the same answer, another has to wait", async () => {
  const { open, opened } = gate();
  await serving(async () => {
    await opened;
    return ok();
  }, async ({ url, port, got }) => {
    const engine = await engineFor(memoryStore(), { a: reverse(url), b: reverse(url) }, port);
    const { run, effects: [a, b] } = await acted(engine, ["a", "b"], port);
    const dry = await engine.effects.compensate(a!.id, "bob", { dry: true });
    assertEquals([dry.outcome, dry.message, got.length], ["not-attempted", `Would send POST ${url}`, 0]);
    const both = [engine.effects.compensate(a!.id, "bob"), engine.effects.compensate(a!.id, "cy")];
    while (got.length === 0) await turn();
    const busy = await assertRejects(() => engine.effects.compensate(b!.id, "bob"), EngineError);
    const restart = await assertRejects(
      () => engine.tell(run, { type: "retryStep", step: "a", by: "bob" }),
      EngineError,
    );
    assertEquals([busy.code, restart.code], ["run_busy", "run_busy"]);
    open();
    assertEquals((await soon(Promise.all(both))).map(({ outcome }) => outcome), [
      "compensated",
      "compensated",
    ]);
    assertEquals(got.length, 1);
    await engine.close();
  });
});

for (const method of ["DELETE", "POST"] as const) {
  Deno.test(`EF-074 a ${method} whose process died amid it is ${method === "POST" ? "not sent again" : "sent again"}`, async () => {
    const store = memoryStore();
    const first = gate();
    await serving(async (_, n) => {
      if (n === 0) await first.opened;
      return ok();
    }, async ({ url, port, got }) => {
      const dying = mortal(kept(store));
      const engine = await engineFor(dying.store, { a: reverse(url, method) }, port, { sessionTtlMs: 200 });
      const { run, effects: [effect] } = await acted(engine, ["a"], port);
      engine.effects.compensate(effect!.id, "bob").catch(() => {});
      while (got.length === 0) await turn();
      dying.die();
      first.open();
      const next = await engineFor(kept(store), { a: reverse(url, method) }, port, { worker: "w1" });
      const ends = async () => {
        for (;;) {
          const { state } = await next.effects.get(effect!.id);
          if (state !== "done") return state;
          await turn();
        }
      };
      const state = await soon(ends());
      const { entries } = await next.effects.get(effect!.id);
      if (method === "DELETE") assertEquals([state, got.length], ["compensated", 2]);
      else {
        assertEquals([state, got.length], ["compensation-failed", 1]);
        const { message } = entries.at(-1) as { message?: string };
        assertEquals(message, "Compensation was interrupted; result unknown");
      }
      assertEquals(new Set(got.map(({ key }) => key)).size, 1, "with the same key");
      const journal = (await journalOf(store, run)).map(({ type }) => type);
      assertEquals(journal.filter((type) => type === "effect.noted").length, 1);
      await next.close();
    });
  });
}
