/** The sample notebooks are tutorials and fixtures at once: each must read, round-trip, plan and run without a problem. */
import { assert, assertEquals } from "@std/assert";
import { openWorkspace } from "../engine/access/open_workspace.ts";
import { systemClock as clock } from "../engine/base/clock.ts";
import { sha256 } from "../engine/base/hash.ts";
import { systemIds } from "../engine/base/ids.ts";
import { isObject, type Json, type JsonObject } from "../engine/base/json.ts";
import { noLog as log } from "../engine/base/log.ts";
import { buildGraph } from "../engine/graph/graph.ts";
import { agentKind } from "../engine/kinds/agent.ts";
import { httpProblems } from "../engine/kinds/http/needs.ts";
import { inputKind } from "../engine/kinds/input.ts";
import { jsonataKind } from "../engine/kinds/jsonata.ts";
import type { Kind } from "../engine/kinds/kind.ts";
import { callProblems } from "../engine/kinds/tool/call.ts";
import { tsKind } from "../engine/kinds/ts.ts";
import { createEngine } from "../engine/mod.ts";
import { createModels } from "../engine/models/registry.ts";
import { parse } from "../engine/notebook/parse.ts";
import { serialize } from "../engine/notebook/serialize.ts";
import { cellsOf } from "../engine/notebook/types.ts";
import { makePlan } from "../engine/plan/plan.ts";
import { renderChart } from "../engine/sandbox/chart.ts";
import { createEvaluator } from "../engine/sandbox/evaluator.ts";
import { memoryStore } from "../engine/store/memory.ts";

const ROOT = new URL("../", import.meta.url);
const FOLDER = new URL("notebooks/", ROOT);
/** Kinds that run without a key. */
const CHECKS: Record<string, Pick<Kind, "check">> = {
  http: { check: httpProblems },
  tool: { check: callProblems },
};
const KINDS = ["agent", "approval", "http", "input", "jsonata", "notebook", "tool", "ts", "wait"];

const names: string[] = [];
for await (const entry of Deno.readDir(FOLDER)) if (entry.name.endsWith(".md")) names.push(entry.name);

/** Everything that a test looks at, of one text. */
function opened(text: string) {
  const { notebook, problems } = parse(text);
  const built = buildGraph(notebook);
  const params: JsonObject = {};
  for (const param of notebook.frontMatter.params) params[param.name] = param.default ?? null;
  const planned = makePlan({
    graph: built.graph,
    notebook,
    version: sha256(text),
    params,
    kinds: (name) => KINDS.includes(name) ? { attempts: 1, ...CHECKS[name] } : undefined,
    problems: [...problems, ...built.problems],
  });
  return { notebook, graph: built.graph, problems: [...problems, ...built.problems], planned };
}

Deno.test("there are sample notebooks, numbered from 01 without a gap", () => {
  assertEquals(names.sort().map((name) => Number(name.slice(0, 2))), names.map((_, at) => at + 1));
  assert(names.length >= 4);
});

for (const name of names.sort()) {
  const text = await Deno.readTextFile(new URL(name, FOLDER));

  Deno.test(`${name} has no problem and comes back byte for byte`, () => {
    const { notebook, problems } = opened(text);
    assertEquals(problems, []);
    assertEquals(serialize(notebook), text);
    assert(notebook.title !== "" && cellsOf(notebook).length > 1);
  });

  Deno.test(`${name} can be planned: every cell runs, and the last one last`, () => {
    const { notebook, planned } = opened(text);
    assertEquals(planned.problems, []);
    const steps = planned.plan!.steps.map(({ cell }) => cell);
    assertEquals([...steps].sort(), cellsOf(notebook).map((cell) => cell.name).sort());
    assertEquals(steps.at(-1), cellsOf(notebook).at(-1)!.name);
    assert(planned.plan!.steps.every(({ action }) => action === "run"));
  });

  Deno.test(`${name} is one data flow: the last cell rests on every other`, () => {
    const { graph } = opened(text);
    const reached = new Set([graph.nodes.at(-1)!.name]);
    for (const at of reached) for (const edge of graph.into.get(at) ?? []) reached.add(edge.source);
    const loose = graph.nodes.map((node) => node.name).filter((node) => !reached.has(node));
    // A chart is for the reader and feeds nothing.
    assertEquals(loose, loose.filter((node) => node === "chart"));
  });

  Deno.test(`SE-1506 ${name} needs no key, network or grant, and its files are there`, async () => {
    const { notebook } = opened(text);
    const { data, params } = notebook.frontMatter;
    const usual = isObject(data.defaults) ? data.defaults.model : undefined;
    const files = params.filter(({ type }) => type === "file").map((param) => param.default);
    for (const { kind, header } of cellsOf(notebook)) {
      assert(
        KINDS.includes(kind) && kind !== "tool" && header.needs === undefined && header.tools === undefined,
      );
      if (kind === "agent") assertEquals(header.model ?? usual, "local/extract");
      if (header.file !== undefined) files.push(header.file);
    }
    for (const file of files) assert((await Deno.stat(new URL(String(file), ROOT))).isFile);
  });
}

/** Runs a sample on the real kinds with no variable set, so with no key, and gives every value by cell. */
async function ran(name: string, params: JsonObject = {}): Promise<Record<string, Json>> {
  const text = await Deno.readTextFile(new URL(name, FOLDER));
  const workspace = await openWorkspace({ root: ROOT.pathname, notebooks: FOLDER.pathname });
  const evaluator = createEvaluator({ clock, log });
  const models = createModels({ env: () => undefined });
  const kinds = [
    agentKind({ models, evaluator }),
    inputKind({ workspace }),
    jsonataKind({ evaluator }),
    tsKind(),
  ];
  const engine = await createEngine({
    store: memoryStore(),
    kinds: new Map(kinds.map((kind) => [kind.name, kind])),
    workspace,
    clock,
    ids: systemIds(clock),
    log,
    worker: "samples",
  });
  try {
    const { run } = await engine.submit({ notebook: name, text, params, author: "test" });
    for await (const group of engine.follow(run, { signal: AbortSignal.timeout(60_000) })) {
      if (group.end) break;
    }
    const view = await engine.view(run);
    const values: Record<string, Json> = {};
    for (const [cell, { label, problem }] of Object.entries(view.cells)) {
      assertEquals([cell, label, problem], [cell, "succeeded", undefined]);
      values[cell] = await engine.value(run, cell);
    }
    assertEquals(view.label, "succeeded");
    return values;
  } finally {
    await engine.close();
    await evaluator.close();
  }
}

Deno.test("01-hello.md runs: the last cell draws on all but the first and on a param", async () => {
  const { hello, size, woven, gist } = await ran("01-hello.md", { name: "Ada" });
  assertEquals(size, { words: 93, sentences: 6 });
  assertEquals(woven, ["thread", "cloth", "pattern"]);
  assertEquals(
    hello,
    `Hello, Ada. These 93 words in 6 sentences are about thread, cloth and pattern. In short: ${gist}`,
  );
});

Deno.test("02-digest.md runs: every quotation stands in the document it is put under", async () => {
  const { digest, merged } = await ran("02-digest.md", { points: 2 });
  const claims = merged as { claim: string; source: string }[];
  for (const { claim, source } of claims) {
    const document = await Deno.readTextFile(new URL(source, ROOT));
    assert(document.replace(/\s+/g, " ").includes(claim), `${source} does not say: ${claim}`);
    assert((digest as { text: string }).text.includes(`> ${claim}`));
  }
  const read = [...Deno.readDirSync(new URL("docs/", ROOT))].filter((entry) => entry.name.endsWith(".md"));
  assertEquals(new Set(claims.map(({ source }) => source)).size, read.length);
});

Deno.test("03-data.md runs: figures as computed elsewhere, and a chart that can be drawn", async () => {
  const { trend, chart, report } = await ran("03-data.md");
  const { rise, ppmPerYear, decades } = trend as {
    rise: number;
    ppmPerYear: number;
    decades: { ppmPerYear: number }[];
  };
  // By another least-squares routine, on the same file.
  assertEquals([rise, ppmPerYear], [111.37, 1.67]);
  assertEquals(decades.map((ten) => ten.ppmPerYear), [0.81, 1.24, 1.61, 1.58, 2.04, 2.43]);
  assert((report as string).startsWith("From 1959 to 2025 the annual mean at Mauna Loa rose by 111.37 ppm"));
  const drawn = await renderChart(chart!, { theme: "light" });
  assert(drawn.ok && drawn.svg.includes("Carbon dioxide at Mauna Loa"));
});

Deno.test("04-three-roles.md runs: what the coder puts in rows stands word for word in the paper", async () => {
  const { result } = await ran("04-three-roles.md", { paper: "docs/security.md" });
  const { paper, rows, "word for word": exact, sentences } = result as Record<string, Json>;
  assertEquals([paper, rows, exact], ["docs/security.md", 8, 8]);
  const text = (await Deno.readTextFile(new URL("docs/security.md", ROOT))).replace(/\s+/g, " ");
  const found = sentences as { at: string; sentence: string }[];
  const places = found.map(({ sentence }) => text.indexOf(sentence));
  assertEquals(places, places.toSorted((a, b) => a - b));
  assertEquals(found.map(({ at }) => parseInt(at)), places.map((at) => Math.round(100 * at / text.length)));
});

for (const path of ["README.md", "docs/notebook.md"]) {
  Deno.test(`every notebook shown in ${path} has no problem and can be planned`, async () => {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    const shown = [...text.matchAll(/^````md\n([\s\S]*?)^````$/gm)].map((match) => opened(match[1]!));
    assert(shown.length > 0);
    for (const { problems, planned } of shown) {
      assertEquals(problems, []);
      assert(planned.plan!.steps.length > 0);
    }
  });
}

Deno.test("the tests above can fail: a damaged sample has problems and no plan", () => {
  const damaged = opened("```jsonata a\nb +\n```\n\n```agnet c\n{{ a }}\n```\n");
  assert(damaged.problems.length > 1);
  assertEquals(damaged.planned.plan, undefined);
});
