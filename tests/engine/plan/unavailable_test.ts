import { assert, assertEquals } from "@std/assert";
import { buildGraph } from "../../../engine/graph/graph.ts";
import { parse } from "../../../engine/notebook/parse.ts";
import { makePlan } from "../../../engine/plan/plan.ts";

const KINDS = ["agent", "http", "jsonata", "ts", "input"];

function planned(text: string, cells?: string[]) {
  const { notebook, problems: parsed } = parse(text);
  const { graph, problems: wired } = buildGraph(notebook);
  return makePlan({
    graph,
    notebook,
    version: "v",
    params: {},
    kinds: (name) => KINDS.includes(name) ? { attempts: 1 } : undefined,
    problems: [...parsed, ...wired],
    ...(cells === undefined ? {} : { cells }),
  });
}

function cellWith(header: string, kind = "ts"): string {
  return `~~~jsonata a\n1\n~~~\n\n~~~${kind} x\ncache: false\n${header}\n---\nreturn 1\n~~~\n`;
}

/** `severity message (line:column)` of the problems that are about unavailable keys. */
function told(text: string, cells?: string[]): string[] {
  return planned(text, cells).problems.filter(({ code }) => code === "key_unavailable").map((problem) =>
    `${problem.severity} ${problem.message} (${problem.line}:${problem.column})`
  );
}

const ERRORS: Record<string, string> = {
  tools: "[read]",
  onTimeout: "a",
  onCancel: "a",
  onFailure: "a",
};

for (const [key, value] of Object.entries(ERRORS)) {
  Deno.test(`EN-114 '${key}' of a cell refuses the run at its place`, () => {
    const text = cellWith(`${key}: ${value}`, key === "tools" ? "agent" : "ts");
    assertEquals(told(text), [
      `error '${key}' of 'x' is not available yet; remove it to run this cell (7:1)`,
    ]);
    assertEquals(planned(text).plan, undefined);
  });
}

Deno.test("EN-114 EF-021 'effect' is for cells that act, and only requests do", () => {
  const effect = "effect: { idempotent: { canRetry: true } }";
  for (const kind of ["ts", "agent"]) {
    assertEquals(told(cellWith(effect, kind)), [
      `error 'effect' of 'x' is for cells that act, and ${kind} cells do not act yet; remove it to run this cell (7:1)`,
    ]);
  }
  assertEquals(told(cellWith(effect, "http")), []);
  assertEquals(told(cellWith('effect: { handler: h, idempotencyKey: "{{ a }}" }', "http")), [
    "warning 'effect.handler' of 'x' has no effect yet: nothing is undone by itself (7:11)",
    "error 'effect.idempotencyKey' of 'x' is not available yet; remove it to run this cell (7:23)",
  ]);
});

Deno.test("EN-114 parts of inputs and outputs that are not checked refuse the run", () => {
  const table: [string, string][] = [
    ["inputs:\n  i:\n    from: a\n    allowPartial: true", "inputs.i.allowPartial"],
    ["inputs: { i: { from: a, allowPartial: true } }", "inputs.i.allowPartial"],
    ["outputs: { o: { type: json, schema: { type: number } } }", "outputs.o.schema"],
  ];
  for (const [header, path] of table) {
    const [problem, ...more] = told(cellWith(header));
    const key = path.split(".").at(-1)!;
    const lines = header.split("\n");
    const at = lines.findIndex((line) => line.includes(`${key}:`));
    assertEquals([problem, more], [
      `error '${path}' of 'x' is not available yet; remove it to run this cell (${7 + at}:${
        lines[at]!.indexOf(key) + 1
      })`,
      [],
    ]);
  }
  assertEquals(told(cellWith("outputs: { o: { type: json, schema: { type: number } } }", "agent")), []);
});

Deno.test("EN-114 EN-1101 limits of a cell that is done for each item would hold for each, and are refused", () => {
  assertEquals(told(cellWith("each: { in: a }\nlimits: { tokens: 1 }")), [
    "error 'limits' of 'x' is not available yet; remove it to run this cell (8:1)",
  ]);
});

Deno.test("EN-114 keys that only cost comfort are warnings, and the run goes on", () => {
  const table: [string, string, string][] = [
    ["streaming: true", "ts", "'streaming' of 'x' has no effect yet"],
    ["stream: { keep: full }", "ts", "'stream' of 'x' has no effect yet"],
    ["readOnly: [a]", "agent", "'readOnly' of 'x' has no effect yet"],
    ["needs: { net: [a.example] }", "ts", "'needs' of 'x' has no effect yet: the cell gets no permission"],
  ];
  for (const [header, kind, message] of table) {
    const text = cellWith(header, kind);
    assertEquals(told(text), [`warning ${message} (7:1)`]);
    assert(planned(text).plan !== undefined, header);
  }
});

Deno.test("EN-114 EN-810 a cell that is a run of another notebook requires nothing itself", () => {
  assertEquals(told("~~~notebook x\nnotebook: a\nrequires: [gpu]\n~~~\n").slice(0, 1), [
    "error 'requires' of 'x' is not available yet; remove it to run this cell (3:1)",
  ]);
});

Deno.test("EN-114 what asks for what happens anyway is no problem", () => {
  for (
    const header of [
      "join: all",
      "rest: let-run",
      "requires: []",
      "effect: {}",
      "needs: {}",
      "streaming: false",
    ]
  ) {
    assertEquals(told(cellWith(header)), [], header);
  }
});

Deno.test("EN-114 keys of front matter: what promises something refuses every run, the rest is a warning", () => {
  const front = (yaml: string) => `---\nweft: 1\n${yaml}\n---\n\n~~~jsonata a\n1\n~~~\n`;
  const table: [string, string, boolean][] = [
    ["onCancel: a", "error 'onCancel' of front matter is not available yet; remove it to run (3:1)", false],
    ["onFailure: a", "error 'onFailure' of front matter is not available yet; remove it to run (3:1)", false],
    [
      "params:\n  p: { type: json, default: 1, schema: { type: number } }",
      "error 'schema' of param 'p' is not available yet; remove it to run (4:32)",
      false,
    ],
    [
      'defaults: { model: "{{ m }}" }',
      "error 'defaults.model' holds a placeholder, which is not filled in yet; name the model itself (3:13)",
      false,
    ],
    ...Object.entries({
      mode: "x",
      confirmAboveUsd: "1",
      logLevel: "debug",
      timeZone: "UTC",
      storage: "{ a: 1 }",
      streams: "{ a: 1 }",
      notifications: "{ a: 1 }",
      sampling: "1",
      handlers: "1",
    }).map(([key, value]): [string, string, boolean] => [
      `${key}: ${value}`,
      `warning '${key}' of front matter has no effect yet (3:1)`,
      true,
    ]),
  ];
  for (const [yaml, message, runs] of table) {
    assertEquals(told(front(yaml)), [message]);
    assertEquals(planned(front(yaml)).plan !== undefined, runs, yaml);
  }
  const acting =
    "retry: { attempts: 2 }\ntimeout: 5s\nerrors: continue\nconcurrency: 2\nretention: { keepDays: 2 }\n" +
    "defaults: { role: coder }";
  assertEquals(planned(front(`${acting}\nparams: { p: { type: json, default: 1 } }`)).problems, []);
});

Deno.test("EN-114 a model with a placeholder is refused, not asked for under that name", () => {
  const text =
    '---\nparams: { m: { type: model, default: a/b } }\n---\n~~~agent x\nmodel: "{{ m }}"\n---\nhi\n~~~\n';
  assertEquals(told(text), [
    "error 'model' of 'x' holds a placeholder, which is not filled in yet; name the model itself (5:1)",
  ]);
});

Deno.test("EN-114 only cells that are to run count, and places hold in indented cells", () => {
  const text = "~~~jsonata a\n1\n~~~\n\n  ~~~ts x disabled\n  effect: a\n  ---\n  return 1\n  ~~~\n\n" +
    "  ~~~ts y\n  effect: a\n  ---\n  return 1\n  ~~~\n";
  assertEquals(told(text, ["a"]), []);
  assertEquals(told(text), [
    "error 'effect' of 'y' is for cells that act, and ts cells do not act yet; remove it to run this cell (12:3)",
  ]);
});
