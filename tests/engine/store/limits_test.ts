import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { assertWithin, DENO_KV_LIMITS, LIMITS, measure } from "../../../engine/store/limits.ts";
import { packKey } from "../../../engine/store/pack_key.ts";

const bytes = (size: number) => new Uint8Array(size);
const wide = (size: number, i = 0) => [i, "x".repeat(size - packKey([i, ""]).length)];

/** What each figure says of Deno KV, as an operation that uses `amount` of it. */
const RAW: [string, number, number, (kv: Deno.Kv, amount: number) => Promise<unknown>][] = [
  ["valueBytes", DENO_KV_LIMITS.valueBytes, 1, (kv, n) => kv.set(["v"], bytes(n))],
  ["oneKeyBytes", DENO_KV_LIMITS.oneKeyBytes, 1, (kv, n) => kv.set(wide(n), bytes(0))],
  ["mutations", DENO_KV_LIMITS.mutations, 1, (kv, n) => {
    const atomic = kv.atomic();
    for (let i = 0; i < n; i++) atomic.set([i], bytes(0));
    return atomic.commit();
  }],
  ["keyBytes", DENO_KV_LIMITS.keyBytes, 40, (kv, n) => {
    const atomic = kv.atomic();
    for (let i = 0; i < 40; i++) atomic.set(wide(n / 40, i), bytes(0));
    return atomic.commit();
  }],
];

for (const [name, limit, step, write] of RAW) {
  Deno.test(`C4 Deno KV takes ${name} of ${limit} and no more`, async () => {
    const kv = await Deno.openKv(":memory:");
    try {
      await write(kv, limit);
      await assertRejects(() => write(kv, limit + step), TypeError, "(max ");
    } finally {
      kv.close();
    }
  });
}

Deno.test("C4 EN-106 Deno KV refuses what is over commitBytes and takes what the engine plans for", async () => {
  const kv = await Deno.openKv(":memory:");
  const write = (total: number) => {
    const atomic = kv.atomic();
    for (let i = 0; i * LIMITS.valueBytes < total; i++) {
      atomic.set([i], bytes(Math.min(LIMITS.valueBytes, total - i * LIMITS.valueBytes)));
    }
    return atomic.commit();
  };
  await assertRejects(() => write(DENO_KV_LIMITS.commitBytes + 1), TypeError, "(max ");
  await write(LIMITS.commitBytes);
  kv.close();
});

Deno.test("every planned limit leaves room for a session's record", () => {
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    assert(LIMITS[name] < DENO_KV_LIMITS[name], name);
  }
  assertEquals(LIMITS.checks + 1, DENO_KV_LIMITS.checks);
});

Deno.test("sizes of operations add up", () => {
  const puts = [{ key: ["a", 1], value: bytes(5) }, { key: ["bb", 20], value: bytes(0) }];
  const whole = measure({ checks: [{ key: ["c"], version: null }], puts, deletes: [["d"]] });
  assertEquals(whole, { keyBytes: 12 + 13 + 3 + 3, mutations: 3, checks: 1, commitBytes: 31 + 5 });
  const parts = puts.map((put) => measure({ puts: [put] }).commitBytes);
  assertEquals(measure({ puts }).commitBytes, parts[0]! + parts[1]!);
});

Deno.test("EN-2401 the refusal names limit, value and place", () => {
  const puts = [{ key: ["run", "r1"], value: bytes(60_001) }];
  assertThrows(
    () => assertWithin({ puts }),
    RangeError,
    'An operation is over valueBytes, which is 60000 at ["run","r1"]: 60001',
  );
});
