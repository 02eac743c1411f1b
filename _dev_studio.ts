import { FakeEngine } from "./tests/_support/fake_engine.ts";
import { MemoryWorkspace } from "./tests/_support/memory_workspace.ts";
import { serveStudio } from "./tests/_support/studio.ts";
import { systemClock } from "./engine/base/clock.ts";
export const DEMO = `---
weft: 1
title: Paper triage
params:
  topic: { type: string, default: durable execution, description: What to look for }
  count: { type: number, default: 5, min: 1, max: 20 }
  deep: { type: boolean, default: false, label: Read whole papers }
defaults: { model: local/extract, temperature: 0.2 }
---

# Paper triage

This notebook reads a handful of papers on a topic and keeps the claims that are **well supported**. Each step is a cell; run them all, or one at a time. See [the format](https://example.org/format).

- first the scout lists claims
- then weak ones are dropped
- a chart shows what is left

\`\`\`agent scout
role: researcher
retry: { attempts: 3, initial: 1s }
---
List the claims about {{ topic }} made in the papers below, at most {{ count }} of them.

Say for each how sure you are.
\`\`\`

Only claims above **0.8** are worth a look.

\`\`\`jsonata strong
[scout.claims[confidence > 0.8]]  /* the good ones */
\`\`\`

\`\`\`ts best
// the most confident one
return Math.max(0, ...strong.map((c) => c.confidence));
\`\`\`

\`\`\`agent report
role: coordinator
model: openai/gpt-5
---
Write a report about {{ topic }} from {{ strong }}; the best has {{ best }}.
\`\`\`

\`\`\`ts broken
throw new Error("Cannot read the file");
\`\`\`

\`\`\`agent late
after: [report]
---
Nothing yet from {{ broken }}.
\`\`\`
`;
const TEXT = `## Findings

Durable execution engines record **every step** before it runs. Three claims stand out:

1. A checkpoint per step costs about 150 µs on local storage.
2. Group commit makes that cost *shared*.
3. Replays need deterministic code, see [the paper](https://example.org/paper).

| Engine | Steps/s | Durable |
|---|--:|:-:|
| naive | 3500 | yes |
| grouped | 26000 | yes |

\`\`\`ts
const state = events.reduce(fold, initial);
\`\`\`

> Recovery is boring, which is the point.

<script>alert(1)</script> and ![a picture](https://evil.example/x.png)
`;
export const engine: FakeEngine = new FakeEngine(async (run) => {
  const has = (s: string) => run.steps.includes(s);
  const ms = (n: number) => systemClock.sleep(n);
  await ms(300);
  if (has("scout")) { run.start("scout");
  for (const piece of TEXT.match(/\S+\s*/g)!) { run.text("scout", piece); await ms(25); }
  run.frame("scout", { type: "log", level: "info", text: "read 5 papers" });
  run.succeed("scout", { text: TEXT, claims: [{ claim: "A checkpoint costs 150 µs", confidence: 0.92, source: "p1.md" }, { claim: "Replays need determinism", confidence: 0.85, source: "p2.md" }, { claim: "Group commit shares cost", confidence: 0.61, source: "p3.md" }] }, { display: { as: "markdown", port: "text" }, usage: { model: "local/extract", inputTokens: 1240, outputTokens: 188, usdMicros: 1234 }, label: "warned", warnings: [{ type: "quality", message: "The model was asked to judge and did not", suggestion: "Use a model that can" }] }); }
  if (has("strong")) { run.start("strong"); await ms(100); run.succeed("strong", [{ claim: "A checkpoint costs 150 µs", confidence: 0.92 }, { claim: "Replays need determinism", confidence: 0.85 }]); }
  if (has("best")) { run.start("best"); await ms(60); run.succeed("best", 0.92); }
  if (has("report")) { run.start("report"); run.text("report", "A first try that"); run.tell({ type: "step.retried", step: "report", label: "retrying", attempt: 1, due: Date.now() + 800, problem: { category: "network", message: "Connection reset by the model's server" } }); await ms(800); run.start("report"); for (let i = 0; i < 60; i++) { run.text("report", `Sentence ${i} of the report, which goes on. `); await ms(20); } run.succeed("report", { meta: { words: 300, nested: { deep: [1, 2, { a: null }] } }, list: ["x", "y"] }); }
  if (has("broken")) { run.start("broken"); await ms(50); run.fail("broken", "Cannot read the file\n  at cell broken, line 1\n  at main"); run.tell({ type: "step.skipped", step: "late", label: "skipped", reason: "upstream_failed", because: "broken" }); }
  run.end(has("broken") ? "partial" : "succeeded");
});
export const workspace = new MemoryWorkspace({ "paper-triage": DEMO, "empty": "", "notes/prose": "# Only prose\n\nNothing here.\n", "bad": "# Bad\n\n```agnet scout\nx\n```\n\n```agent\nno name\n```\n\n```jsonata a\nb +\n```\n" });
if (import.meta.main) {
  const { renderChart } = await import("./engine/sandbox/chart.ts");
  const studio = await serveStudio({ engine, workspace, chart: (spec, theme) => renderChart(spec, { theme }) });
  console.log(studio.url);
}
