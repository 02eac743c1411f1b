/** What a person answers on the page: approvals and signals, on the engine itself. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { memoryStore } from "../../engine/store/memory.ts";
import { engineOf, ScriptedKind } from "../engine/work/_harness.ts";
import { unknown, World } from "../engine/work/effects/_world.ts";
import { MemoryWorkspace } from "../_support/memory_workspace.ts";
import { closeEnginesAfterwards, realStudio } from "./_engine.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";

const APPROVAL = `# Publish

\`\`\`ts draft
return "Three sentences about weaving.";
\`\`\`

\`\`\`approval ok
ask: "Publish {{ $length(draft) }} characters?"
context: They go to the *whole* team.
value: "{{ draft }}"
timeout: 2d
\`\`\`

\`\`\`ts publish
return "published: " + ok.value;
\`\`\`
`;

const SIGNAL = `# Paid

\`\`\`wait paid
signal: paid
match: { order: A-17 }
\`\`\`

\`\`\`ts ship
return paid.amount * 2;
\`\`\`
`;

async function started(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/n/demo`);
  await islandsReady({ page });
  await page.waitForSelector('.connection:has-text("live")');
  await page.getByRole("button", { name: "Run all" }).click();
}

const output = (page: Page, name: string) => page.locator(`#${name} .output`).innerText();

browserTest(
  "ST-259 an approval shows question and value, takes a changed value and a note, and the run goes on with them",
  () => realStudio({ demo: APPROVAL }),
  async ({ page, studio }) => {
    await started(page, studio.url);
    const form = page.locator("#ok form.asked");
    await form.waitFor();
    assertEquals(await form.locator(".asked-what").innerText(), "Publish 30 characters?");
    assertEquals(await form.locator("em").innerText(), "whole", "context is Markdown");
    assertStringIncludes(await form.locator(".hint").innerText(), "Until ");
    assertStringIncludes(await page.locator("#ok .status").innerText(), "waiting for approval");
    await form.getByRole("button", { name: "Change it before you approve" }).click();
    await form.getByRole("textbox", { name: "What is approved by ok" }).fill("Two sentences.");
    await form.getByLabel("Note").fill("shorter");
    await form.getByRole("button", { name: "Approve", exact: true }).click();
    await page.waitForSelector('#publish .status:has-text("done")');
    assertStringIncludes(await output(page, "publish"), "published: Two sentences.");
    assertStringIncludes(await output(page, "ok"), "shorter");
    assertEquals(await form.count(), 0, "there is nothing to answer any more");
  },
);

browserTest(
  "ST-259 ST-953 a rejection by keys at 320 px fails the cell with its note, and nothing is wider than the screen",
  () => realStudio({ demo: APPROVAL }),
  async ({ page, studio }) => {
    await started(page, studio.url);
    const form = page.locator("#ok form.asked");
    await form.waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert(!wide, "the page scrolls sideways");
    await form.getByLabel("Note").focus();
    await page.keyboard.type("not now");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector('#ok .status:has-text("failed")');
    assertStringIncludes(await output(page, "ok"), "rejected it: not now");
  },
  { viewport: { width: 320, height: 700 } },
);

browserTest(
  "ST-259 EN-1013 where two people must approve the first is named, and his second answer is refused in words",
  () => realStudio({ demo: APPROVAL.replace("timeout: 2d", "needed: 2") }),
  async ({ page, studio, errors }) => {
    await started(page, studio.url);
    const form = page.locator("#ok form.asked");
    await form.locator(".hint:has-text('0 of 2 have approved')").waitFor();
    await form.getByRole("button", { name: "Approve", exact: true }).click();
    await form.locator(".hint:has-text('1 of 2 have approved: ')").waitFor();
    await form.getByRole("button", { name: "Approve", exact: true }).click();
    await form.locator(".fault:has-text('You have decided this already; somebody else is needed')").waitFor();
    assertStringIncludes(await page.locator("#publish .status").innerText(), "waiting for ok");
    await page.waitForSelector('.run-status:has-text("waiting for approval")');
    // What Chromium itself says of a refusal.
    assert(errors.every((text) => text.includes("409")));
    errors.length = 0;
  },
);

browserTest(
  "ST-259 a signal is sent from the page: what is no JSON and what does not fit is said, what fits goes on",
  () => realStudio({ demo: SIGNAL }),
  async ({ page, studio }) => {
    await started(page, studio.url);
    const form = page.locator("#paid form.asked");
    await form.locator("code", { hasText: "paid" }).first().waitFor();
    const payload = form.getByLabel("Payload");
    await payload.fill("{ order: ");
    await form.getByRole("button", { name: "Send signal" }).click();
    await form.locator(".fault:has-text('This is not JSON')").waitFor();
    await payload.fill('{ "order": "B-1", "amount": 1 }');
    await form.getByRole("button", { name: "Send signal" }).click();
    await form.locator("[role=alert]:has-text('It is kept')").waitFor();
    await payload.fill('{ "order": "A-17", "amount": 21 }');
    await form.getByRole("button", { name: "Send signal" }).click();
    await page.waitForSelector('#ship .status:has-text("done")');
    assertStringIncludes(await output(page, "ship"), "42");
  },
);

const BUDGET = `---
limits: { calls: 1 }
---

\`\`\`agent one
model: mock/script
mock: [{ text: first }]
---
Go
\`\`\`

\`\`\`agent two
model: mock/script
mock: [{ text: second }]
after: [one]
---
Go
\`\`\`
`;

browserTest(
  "ST-505 a run that its budget holds says what is used of it, and goes on when the limit is raised on the page",
  () => realStudio({ demo: BUDGET }),
  async ({ page, studio }) => {
    await started(page, studio.url);
    await page.waitForSelector('.run-status:has-text("over its budget")');
    await page.waitForSelector('#two .status:has-text("over its budget")');
    await page.locator(".why-button").click();
    const why = page.locator(".popover .why");
    assertStringIncludes(await why.locator(".spend-line").innerText(), "1 of 1");
    await why.getByRole("button", { name: "Raise limit" }).click();
    await why.locator(".fault:has-text('Write the new limit first')").waitFor();
    await why.getByLabel("Calls at most").fill("3");
    await why.getByRole("button", { name: "Raise limit" }).click();
    await page.waitForSelector('#two .status:has-text("done")');
    assertStringIncludes(await output(page, "two"), "second");
  },
);

let world: World;

browserTest(
  "ST-228 EF-047 a cell in doubt asks whether it happened, takes no answer without a note, and goes on with it",
  async () => {
    world = new World();
    world.answers = (n) => n === 0 ? unknown : undefined;
    const engine = await engineOf(memoryStore(), new ScriptedKind({ a: world.act() }));
    const workspace = new MemoryWorkspace({ demo: "# Demo\n\n```ts a\nreturn 1;\n```\n" });
    return { engine, workspace };
  },
  async ({ page, studio }) => {
    await started(page, studio.url);
    const form = page.locator("#a form.asked");
    await form.waitFor();
    assertEquals(
      await form.locator(".asked-what").innerText(),
      'We do not know whether "POST /a" happened.',
    );
    await form.getByRole("button", { name: "It happened" }).click();
    await form.locator(".fault:has-text('Say how you know')").waitFor();
    assertEquals(world.requests.length, 1, "nothing is sent again");
    await form.getByLabel("Note").fill("looked it up");
    await form.getByRole("button", { name: "Send it again" }).click();
    await page.waitForSelector('#a .status:has-text("done")');
    assertEquals(world.requests.length, 2);
    assertStringIncludes(await page.locator("#a .effects summary").innerText(), "1 effect, done");
  },
);

closeBrowserAfterwards();
closeEnginesAfterwards();
