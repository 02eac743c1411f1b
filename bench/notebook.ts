/**
 * From the text of a notebook of 10,000 cells to its plan. Owns: that notebook, and the baseline beside it.
 *
 * The baseline is what nobody could save: reading the same text once as Markdown (`marked.lexer`), and a JSON document
 * of its length once (`JSON.parse`). Every cell's text is different, so that no cache answers for another.
 */
import { marked } from "marked";
import { clearCache } from "../engine/expr/expression.ts";
import { buildGraph } from "../engine/graph/graph.ts";
import { runOrder } from "../engine/graph/order.ts";
import { parse } from "../engine/notebook/parse.ts";
import { makePlan } from "../engine/plan/plan.ts";
import type { History, Plan } from "../engine/plan/types.ts";
import { type BenchRow, inTurns } from "./measure.ts";

/** Cells of the notebook. */
const CELLS = 10_000;

/** Cell `i`, which reads the one before it and another far above, in the way of its kind. */
function cellText(i: number): string {
  const before = i === 0 ? "topic" : `cell_${i - 1}`;
  const far = i < 50 ? "topic" : `cell_${i - 50}`;
  const texts = [
    `\`\`\`agent cell_${i}\nrole: researcher\nretry: { attempts: 3, initial: 1s }\n` +
    `outputs: { claims: { type: json } }\n---\n` +
    `List what number ${i} says about {{ topic }}:\n\n{{ ${before} }}\n\n{{ $string(${far}) }}\n\`\`\``,
    `\`\`\`jsonata cell_${i}\n[${before}.claims[confidence > 0.${i}].{ "text": text, "rank": $round(confidence * ${i}) }]\n\`\`\``,
    `\`\`\`ts cell_${i}\nconst top: number[] = ${before}.map((c: Claim) => c.rank * ${i});\n` +
    `const far = ${far} ?? null;\nreturn { best: Math.max(0, ...top), far };\n\`\`\``,
    `\`\`\`jsonata cell_${i}\nafter: [${i < 4 ? "" : `cell_${i - 4}`}]\n---\n` +
    `($all := [${before}, ${far}]; $count($all[$ != null]) > ${i} ? $all[0] : { "n": ${i} })\n\`\`\``,
  ];
  return texts[i % 4]!;
}

/** The text of the notebook, with a line of prose between cells. */
export function largeNotebook(cells: number): string {
  const body = Array.from({ length: cells }, (_, i) => `Step ${i} follows.\n\n${cellText(i)}\n`);
  return `---\nweft: 1\ntitle: Large\nparams:\n  topic: { type: string, default: x }\n---\n\n${
    body.join("\n")
  }`;
}

/** A JSON document at least as long as the text. */
function jsonOfLength(length: number): string {
  const item = { claims: [{ text: "a line of text", confidence: 0.8, rank: 3 }], far: null };
  const count = Math.ceil(length / (JSON.stringify(item).length + 1));
  return JSON.stringify(Array.from({ length: count }, () => item));
}

/** Rows of this benchmark. */
export function run(): Promise<BenchRow[]> {
  const text = largeNotebook(CELLS);
  const json = jsonOfLength(text.length);
  const kinds = () => ({ attempts: 1 });
  const { notebook, problems } = parse(text);
  const { graph, problems: more } = buildGraph(notebook);
  if (graph.nodes.length !== CELLS || problems.length + more.length > 0) {
    throw new Error(`The notebook is not as meant: ${[...problems, ...more][0]?.message}`);
  }
  const planOf = (history?: History, cells?: string[]): Plan =>
    makePlan({ graph, notebook, version: "", params: { topic: "x" }, kinds, history, cells }).plan!;
  const history = Object.fromEntries(
    planOf().steps.map((
      { cell, fingerprint },
    ) => [cell, { run: "r", fingerprint, value: { inline: 1 }, at: 1 }]),
  );
  const whole = () => {
    clearCache();
    const parsed = parse(text);
    const built = buildGraph(parsed.notebook);
    return makePlan({ ...built, notebook: parsed.notebook, version: "", params: { topic: "x" }, kinds });
  };
  return inTurns(
    {
      name: "read",
      what: `marked.lexer over the ${text.length} characters and JSON.parse of as many`,
      run: () => [marked.lexer(text), JSON.parse(json)],
    },
    [
      { name: "parse+graph+plan", what: `text to plan, ${CELLS} mixed cells`, run: whole },
      { name: "parse", what: "text to notebook", run: () => parse(text) },
      { name: "graph", what: "notebook to graph", run: () => (clearCache(), buildGraph(notebook)) },
      { name: "plan", what: "graph to plan of all cells", run: () => planOf() },
      {
        name: "plan-reuse",
        what: "graph to plan of the last cell, all others fresh",
        run: () => planOf(history, [`cell_${CELLS - 1}`]),
      },
      { name: "order", what: "graph to run order", run: () => runOrder(graph) },
    ],
  );
}
