import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openWorkspace } from "../../engine/access/open_workspace.ts";
import { systemClock } from "../../engine/base/clock.ts";
import { systemIds } from "../../engine/base/ids.ts";
import { lineLog } from "../../engine/base/log.ts";
import { createEngine, createKindTools, openStore, renderChart } from "../../engine/mod.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";
import { openPage } from "./_chromium.ts";

const log = lineLog({ clock: systemClock, level: "error", readable: true, print: console.error });
const endings: (() => Promise<void>)[] = [];

/** The engine itself, over a folder with these notebooks and a store in memory. */
async function realStudio(notebooks: Record<string, string>) {
  const root = await Deno.makeTempDir();
  const folder = `${root}/notebooks`;
  await Deno.mkdir(folder);
  for (const [id, text] of Object.entries(notebooks)) await Deno.writeTextFile(`${folder}/${id}.md`, text);
  const workspace = await openWorkspace({ root, notebooks: folder });
  const { store, release } = await openStore("memory:");
  const tools = createKindTools({
    workspace,
    clock: systemClock,
    log,
    env: () => undefined,
    envNames: () => [],
  });
  const { kinds } = tools;
  const engine = await createEngine({
    store,
    kinds,
    workspace,
    clock: systemClock,
    ids: systemIds(systemClock),
    log,
    worker: "test",
  });
  endings.push(async () => {
    await engine.close();
    await tools.close();
    await release();
    await Deno.remove(root, { recursive: true });
  });
  return { engine, workspace, chart: (spec, theme) => renderChart(spec, { theme }) } satisfies Partial<
    Parameters<typeof import("../_support/studio.ts").serveStudio>[0]
  >;
}

const words = Array.from({ length: 60 }, (_, i) => `w${i}`).join(" ");
/** A model that says these words one after the other, as a provider would. */
const script = `[{ text: "# Heading\\n\\n" }, ${
  words.split(" ").map((w) => `{ text: "${w} " }, { delay: 15 }`).join(", ")
}]`;
const DEMO = `---
title: Real
params:
  factor: { type: number, default: 2 }
---

\`\`\`agent scout
model: mock/script
mock: ${script}
---
Say it.
\`\`\`

\`\`\`ts sum
return factor * 21;
\`\`\`

\`\`\`jsonata rows
[{ "name": "a", "value": sum }, { "name": "b", "value": 1 }]
\`\`\`
`;

browserTest(
  "a notebook runs on the engine: tokens in pieces, a second tab, a reload, one cell, params",
  () => realStudio({ demo: DEMO }),
  async ({ page, studio, browser }) => {
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    const second = await openPage(browser, studio.url);
    await second.page.goto(`${studio.url}/n/demo`);
    await islandsReady(second);
    const output = "#scout .output .markdown";
    await page.getByRole("button", { name: "Run all" }).click();
    await page.waitForSelector(`${output} :text("w5")`);
    const early = await page.locator(output).innerText();
    assert(!early.includes("w59"), "all of it came at once");
    for (const tab of [page, second.page]) await tab.waitForSelector('#scout .status:has-text("done")');
    for (const tab of [page, second.page]) await tab.waitForSelector('.run-status:has-text("done")');
    const text = await page.locator(output).innerText();
    assertStringIncludes(text, words);
    assertEquals(await second.page.locator(output).innerText(), text);
    assertEquals(await page.locator("#sum .output").innerText(), "42");
    assertEquals(await page.locator("#rows td").allInnerTexts(), ["a", "42", "b", "1"]);
    await page.reload();
    await islandsReady({ page });
    assertEquals(await page.locator(output).innerText(), text);

    await page.getByLabel("factor").fill("3");
    await page.waitForSelector('#sum .status:has-text("stale")');
    await page.getByRole("button", { name: "Run rows" }).click();
    await page.waitForSelector('#rows td:text-is("63")');
    await second.page.waitForSelector('#rows td:text-is("63")');
    assertEquals(await page.locator(output).innerText(), text);
    assertEquals(second.errors, []);
    await second.context.close();
  },
);

browserTest(
  "Stop lets the running cell end and starts no more",
  () =>
    realStudio({
      demo: DEMO.replace(
        "return factor",
        "await new Promise((r) => setTimeout(r, 300));\nreturn scout.length, factor",
      ),
    }),
  async ({ page, studio }) => {
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    await page.getByRole("button", { name: "Run all" }).click();
    await page.waitForSelector('#scout .output :text("w3")');
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.waitForSelector('.run-status:has-text("stopped")');
    assertStringIncludes(await page.locator("#scout .status").innerText(), "done");
    assertStringIncludes(await page.locator("#rows .status").innerText(), "skipped");
  },
);

closeBrowserAfterwards();
Deno.test({
  name: "the engines close",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    for (const end of endings) await end();
  },
});
