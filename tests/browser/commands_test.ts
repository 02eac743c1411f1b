/** What a person tells a run and its cells from the page, by mouse and by keys. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { FakeEngine } from "../_support/fake_engine.ts";
import { MemoryWorkspace } from "../_support/memory_workspace.ts";
import { closeEnginesAfterwards, realStudio } from "./_engine.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";

const CELLS = `# Demo

\`\`\`ts first
return 1;
\`\`\`

\`\`\`ts second
return first;
\`\`\`

\`\`\`ts third
return second;
\`\`\`
`;

let engine: FakeEngine;
const studioOf = (story: ConstructorParameters<typeof FakeEngine>[0]) => () => {
  engine = new FakeEngine(story);
  return { engine, workspace: new MemoryWorkspace({ demo: CELLS }) };
};
const run = () => engine.all[0]!;

async function open(page: Page, url: string, start = true): Promise<void> {
  await page.goto(`${url}/n/demo`);
  await islandsReady({ page });
  await page.waitForSelector('.connection:has-text("live")');
  if (start) await page.getByRole("button", { name: "Run all" }).click();
}

const status = (name: string, word: string) => `#${name} .status:has-text("${word}")`;
const menu = (page: Page, name: string) => page.getByRole("button", { name: `What ${name} can be told` });
const words = (page: Page) => page.locator("[role=menuitem] .menu-word").allInnerTexts();
const focused = (page: Page) =>
  page.evaluate(() =>
    document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent
  );

browserTest(
  "ST-508 EN-606 a failed run is restarted by keys and followed to its new end; what no longer holds is cleared",
  studioOf((run) => {
    run.start("first");
    run.succeed("first", 1);
    run.start("second");
    run.text("second", "half of it");
    run.fail("second", "no luck");
    run.tell({
      type: "step.skipped",
      step: "third",
      label: "skipped",
      reason: "upstream_failed",
      because: "second",
    });
    run.end("failed");
  }),
  async ({ page, studio }) => {
    await open(page, studio.url);
    await page.waitForSelector('.run-status:has-text("failed")');
    await page.locator(".why-button").focus();
    await page.keyboard.press("Enter");
    assertStringIncludes(await page.locator(".popover").innerText(), "2 cells did not succeed");
    assertEquals(await focused(page), "Restart failed cells");
    await page.keyboard.press("Escape");
    assertEquals(await focused(page), "What can be done?");
    await page.getByRole("button", { name: "Restart failed cells" }).focus();
    await page.waitForTimeout(450);
    await page.keyboard.press("Enter");
    await page.waitForSelector(status("second", "queued"));
    assertEquals(await focused(page), "Stop", "the focus is not lost with the button");
    assertEquals(await page.locator("#second .output > .note").count(), 0, "the problem holds no more");
    assertEquals(await page.locator("#second .earlier > summary").innerText(), "attempt 1, failed");
    assertEquals(engine.instructions.map(({ type }) => type), ["restartRun"]);
    run().start("second");
    run().text("second", "all of it");
    await page.waitForSelector('#second .output:has-text("all of it")');
    run().succeed("second", "all of it");
    run().start("third");
    run().succeed("third", 3);
    run().end("succeeded");
    await page.waitForSelector('.run-status:has-text("done")');
    await page.waitForSelector(status("third", "done"));
    assertEquals(await page.getByRole("button", { name: "Restart failed cells" }).count(), 0);
    await page.reload();
    await islandsReady({ page });
    assertEquals(await page.locator("#second .earlier > summary").innerText(), "attempt 1, failed");
  },
);

browserTest(
  "ST-506 AP-624 a running cell is cancelled by its button, another skipped by the menu's keys",
  studioOf((run) => {
    run.start("first");
    run.start("second");
  }),
  async ({ page, studio }) => {
    await open(page, studio.url);
    await page.waitForSelector(status("second", "running"));
    await page.getByRole("button", { name: "Cancel first" }).click();
    await page.waitForSelector(status("first", "cancelling"));
    assertEquals(await menu(page, "first").count(), 0, "there is no more to say to it");
    run().tell({
      type: "step.cancelled",
      step: "first",
      label: "cancelled",
      attempt: 1,
      reason: "asked",
      unsettled: true,
    });
    await page.waitForSelector(status("first", "did not stop"));
    assertStringIncludes(await page.locator("#first .output").innerText(), "may still be at work");
    await menu(page, "second").focus();
    await page.keyboard.press("ArrowDown");
    assertEquals(await words(page), ["Cancel", "Skip"]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector(status("second", "skipping"));
    assertEquals(
      engine.instructions.map((told) => [told.type, "step" in told && told.step]),
      [["cancelStep", "first"], ["skipStep", "second"]],
    );
  },
);

browserTest(
  "AP-624 EN-605 a cell that waits for its next try is tried now; why the run stands is one sentence, with the time left",
  studioOf((run) => {
    run.start("first");
    run.retry("first", "the other side is busy", Date.now() + 600_000);
    engine.waits = {
      wait: "backoff",
      since: Date.now(),
      until: Date.now() + 600_000,
      what: "Attempt 1 did not come to an end: the other side is busy",
      next: "It is tried again when the wait is over",
    };
  }),
  async ({ page, studio }) => {
    await open(page, studio.url);
    await page.waitForSelector(status("first", "attempt 2 in 9:"));
    await page.waitForSelector('.why-button:has-text("retrying in 9:")');
    await page.getByRole("button", { name: "Why is it not moving?" }).click();
    const said = await page.locator(".popover").innerText();
    for (const part of ["the other side is busy.", "It is tried again when", "goes on in 9:"]) {
      assertStringIncludes(said, part);
    }
    await page.keyboard.press("Escape");
    await menu(page, "first").click();
    assertEquals(await words(page), ["Retry now", "Skip", "Give a value…"]);
    engine.waits = undefined;
    await page.getByRole("menuitem", { name: "Retry now" }).click();
    await page.waitForSelector(status("first", "queued"));
    run().start("first");
    await page.waitForSelector(status("first", "running"));
    await page.waitForSelector(".why-button", { state: "detached" });
  },
);

browserTest(
  "AP-625 a value is given by hand: what is no JSON is said at once, what the server refuses stays in the dialog",
  studioOf((run) => run.start("first")),
  async ({ page, studio, errors }) => {
    await open(page, studio.url);
    await page.waitForSelector(status("second", "waiting for first"));
    await menu(page, "second").click();
    await page.getByRole("menuitem", { name: "Give a value" }).click();
    const dialog = page.getByRole("dialog", { name: "A value for second" });
    assertEquals(await focused(page), "Value of second, as JSON");
    const fault = () => dialog.getByRole("alert").innerText();
    await page.keyboard.press("Control+Enter");
    assertStringIncludes(await fault(), "Write a value first");
    await page.keyboard.type("a text");
    assertEquals(await fault(), "");
    await page.keyboard.press("Control+Enter");
    assertStringIncludes(await fault(), "A text stands in quotes");
    assertEquals(engine.instructions.length, 0);
    await dialog.locator("textarea").fill('{ "x": [1] }');
    const tell = engine.tell.bind(engine);
    engine.tell = () => Promise.reject(new Error("broken"));
    await dialog.getByRole("button", { name: "Give value" }).click();
    await page.waitForFunction(() => document.querySelector("dialog .fault")!.textContent!.includes("bug"));
    engine.tell = tell;
    await dialog.getByRole("button", { name: "Give value" }).click();
    await page.waitForSelector(status("second", "given by hand"));
    assertEquals(await dialog.count(), 0);
    assertStringIncludes(await page.locator("#second .output").innerText(), "x");
    assertEquals(engine.instructions.at(-1), {
      type: "supplyValue",
      step: "second",
      value: { x: [1] },
      by: "owner",
    });
    // What broke was the test's own doing.
    errors.length = 0;
    studio.errors.length = 0;
  },
);

const REAL = `---
errors: continue
---

\`\`\`ts flaky
retry: { attempts: 2, initial: 60s, jitter: none, on: [code_error] }
---
throw new Error("busy");
\`\`\`

\`\`\`ts long
await new Promise((done) => setTimeout(done, 60_000));
\`\`\`

\`\`\`jsonata sum
flaky + 1
\`\`\`
`;

browserTest(
  "ST-506 ST-508 ST-513 the engine does what the page tells it: cancel, give a value, retry now, restart",
  () => realStudio({ demo: REAL }),
  async ({ page, studio }) => {
    await open(page, studio.url);
    await page.waitForSelector(status("flaky", "attempt 2"));
    await page.getByRole("button", { name: "Cancel long" }).click();
    await page.waitForSelector(status("long", "cancelled"));
    await page.getByRole("button", { name: "Why is it not moving?" }).click();
    assertStringIncludes(
      await page.locator(".popover").innerText(),
      "flaky: Attempt 1 did not come to an end",
    );
    await page.keyboard.press("Escape");
    await menu(page, "flaky").click();
    await page.getByRole("menuitem", { name: "Retry now" }).click();
    await page.waitForSelector(status("flaky", "failed"));
    await page.waitForSelector('.run-status:has-text("failed")');
    await page.waitForTimeout(450);
    await page.getByRole("button", { name: "Restart failed cells" }).click();
    await page.waitForSelector(status("flaky", "attempt 4"));
    assertEquals(await page.locator("#flaky .earlier > summary").allInnerTexts(), [
      "attempt 1, failed",
      "attempt 2, failed",
    ]);
    await menu(page, "flaky").click();
    await page.getByRole("menuitem", { name: "Give a value" }).click();
    await page.keyboard.type("41");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(status("flaky", "given by hand"));
    await page.waitForSelector('#sum .output:has-text("42")');
    await menu(page, "long").click();
    await page.getByRole("menuitem", { name: "Skip" }).click();
    await page.waitForSelector('.run-status:has-text("done")');
    assert((await page.locator("#long .status").innerText()).includes("skipped by hand"));
  },
);

closeBrowserAfterwards();
closeEnginesAfterwards();
