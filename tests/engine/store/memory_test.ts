import { assertEquals } from "@std/assert";
import { systemClock } from "../../../engine/base/clock.ts";
import { memoryStore } from "../../../engine/store/memory.ts";
import { put } from "../../contracts/store/read.ts";
import { lossTests } from "../../contracts/store/loss.ts";
import { storeContract } from "../../contracts/store_contract.ts";

storeContract("memory", {
  driver: { open: (clock) => Promise.resolve(memoryStore({ clock, random: () => 0 })) },
  skip: [
    { reason: "no answer is lost inside a process", tests: lossTests.map(([name]) => name) },
    {
      reason: "nobody else can open it",
      tests: ["a session of the second opening of a database fences the first's"],
    },
  ],
});

Deno.test("a list of 10,000 keys in memory is quick", async () => {
  const store = memoryStore();
  const order = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 10_000);
  for (let i = 0; i < order.length; i += 500) {
    await store.submit(order.slice(i, i + 500).map((n) => put(["k", n])), []);
  }
  const from = systemClock.monotonic();
  let count = 0;
  for await (const { key } of store.list(["k"])) assertEquals(key[1], count++);
  assertEquals(count, 10_000);
  const ms = systemClock.monotonic() - from;
  if (ms > 1000) throw new Error(`10,000 keys took ${ms} ms`);
  await store.close();
});
