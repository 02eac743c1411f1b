import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Stride } from "../../../../engine/work/lanes/stride.ts";

interface Weighted {
  name: string;
  weight: number;
}

function turns(stride: Stride, lanes: Weighted[], count: number): Record<string, number> {
  const had: Record<string, number> = Object.fromEntries(lanes.map(({ name }) => [name, 0]));
  for (let i = 0; i < count; i++) had[stride.next(lanes).name]!++;
  return had;
}

Deno.test("EN-1302 over 1,000 turns each lane has its share by weight within one turn of a lane", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(weights, (given) => {
    const lanes = given.map((weight, i) => ({ name: `l${i}`, weight }));
    const all = given.reduce((a, b) => a + b, 0);
    const had = turns(new Stride(), lanes, 1000);
    for (const { name, weight } of lanes) {
      assert(Math.abs(had[name]! - 1000 * weight / all) <= lanes.length, JSON.stringify(had));
    }
  }));
});

Deno.test("EN-1302 a lane that was idle has saved nothing", () => {
  const stride = new Stride();
  const [a, b] = [{ name: "a", weight: 1 }, { name: "b", weight: 1 }];
  turns(stride, [a, b], 2);
  turns(stride, [a], 500);
  const had = turns(stride, [a, b], 100);
  assert(had.b! <= 51, JSON.stringify(had));
});

Deno.test("EN-1302 a lane that has run ahead gains nothing by being idle for a moment", () => {
  const stride = new Stride();
  const [heavy, light] = [{ name: "heavy", weight: 10 }, { name: "light", weight: 1 }];
  const lanes = [heavy, light];
  const had = { heavy: 0, light: 0 };
  for (let i = 0; i < 1000; i++) {
    const name = stride.next(lanes).name as keyof typeof had;
    had[name]++;
    // The light one is empty for a turn after each of its own.
    if (name === "light") had[stride.next([heavy]).name as keyof typeof had]++;
  }
  assert(had.light <= (had.light + had.heavy) / 11 + 1, JSON.stringify(had));
});

Deno.test("a lane whose weight changes has its new share from then on", () => {
  const stride = new Stride();
  turns(stride, [{ name: "a", weight: 1 }, { name: "b", weight: 1 }], 100);
  assertEquals(turns(stride, [{ name: "a", weight: 3 }, { name: "b", weight: 1 }], 400).a! >= 298, true);
});
