/**
 * What a value costs on its way between cells. Owns: the values, and the baseline beside each figure. Each workload and
 * its baseline take turns in one process.
 */
import jsonata from "jsonata";
import { artifacts } from "../engine/artifacts/artifacts.ts";
import { systemClock } from "../engine/base/clock.ts";
import type { Json, JsonObject } from "../engine/base/json.ts";
import { noLog } from "../engine/base/log.ts";
import { createEvaluator, type Evaluator } from "../engine/sandbox/evaluator.ts";
import { memoryStore } from "../engine/store/memory.ts";
import { deliver } from "../engine/work/attempt/edges/deliver.ts";
import type { Evaluate } from "../engine/work/attempt/edges/transform.ts";
import { type BenchRow, inTurns } from "./measure.ts";

const ROUNDS = 7;
const CONTRACT: JsonObject = {
  transform: [{ type: "filter", predicate: "price > 100" }, { type: "map", mapper: "name" }],
  validate: [{ type: "custom", expression: "$count($) > 0" }, { type: "size", maxBytes: 10_000_000 }],
};

/** A list of small objects of about so many bytes of JSON. */
function itemsOf(bytes: number): Json[] {
  const one = (i: number) => ({ name: `item ${i}`, price: i * 37 % 200 });
  return Array.from({ length: Math.round(bytes / JSON.stringify(one(10_000)).length) }, (_, i) => one(i));
}

/** Rows of this benchmark. */
export async function run(): Promise<BenchRow[]> {
  const evaluator = createEvaluator({ clock: systemClock, log: noLog });
  const folder = await Deno.makeTempDir({ prefix: "weft-bench-" });
  try {
    return [
      ...await edge(evaluator, "1KB", itemsOf(1024), 50),
      ...await edge(evaluator, "1MB", itemsOf(1024 * 1024), 1),
      ...await expressions(evaluator),
      ...await files(folder),
    ];
  } finally {
    await evaluator.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function evaluateWith(evaluator: Evaluator): Evaluate {
  const { signal } = new AbortController();
  return (expression, value, each = false) =>
    evaluator.evaluate({ expression, input: value ?? null, each, now: 0, seed: "bench", signal });
}

async function edge(evaluator: Evaluator, size: string, value: Json[], times: number): Promise<BenchRow[]> {
  const evaluate = evaluateWith(evaluator);
  const filter = jsonata("[$[price > 100].name]");
  const check = jsonata("$count($) > 0");
  return await inTurns({
    name: `edge_${size}_bare`,
    what: `${times} times in this process: jsonata over a list of ${value.length} items, and its JSON once`,
    run: async () => {
      for (let i = 0; i < times; i++) {
        const names = await filter.evaluate(value);
        if (await check.evaluate(names) !== true || JSON.stringify(names).length < 1) {
          throw new Error("empty");
        }
      }
    },
  }, [{
    name: `edge_${size}`,
    what: `${times} times: filter, map, a custom check and a size check, in the evaluator`,
    run: async () => {
      for (let i = 0; i < times; i++) {
        const found = await deliver({ name: "i", contract: CONTRACT, type: "json", value, evaluate });
        if (!found.ok) throw new Error(found.problem.message);
      }
    },
  }], ROUNDS);
}

async function expressions(evaluator: Evaluator): Promise<BenchRow[]> {
  const evaluate = evaluateWith(evaluator);
  const input = { items: itemsOf(1024) };
  const text = "$sum(items[price > 100].price)";
  const times = 500;
  return await inTurns({
    name: "expression_bare",
    what: `${times} times jsonata in this process, compiled once`,
    run: async () => {
      const compiled = jsonata(text);
      for (let i = 0; i < times; i++) await compiled.evaluate(input);
    },
  }, [{
    name: "expression",
    what: `${times} times in the evaluator, one after another`,
    run: async () => {
      for (let i = 0; i < times; i++) if (!(await evaluate(text, input)).ok) throw new Error("not evaluated");
    },
  }, {
    name: "expression_parallel",
    what: `${times} times in the evaluator, all at once`,
    run: async () => {
      const all = await Promise.all(Array.from({ length: times }, () => evaluate(text, input)));
      if (all.some(({ ok }) => !ok)) throw new Error("not evaluated");
    },
  }], ROUNDS);
}

async function files(folder: string): Promise<BenchRow[]> {
  const kept = artifacts({ store: memoryStore(), folder });
  let round = 0;
  // Above 1 MB, so that it is a file; different each time, so that no hash is known already.
  const value = () => [round++, "x".repeat(2 * 1024 * 1024)];
  return await inTurns({
    name: "artifact_2MB_plain",
    what: "JSON of 2 MB to a file and back",
    run: async () => {
      const path = `${folder}/plain`;
      await Deno.writeTextFile(path, JSON.stringify(value()));
      return JSON.parse(await Deno.readTextFile(path));
    },
  }, [{
    name: "artifact_2MB",
    what: "the same value put into the artifacts and read again",
    run: async () => await kept.get(await kept.put(value())),
  }], ROUNDS);
}
