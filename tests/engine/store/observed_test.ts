import { assert, assertEquals, assertRejects } from "@std/assert";
import type { LogEntry } from "../../../engine/base/log.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { observed } from "../../../engine/store/observed.ts";
import { ManualClock } from "../../_support/manual_clock.ts";
import { keysOf, put } from "../../contracts/store/read.ts";
import { storeContract } from "../../contracts/store_contract.ts";
import { lossTests } from "../../contracts/store/loss.ts";

storeContract("observed memory", {
  driver: {
    open: (clock) =>
      Promise.resolve(observed(memoryStore({ clock, random: () => 0 }), { write() {} }, clock)),
  },
  skip: [
    { reason: "no answer is lost inside a process", tests: lossTests.map(([name]) => name) },
    {
      reason: "nobody else can open it",
      tests: ["a session of the second opening of a database fences the first's"],
    },
  ],
});

Deno.test("each call of an observed store is one debug entry with its outcome and duration, without values", async () => {
  const clock = new ManualClock();
  const entries: Omit<LogEntry, "at">[] = [];
  const store = observed(memoryStore({ clock }), { write: (entry) => entries.push(entry) }, clock);
  const session = (await store.openSession("wrk_1", 1000, ""))!;
  await store.commit(session, [{ key: ["a"], version: "1" }], [put(["a"], "private")], []);
  await store.submit([put(["a"], "private")], [["a"]]);
  await store.post("r", "cmd", new Uint8Array(3));
  await store.get([["a"], ["b"]]);
  await keysOf(store, ["in"]);
  await assertRejects(() => store.get([[]]), RangeError);
  await clock.advance(1000);
  await store.renew(session);
  await store.closeSession(session);
  await store.close();
  assertEquals(entries.map(({ message }) => message), [
    "store.openSession ok",
    "store.commit conflict",
    "store.submit ok",
    "store.post ok",
    "store.get ok",
    "store.list ended",
    "store.get threw RangeError",
    "store.renew fenced",
    "store.closeSession ok",
    "store.close ok",
  ]);
  assert(entries.every(({ level, durationMs }) => level === "debug" && durationMs === 0));
  assert(!JSON.stringify(entries).includes("private"));
  assertEquals(entries[2]!.metadata, { puts: 1, bytes: 7 });
});
