import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { closeEnginesAfterwards, realStudio } from "./_engine.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";
import { openPage } from "./_chromium.ts";

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

const BROKEN = `\`\`\`jsonata good
1 + 1
\`\`\`

\`\`\`jsonata bad
good +
\`\`\`

\`\`\`jsonata behind
bad
\`\`\`
`;

browserTest(
  "ST-108 an error blocks its cell and what needs it, says so there, and leaves the others alone",
  () => realStudio({ demo: BROKEN }),
  async ({ page, studio }) => {
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    const why = async (name: string) => {
      const button = name === "" ? page.locator(".main-button") : page.locator(`#${name} .cell-button`);
      return [await button.getAttribute("aria-disabled"), await button.getAttribute("title")];
    };
    const message = "Invalid expression: Unexpected end of expression (line 7, column 1)";
    assertEquals(await why("good"), [null, "Run good"]);
    assertEquals(await why("bad"), ["true", `Cannot run: ${message}`]);
    assertEquals(await why("behind"), ["true", `Cannot run: bad: ${message}`]);
    assertEquals((await why(""))[0], "true");
    assertStringIncludes(await page.locator("#bad .cell-problems").innerText(), message);
    assertEquals(await page.locator(".cell-problems").count(), 1);
    await page.getByRole("button", { name: "Run behind" }).click({ force: true });
    assertStringIncludes(await page.getByRole("alert").innerText(), message);
    await page.getByRole("button", { name: "Run good" }).click();
    await page.waitForSelector('#good .status:has-text("done")');
    assertEquals(await page.locator("#good .output").innerText(), "2");
  },
);

let kept: Awaited<ReturnType<typeof realStudio>>;

browserTest(
  "AP-107 a click makes one run, though its answer was lost on the way",
  async () => kept = await realStudio({ demo: "\`\`\`jsonata one\n1\n\`\`\`\n" }),
  async ({ page, studio, errors }) => {
    const keys: (string | undefined)[] = [];
    await page.route("**/api/v1/runs", async (route) => {
      keys.push(route.request().headers()["idempotency-key"]);
      if (keys.length > 1) return await route.continue();
      await route.fetch();
      await route.abort("connectionreset");
    });
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    const click = async () => {
      const answered = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/runs"));
      await page.getByRole("button", { name: "Run all" }).click();
      assertEquals((await answered).status(), 201);
      await page.waitForSelector('.run-status:has-text("done")');
    };
    await click();
    assertEquals([keys.length, keys[0] === keys[1], (await kept.engine.runs({})).length], [2, true, 1]);
    assertEquals(await page.locator(".notice.bad").count(), 0);
    await click();
    assertEquals([new Set(keys).size, (await kept.engine.runs({})).length], [2, 2]);
    // The browser itself complains of the connection that was cut.
    assertEquals(errors.filter((line) => !line.includes("ERR_CONNECTION_RESET")), []);
    errors.length = 0;
  },
);

closeBrowserAfterwards();
closeEnginesAfterwards();
