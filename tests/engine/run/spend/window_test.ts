/** The sliding window and slots of a quota. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { freeAt } from "../../../../engine/run/spend/window.ts";

Deno.test("EN-1201 slots and window: what each says", () => {
  const both = { windowMs: 1000, max: 2, maxConcurrent: 3 };
  const use = (begun: number[], holders = 0, ahead = 0) => ({ now: 1500, begun, holders, ahead });
  assertEquals(freeAt({ maxConcurrent: 1 }, use([])), undefined);
  assertEquals(freeAt({ maxConcurrent: 1 }, use([], 1)), Infinity);
  assertEquals(freeAt({ maxConcurrent: 3 }, use([], 1, 2)), Infinity);
  assertEquals(freeAt(both, use([600])), undefined);
  assertEquals(freeAt(both, use([600], 3)), Infinity);
  assertEquals(freeAt(both, use([600, 1400])), 1600);
  assertEquals(freeAt(both, use([600, 1400], 0, 1)), 2400);
  assertEquals(freeAt(both, use([600, 1400], 0, 2)), 2600);
});

Deno.test("P16 EN-1203 whoever asks again when it was told passes the limit never, and each in its turn", () => {
  const times = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(fc.property(times, fc.integer({ min: 1, max: 5 }), (arrivals, max) => {
    const rule = { windowMs: 500, max };
    const began: number[] = [];
    const order: number[] = [];
    const queue = arrivals.toSorted((a, b) => a - b).map((since, id) => ({ since, id, ask: since }));
    while (queue.length > 0) {
      const next = queue.reduce((a, b) => b.ask < a.ask || b.ask === a.ask && b.id < a.id ? b : a);
      const now = next.ask;
      const begun = began.filter((at) => at > now - 500).slice(-max);
      const ahead = queue.filter(({ id, since }) => id < next.id && since <= now).length;
      const at = freeAt(rule, { now, begun, holders: 0, ahead });
      if (at === undefined) {
        began.push(now);
        order.push(next.id);
        queue.splice(queue.indexOf(next), 1);
      } else {
        assert(at > now, `told to ask at ${at}, which is ${now}`);
        next.ask = at;
      }
    }
    for (const at of began) assert(began.filter((other) => other > at - 500 && other <= at).length <= max);
    assertEquals(order, order.toSorted((a, b) => a - b));
  }));
});
