import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../../engine/base/json.ts";
import { buildGraph } from "../../../engine/graph/graph.ts";
import { makePlan, type PlanInput } from "../../../engine/plan/plan.ts";
import type { History, Need, Plan } from "../../../engine/plan/types.ts";
import { notebookOf, type ShortCell } from "../graph/notebook_of.ts";

const KINDS = ["agent", "jsonata", "ts", "input"];

type Request = Partial<Omit<PlanInput, "graph" | "notebook" | "version">> & {
  front?: Parameters<typeof notebookOf>[1];
};

function planOf(cells: Record<string, ShortCell>, { front, ...request }: Request = {}) {
  const notebook = notebookOf(cells, front);
  const { graph, problems } = buildGraph(notebook);
  const kinds = (name: string) => KINDS.includes(name) ? { attempts: name === "agent" ? 3 : 1 } : undefined;
  return makePlan({ graph, notebook, version: "v", params: {}, kinds, problems, ...request });
}

/** What a run of the whole plan would leave behind. */
function historyOf(plan: Plan | undefined, run = "run_1"): History {
  return Object.fromEntries(
    plan!.steps.map(({ cell, fingerprint }) => [cell, { run, fingerprint, value: { inline: cell }, at: 1 }]),
  );
}

/** Steps in short: `cell: why`. */
function words(plan: Plan | undefined): string[] {
  return plan!.steps.map(({ cell, why }) => `${cell}: ${why}`);
}

const CHAIN = { best: "jsonata: strong", strong: "jsonata: scout", scout: "agent: x", other: "jsonata: 1" };

Deno.test("EN-206 without targets every cell runs, in run order", () => {
  const { plan, problems } = planOf(CHAIN);
  assertEquals(problems, []);
  assertEquals(words(plan), ["scout: not run", "strong: not run", "best: not run", "other: not run"]);
  assertEquals(plan!.steps.every(({ action }) => action === "run"), true);
  assertEquals(words(planOf(CHAIN, { history: historyOf(plan) }).plan)[0], "scout: run again");
});

Deno.test("EN-206 targets bring what they need, reused where fresh, and always run themselves", () => {
  const history = historyOf(planOf(CHAIN).plan);
  const { plan } = planOf(CHAIN, { cells: ["best"], history });
  assertEquals(words(plan), [
    "scout: fresh from run run_1",
    "strong: fresh from run run_1",
    "best: asked for",
  ]);
  assertEquals(plan!.steps[0]!.reuse, { run: "run_1", value: { inline: "scout" } });
  assertEquals(words(planOf(CHAIN, { cells: ["strong"] }).plan), ["scout: not run", "strong: asked for"]);
});

Deno.test("EN-206 a value that no longer holds is not reused, and the plan says why", () => {
  const front = (topic: string) => ({ params: { topic } });
  const cells = { a: "agent: {{ topic }}", b: "jsonata: a", c: "jsonata: b" };
  const history = historyOf(planOf(cells, { front: front("x") }).plan);
  const edited = { ...cells, b: "jsonata: a & ''" };
  assertEquals(words(planOf(edited, { front: front("x"), cells: ["c"], history }).plan), [
    "a: fresh from run run_1",
    "b: code edited",
    "c: asked for",
  ]);
  assertEquals(words(planOf(cells, { front: front("y"), cells: ["c"], history }).plan), [
    "a: param topic changed",
    "b: a is stale",
    "c: asked for",
  ]);
});

Deno.test("D2 nothing is reused that reads what runs", () => {
  const history = historyOf(planOf(CHAIN).plan);
  assertEquals(words(planOf(CHAIN, { cells: ["scout", "best"], history }).plan), [
    "scout: asked for",
    "strong: scout runs again",
    "best: asked for",
  ]);
});

Deno.test("DF-303 a cell that uses $now, or says cache: false, is never reused", () => {
  const cells = {
    a: "jsonata: $now()",
    b: { source: "1", header: { cache: false } },
    c: "jsonata: [a, b]",
  };
  const history = historyOf(planOf(cells).plan);
  assertEquals(words(planOf(cells, { cells: ["c"], history }).plan), [
    "a: uses $now",
    "b: cache is off",
    "c: asked for",
  ]);
});

Deno.test("EN-802 edges between two cells are one need, the strongest", () => {
  const a = { a: "jsonata: 1" };
  const optional = { x: { from: "a", required: false } };
  const table: [ShortCell, Need["mode"]][] = [
    ["jsonata: a", "value"],
    [{ source: "x", header: { inputs: optional } }, "optional"],
    [{ header: { after: "a" } }, "after"],
    [{ header: { after: "a?" } }, "any"],
    [{ source: "a + x", header: { inputs: optional, after: "a?" } }, "value"],
    [{ source: "x", header: { inputs: optional, after: "a" } }, "optional"],
    [{ header: { after: ["a?", "a"] } }, "after"],
  ];
  for (const [b, mode] of table) {
    const { plan } = planOf({ ...a, b });
    assertEquals(plan!.steps[1]!.needs, [{ cell: "a", mode }], JSON.stringify(b));
  }
});

Deno.test("EN-204 what cannot run refuses the run and names the place", () => {
  const table: [string, Record<string, ShortCell>, string[] | undefined, string[]][] = [
    ["kind", { a: "http: GET x" }, undefined, [
      "kind_unknown: Cell kind 'http' of 'a' cannot run in this version (10)",
    ]],
    ["invalid", { a: { kind: "invalid" } }, undefined, ["cell_invalid: Cell 'a' is not valid (10)"]],
    [
      "cycle",
      { a: "jsonata: b", b: "jsonata: a", c: "jsonata: b" },
      ["c"],
      ["cycle_found: Cells form a cycle: a → b → a (10)"],
    ],
    ["unknown", { scout: "jsonata: 1" }, ["scot"], [
      "cell_unknown: No cell is named 'scot'. Did you mean 'scout'? (1)",
    ]],
    ["bypassed", { a: { flags: ["bypassed"] } }, undefined, [
      "flag_unavailable: Cell 'a' is bypassed; bypassed is not available yet (10)",
    ]],
    ["names", { a: "jsonata: nobody" }, undefined, [
      "name_unknown: No cell or param is named 'nobody' (11)",
    ]],
    ["upstream", { a: { kind: "invalid" }, b: "jsonata: a" }, ["b"], [
      "cell_invalid: Cell 'a' is not valid (10)",
    ]],
  ];
  for (const [name, cells, targets, expected] of table) {
    const { plan, problems } = planOf(cells, { cells: targets });
    assertEquals(plan, undefined, name);
    const found = problems.map(({ code, message, line }) => `${code}: ${message} (${line})`);
    assertEquals(found, expected, name);
  }
});

Deno.test("EN-204 what is wrong elsewhere does not refuse a run of other cells", () => {
  const cells: Record<string, ShortCell> = {
    good: "jsonata: 1",
    kind: "http: x",
    invalid: { kind: "invalid" },
    name: "jsonata: nobody",
    a: "jsonata: b",
    b: "jsonata: a",
    bypassed: { flags: ["bypassed"] },
  };
  const { plan, problems } = planOf(cells, { cells: ["good"] });
  assertEquals([words(plan), problems], [["good: asked for"], []]);
});

Deno.test("EN-204 what stands behind a cycle cannot run, also where the cycle is disabled", () => {
  const cells: Record<string, ShortCell> = {
    a: { source: "b", flags: ["disabled"] },
    b: "jsonata: a",
    c: { source: "1", header: { after: "b" } },
  };
  assertEquals(planOf(cells, { cells: ["c"] }).problems.map(({ message }) => message), [
    "Cells form a cycle: a → b → a",
  ]);
});

Deno.test("EN-204 problems that were known come back as the same objects, none twice", () => {
  const notebook = notebookOf({ a: "jsonata: b & nobody", b: "jsonata: a" });
  const { graph, problems } = buildGraph(notebook);
  const kinds = () => ({ attempts: 1 });
  const planned = makePlan({ graph, notebook, version: "v", params: {}, kinds, problems });
  assertEquals(planned.problems.map((problem) => problems.indexOf(problem)), [0, 1]);
});

Deno.test("EN-204 an error of the notebook as a whole refuses every run, a warning none", () => {
  const problem = { code: "x", type: "config", message: "m", line: 1, column: 1 } as const;
  const run = (severity: "error" | "warning") =>
    planOf({ a: "jsonata: 1" }, { problems: [{ ...problem, severity }] }).plan !== undefined;
  assertEquals([run("error"), run("warning")], [false, true]);
});

Deno.test("ST-205 disabled cells, and cells that need their value, do not run and are told", () => {
  const cells: Record<string, ShortCell> = {
    scout: { source: "1", flags: ["disabled"] },
    strong: "jsonata: scout",
    best: "jsonata: strong",
    spare: { source: "x", header: { inputs: { x: { from: "scout", required: false } } } },
    later: { source: "1", header: { after: "strong" } },
    free: "jsonata: 1",
  };
  const { plan } = planOf(cells);
  assertEquals(words(plan), ["spare: not run", "later: not run", "free: not run"]);
  assertEquals(plan!.steps.map(({ needs }) => needs), [[], [], []]);
  assertEquals(plan!.skipped, [
    { cell: "scout", why: "disabled" },
    { cell: "strong", why: "disabled by scout" },
    { cell: "best", why: "disabled by scout" },
  ]);
  assertEquals(planOf(cells, { cells: ["best"] }).plan!.skipped, [{
    cell: "best",
    why: "disabled by scout",
  }]);
  assertEquals(planOf({ free: "jsonata: 1" }).plan!.skipped, undefined);
});

Deno.test("DF-121 policies come from the cell, the front matter and the kind", () => {
  const cells = { a: "agent: x", b: { source: "1", header: { retry: { attempts: 2 }, timeout: "1s" } } };
  const { plan } = planOf(cells, { front: { data: { concurrency: 2, errors: "continue" } } });
  assertEquals(plan!.concurrency, 2);
  assertEquals(plan!.steps.map(({ retry, timeoutMs, errors }) => [retry.attempts, timeoutMs, errors]), [
    [3, 300_000, "continue"],
    [2, 1000, "continue"],
  ]);
  for (const concurrency of [undefined, 0, 1.5, "8"]) {
    const data = (concurrency === undefined ? {} : { concurrency }) as JsonObject;
    assertEquals(planOf(cells, { front: { data } }).plan!.concurrency, 4);
  }
});

Deno.test("a cell called constructor has no past of its own", () => {
  const { plan } = planOf({ constructor: "jsonata: 1", a: "jsonata: constructor" }, {
    cells: ["a"],
    history: {},
  });
  assertEquals(words(plan), ["constructor: not run", "a: asked for"]);
});

/** Cells whose source begins with `act` act. */
const acting = (name: string) =>
  name === "invalid" ? undefined : {
    attempts: 1,
    undo: ({ source }: { source: string }) =>
      source.startsWith("act")
        ? { type: "irreversible", reason: `It is ${source}` } as const
        : source.startsWith("put")
        ? { type: "idempotent", canRetry: true } as const
        : undefined,
  };

Deno.test("D3 what acts is never reused, nor is what reads it; where a run goes on from one that has done it, it is", () => {
  const cells = { a: "http: put", b: "http: x", c: "jsonata: a", d: "jsonata: c" };
  const history = historyOf(planOf(cells, { kinds: acting }).plan);
  assertEquals(words(planOf(cells, { kinds: acting, history, cells: ["d"] }).plan), [
    "a: acts in every run",
    "c: a runs again",
    "d: asked for",
  ]);
  const goesOn = planOf(cells, { kinds: acting, history, goesOn: "unchanged" }).plan!;
  assertEquals(goesOn.steps.map(({ cell, action }) => `${cell}: ${action}`), [
    "a: reuse",
    "b: reuse",
    "c: reuse",
    "d: reuse",
  ]);
  const changed = planOf({ ...cells, a: "http: put more" }, { kinds: acting, history, goesOn: "unchanged" });
  assertEquals(changed.plan!.steps[0]!.action, "run");
});

Deno.test("EF-027 ST-707 a plan lists what cannot be undone, with the reason, of the cells that run", () => {
  const cells = { a: "http: act", b: "http: put", c: "http: x", d: "http: act again" };
  const list = (more: Parameters<typeof planOf>[1]) =>
    planOf(cells, { kinds: acting, ...more }).problems.map(({ code, severity, cell, message }) =>
      [code, severity, cell, message].join(" | ")
    );
  const said = (name: string, what: string) =>
    `effect_irreversible | warning | ${name} | '${name}' does something that cannot be undone: It is ${what}`;
  assertEquals(list({}), [said("a", "act"), said("d", "act again")]);
  assertEquals(list({ cells: ["d"] }), [said("d", "act again")]);
  assertEquals(list({ given: { a: 1 } }), [said("d", "act again")]);
  const history = historyOf(planOf(cells, { kinds: acting }).plan);
  assertEquals(list({ history, goesOn: "unchanged" }), [], "what is taken over is done");
});

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];
/** Notebooks without cycles: each cell reads some that come after it on the page, in one way or another. */
const notebooks = fc.tuple(...NAMES.map((_, i) =>
  fc.record({
    reads: fc.subarray(NAMES.slice(i + 1)),
    after: fc.subarray(NAMES.slice(i + 1)),
    disabled: fc.boolean().chain((yes) =>
      yes ? fc.boolean().map((twice) => twice && i % 3 === 0) : fc.constant(false)
    ),
    volatile: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  })
)).map((all) =>
  Object.fromEntries(all.map(({ reads, after, disabled, volatile }, i): [string, ShortCell] => [NAMES[i]!, {
    source: `[${[...reads, ...(volatile ? ["$now()"] : [])].join(", ")}]`,
    header: { after },
    flags: disabled ? ["disabled"] : [],
  }]))
);

Deno.test("D1 D2 any plan stands in run order, needs only its own steps, and reuses nothing that reads what runs", () => {
  const request = fc.tuple(notebooks, fc.subarray(NAMES, { minLength: 1 }), fc.subarray(NAMES));
  fc.assert(fc.property(request, ([cells, targets, known]) => {
    const past = historyOf(planOf(cells).plan);
    const history = Object.fromEntries(
      known.filter((name) => name in past).map((name) => [name, past[name]!]),
    );
    const { plan, problems } = planOf(cells, { cells: targets, history });
    assertEquals(problems, []);
    const done = new Map<string, string>();
    for (const { cell, needs, action, reuse } of plan!.steps) {
      for (const need of needs) {
        assert(done.has(need.cell), `${cell} stands after ${need.cell}`);
        if (need.mode === "value" && done.get(need.cell) === "run") assertEquals(action, "run");
      }
      assertEquals(action === "reuse", reuse !== undefined);
      if (targets.includes(cell)) assertEquals(action, "run");
      done.set(cell, action);
    }
    const told = new Set([...done.keys(), ...(plan!.skipped ?? []).map(({ cell }) => cell)]);
    for (const target of targets) assert(told.has(target));
  }));
});

Deno.test("EN-107 10,000 cells are planned", () => {
  const cells = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, i) => [`c${i}`, i === 0 ? "jsonata: 1" : `jsonata: c${i - 1}`]),
  );
  const { plan } = planOf(cells);
  assertEquals(plan!.steps.length, 10_000);
  const again = planOf(cells, { cells: ["c9999"], history: historyOf(plan) }).plan!;
  assertEquals(again.steps.filter(({ action }) => action === "run").length, 1);
});
