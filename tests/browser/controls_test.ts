import { assert, assertEquals } from "@std/assert";
import { FakeEngine } from "../_support/fake_engine.ts";
import { MemoryWorkspace } from "../_support/memory_workspace.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";

const LONG = `const line = "${"long ".repeat(80)}";`;
const CELLS = `# Demo

\`\`\`ts first
${LONG}
return 1;
\`\`\`

\`\`\`ts second
return first;
\`\`\`

\`\`\`ts third
return second;
\`\`\`
`;

const texts = () => new MemoryWorkspace({ demo: CELLS });

let engine: FakeEngine;

browserTest("AP-616 Pause and Resume by keys beside Stop; the focus is never lost", () => {
  engine = new FakeEngine((run) => run.start("first"));
  return { engine, workspace: texts() };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  const focused = () =>
    page.evaluate(() => {
      const node = document.activeElement;
      return node?.getAttribute("aria-label") ?? node?.textContent;
    });
  assertEquals(await page.getByRole("button", { name: "Pause" }).count(), 0);
  await page.getByRole("button", { name: "Run all" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor();
  assertEquals(await focused(), "Stop");
  await page.keyboard.press("Shift+Tab");
  assertEquals(await focused(), "Pause");
  await page.keyboard.press("Enter");
  await page.waitForSelector('.run-status:has-text("pausing")');
  assertEquals([await focused(), engine.all[0]!.label], ["Resume", "paused"]);
  assertEquals(
    await page.locator("#second .cell-button").getAttribute("title"),
    "The run is paused; resume or stop it first",
  );
  await page.keyboard.press("Space");
  await page.waitForSelector('.run-status:has-text("running")');
  assertEquals([await focused(), engine.all[0]!.label], ["Pause", "running"]);
  engine.all[0]!.succeed("first", 1);
  engine.all[0]!.end("partial");
  await page.waitForSelector('.run-status:has-text("partly done")');
  assertEquals([await focused(), await page.getByRole("button", { name: "Pause" }).count()], ["Run all", 0]);
});

/** What jumped: anything that moved up or down, and buttons that moved at all; words may grow at the end of a row. */
const WATCH_SHIFTS = `globalThis.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    for (const { node, previousRect: from, currentRect: to } of entry.sources) {
      const element = node instanceof Element ? node : node?.parentElement;
      if (from.y === to.y && !element?.matches("button, a")) continue;
      const place = element?.parentElement?.closest(".cell") ?? element;
      globalThis.shifts.push(place?.id || place?.getAttribute("class") || String(node?.nodeName));
    }
  }
}).observe({ type: "layout-shift", buffered: true });`;

for (const width of [1280, 380]) {
  browserTest(`ST-962 nothing above the running cell moves, from start to end, at ${width} px`, () => {
    engine = new FakeEngine();
    return { engine, workspace: texts() };
  }, async ({ page, studio }) => {
    await page.addInitScript(WATCH_SHIFTS);
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    await page.waitForSelector('.connection:has-text("live")');
    const seen = (what: string) => page.waitForSelector(what);
    const shifts = async () => {
      // Two frames: the browser records a shift when it has drawn it.
      await page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))");
      return await page.evaluate("globalThis.shifts.splice(0)") as string[];
    };
    /** All that jumped but these cells, which stand below the one that runs. */
    const above = async (below: string[]) => (await shifts()).filter((place) => !below.includes(place));
    await shifts();
    for (const round of ["first run", "run again"]) {
      await page.getByRole("button", { name: "Run all" }).click();
      await seen('.run-status:has-text("queued")');
      const run = engine.all.at(-1)!;
      assertEquals(await shifts(), [], `${round}: start`);
      run.start("first");
      run.succeed("first", 1);
      await seen('#first .status:has-text("done")');
      assertEquals(await above(["second", "third"]), [], `${round}: first is done`);
      run.start("second");
      run.text("second", "Some words");
      await seen('#second .status:has-text("running")');
      await seen('#second .output:has-text("words")');
      // A box that held an output stays as high while the next one comes, so then nothing below moves either.
      assertEquals(await above(round === "run again" ? [] : ["third"]), [], `${round}: second runs`);
      run.succeed("second", "Some words\n\n- and\n- more", { display: { as: "markdown" } });
      run.start("third");
      run.text("third", "- a\n- b\n- c");
      await seen('#third .status:has-text("running")');
      await seen('#third .output li:has-text("c")');
      run.succeed("third", "words");
      run.end("succeeded");
      await seen('.run-status:has-text("done")');
      assertEquals(await above(["third"]), [], `${round}: end`);
    }
  }, { viewport: { width, height: 900 } });
}

browserTest("ST-952 long lines of code scroll by themselves, in a named region that keys reach", () => {
  engine = new FakeEngine();
  return { engine, workspace: texts() };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  const code = page.getByRole("region", { name: "Source of first" });
  const size = () => code.evaluate((node) => [node.scrollWidth - node.clientWidth, node.scrollLeft]);
  assert((await size())[0]! > 100);
  await code.focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelector("#first .source-text")!.scrollLeft > 20);
  await page.keyboard.press("End");
  const beyond = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  assertEquals(await page.evaluate(beyond), 0);
  // What shows that there is more: a shade that stays where it is, under a cover that goes with the text.
  const layers = await code.evaluate((node) => getComputedStyle(node).backgroundAttachment);
  assertEquals(layers, "local, local, scroll, scroll, scroll");
}, { viewport: { width: 380, height: 800 } });

browserTest("ST-251 a value that does not stand in the run's record is there without a reload", () => {
  engine = new FakeEngine((run) => {
    run.start("first");
    run.succeed("first", "word ".repeat(4000));
    run.end("partial");
  });
  return { engine, workspace: texts() };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  await page.getByRole("button", { name: "Run all" }).click();
  await page.waitForSelector('#first .output pre:has-text("word word")');
  assertEquals((await page.locator("#first .output pre").innerText()).length, 20_000);
});

closeBrowserAfterwards();
