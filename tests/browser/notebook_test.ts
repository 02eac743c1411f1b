import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FakeEngine } from "../_support/fake_engine.ts";
import { MemoryWorkspace } from "../_support/memory_workspace.ts";
import { serveStudio } from "../_support/studio.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";
import { openPage } from "./_chromium.ts";

const DEMO = `---
title: Demo
params:
  topic: { type: string, default: durability, description: What to look for }
  deep: { type: boolean, default: false }
---

# Demo

Some **prose**.

\`\`\`agent scout
role: researcher
model: local/extract
temperature: 0.2
---
List claims about {{ topic }}.
\`\`\`

\`\`\`jsonata strong
scout
\`\`\`
`;

const workspace = () => new MemoryWorkspace({ demo: DEMO, "notes/deep name": "# Deep\n" });

/** A story that goes on when the test says so. */
function steps() {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gate = (name: string) => {
    let found = gates.get(name);
    if (found === undefined) gates.set(name, found = Promise.withResolvers<void>());
    return found;
  };
  return { pass: (name: string) => gate(name).resolve(), at: (name: string) => gate(name).promise };
}

const output = (name: string) => `#${name} .output`;

browserTest(
  "ST-251 tokens appear as they come, and the value stands when the cell is done",
  () => {
    story = steps();
    const engine = new FakeEngine(async (run) => {
      run.start("scout");
      run.text("scout", "First **piece**");
      await story.at("more");
      run.text("scout", " and the second\n\n- a\n- b");
      await story.at("done");
      run.succeed("scout", "First **piece** and the second\n\n- a\n- b", { display: { as: "markdown" } });
      run.start("strong");
      run.succeed("strong", [{ claim: "x", confidence: 0.9 }]);
      run.end("succeeded");
    });
    return { engine, workspace: workspace() };
  },
  async ({ page, studio }) => {
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    await page.getByRole("button", { name: "Run all" }).click();
    await page.waitForSelector(`${output("scout")} strong:text("piece")`);
    assertEquals(await page.locator(output("scout")).innerText(), "First piece");
    assertMatch(await page.locator("#scout .status").innerText(), /running \d+\.\d s/);
    assertEquals(await page.locator("#scout .order").innerText(), "[*]");
    assertEquals(await page.getByRole("button", { name: "Stop", exact: true }).count(), 1);
    story.pass("more");
    await page.waitForSelector(`${output("scout")} li:text("b")`);
    story.pass("done");
    await page.waitForSelector('#strong .status:has-text("done")');
    assertEquals(await page.locator("#strong th").allInnerTexts(), ["claim", "confidence"]);
    assertEquals(await page.locator("#scout .order").innerText(), "[1]");
    assertMatch(await page.locator(".run-status").innerText(), /done \d+\.\d s/);
  },
);

let story = steps();

browserTest(
  "ST-252 ST-507 a second tab and a reload show the same, while it runs and after",
  () => {
    story = steps();
    const engine = new FakeEngine(async (run) => {
      run.start("scout");
      for (let i = 0; i < 200; i++) run.text("scout", `word${i} `);
      await story.at("more");
      for (let i = 200; i < 400; i++) run.text("scout", `word${i} `);
      run.fail("scout", "It broke\n  at line 1");
      run.tell({
        type: "step.skipped",
        step: "strong",
        label: "skipped",
        reason: "upstream_failed",
        because: "scout",
      });
      run.end("failed");
    });
    return { engine, workspace: workspace() };
  },
  async ({ page, studio, browser }) => {
    const second = await openPage(browser, studio.url);
    try {
      await second.page.goto(`${studio.url}/n/demo`);
      await islandsReady(second);
      await page.goto(`${studio.url}/n/demo`);
      await islandsReady({ page });
      await page.getByRole("button", { name: "Run all" }).click();
      for (const tab of [page, second.page]) await tab.waitForSelector(`${output("scout")} :text("word199")`);
      await page.reload();
      await islandsReady({ page });
      assertStringIncludes(await page.locator(output("scout")).innerText(), "word0 ");
      story.pass("more");
      for (const tab of [page, second.page]) await tab.waitForSelector(`${output("scout")} :text("word399")`);
      for (const tab of [page, second.page]) {
        await tab.waitForSelector('#strong .status:has-text("scout failed")');
      }
      const texts = await Promise.all(
        [page, second.page].map((tab) => tab.locator(output("scout")).innerText()),
      );
      assertEquals(texts[0], texts[1]);
      await page.reload();
      assertEquals(await page.locator(output("scout")).innerText(), texts[0]);
      const words = texts[0]!.match(/word\d+/g)!;
      assertEquals(words, Array.from({ length: 400 }, (_, i) => `word${i}`));
      assertEquals(second.errors, []);
    } finally {
      await second.context.close();
    }
  },
);

browserTest(
  "ST-506 Stop, then Cancel now; one cell runs alone; what cannot run says why",
  () => {
    const engine = new FakeEngine(async (run, { cells }) => {
      if (cells?.[0] === "strong") {
        run.start("strong");
        run.succeed("strong", 7);
        return run.end("succeeded");
      }
      run.start("scout");
      await run.asked.promise;
      while (run.label !== "cancelling") await run.more(run.groups.length, new AbortController().signal);
      run.tell({ type: "step.cancelled", step: "scout", label: "cancelled", attempt: 1 });
      run.end("cancelled");
    });
    return { engine, workspace: workspace() };
  },
  async ({ page, studio }) => {
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    await page.getByRole("button", { name: "Run all" }).click();
    await page.waitForSelector('#scout .status:has-text("running")');
    const other = page.locator("#strong .cell-button");
    assertEquals(await other.getAttribute("aria-disabled"), "true");
    assertStringIncludes(await other.getAttribute("title") ?? "", "A run is going on");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Cancel now" }).click();
    await page.waitForSelector('#scout .status:has-text("cancelled")');
    await page.getByRole("button", { name: "Run strong" }).click();
    await page.waitForSelector('#strong .status:has-text("done")');
    assertEquals(await page.locator(output("strong")).innerText(), "7");
  },
);

let engine: FakeEngine;

browserTest("ST-105 the params form sends its values and keeps them over a reload", () => {
  engine = new FakeEngine((run) => run.end("succeeded"));
  return { engine, workspace: workspace() };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  await page.getByLabel("topic").fill("crash safety");
  await page.getByLabel("deep").check();
  await page.reload();
  await islandsReady({ page });
  assertEquals(await page.getByLabel("topic").inputValue(), "crash safety");
  await page.getByRole("button", { name: "Run all" }).click();
  await page.waitForSelector('.run-status:has-text("done")');
  assertEquals(engine.lastParams, { topic: "crash safety", deep: true });
  assertEquals(await page.evaluate(() => document.cookie.includes("secret")), false);
});

const HOSTILE = [
  "<script>fetch('http://evil.example/s')</script>",
  '<img src="http://evil.example/i.png" onerror="alert(1)">',
  "![x](http://evil.example/p.png)",
  "<iframe src=http://evil.example></iframe><style>@import 'http://evil.example/c.css'</style>",
  "[a](javascript:alert(1)) [b](data:text/html,x) [c](https://ok.example/) <svg/onload=alert(1)>",
  '<a href="http://evil.example" style="background:url(http://evil.example/b)">t</a>',
].join("\n\n");

browserTest("SE-901 SE-902 SE-903 hostile Markdown is text, on the server and in the browser", () => {
  story = steps();
  engine = new FakeEngine(async (run) => {
    run.start("scout");
    run.text("scout", HOSTILE);
    await story.at("done");
    run.fail("scout", HOSTILE);
    run.end("failed");
  });
  return { engine, workspace: new MemoryWorkspace({ demo: DEMO.replace("Some **prose**.", HOSTILE) }) };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  await page.getByRole("button", { name: "Run all" }).click();
  await page.waitForSelector(`${output("scout")} a[href="https://ok.example/"]`);
  const live = await page.locator(`${output("scout")} .markdown`).innerHTML();
  story.pass("done");
  await page.waitForSelector("#scout .note.bad");
  await page.reload();
  const served = await page.locator(`${output("scout")} .markdown`).innerHTML();
  assertEquals(served, live);
  const sent = await (await page.request.get(`${studio.url}/n/demo`)).text();
  assert(sent.includes("&lt;script>") && !sent.includes("&amp;lt;"), "escaped other than once");
  assertEquals(await page.locator("main :is(img, iframe, style, script, svg[onload], [onerror])").count(), 0);
  const links = await page.locator("main .markdown a").evaluateAll((all) =>
    all.map((a) => [a.getAttribute("href"), a.getAttribute("rel")])
  );
  const rel = "noopener noreferrer nofollow";
  assertEquals(links.slice(0, 2), [["http://evil.example/p.png", rel], ["https://ok.example/", rel]]);
});

browserTest("ST-107 without scripts prose, cells and the last output can be read", () => {
  engine = new FakeEngine((run) => {
    run.start("scout");
    run.succeed("scout", { text: "## Found\n\nIt holds", claims: [{ claim: "a", confidence: 1 }] }, {
      display: { as: "markdown", port: "text" },
    });
    run.end("succeeded");
  });
  return { engine, workspace: workspace() };
}, async ({ page, studio }) => {
  await engine.submit({ notebook: "demo", text: DEMO, author: "me" });
  await page.goto(`${studio.url}/n/demo`);
  assertEquals(await page.locator(`${output("scout")} h4`).innerText(), "Found");
  assertEquals(await page.locator("#scout td").allInnerTexts(), ["a", "1"]);
  assertStringIncludes(await page.locator("#scout .source").innerText(), "List claims about {{ topic }}.");
  assertStringIncludes(await page.locator("noscript").innerText(), "Scripts are off");
  await page.goto(`${studio.url}/n/notes/deep%20name`);
  assertEquals(await page.locator(".empty h2").innerText(), "No cell yet");
}, { javaScriptEnabled: false });

browserTest("ST-951 everything is reached with Tab, and the focus can be seen", () => {
  engine = new FakeEngine((run) => run.end("succeeded"));
  return { engine, workspace: workspace() };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  const seen: string[] = [];
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const node = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(node);
      const visible = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      const name = node.getAttribute("aria-label") ?? node.textContent ?? "";
      return {
        name: `${name || (node as HTMLInputElement).name}`.trim().split("\n")[0]!,
        visible,
        body: node === document.body,
      };
    });
    if (at.body) break;
    assert(at.visible, `no focus ring on ${at.name}`);
    seen.push(at.name);
  }
  const order = [
    "Skip to content",
    "Page",
    "Graph",
    "Run all",
    "topic",
    "deep",
    "Run scout",
    "Settings",
    "Run strong",
  ];
  assertEquals(seen.filter((name) => order.includes(name)), order);
  await page.getByRole("button", { name: "Run strong" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector('.run-status:has-text("done")');
});

browserTest("ST-954 the theme is kept and there from the first paint", () => {
  engine = new FakeEngine();
  return { engine, workspace: workspace() };
}, async ({ page, studio }) => {
  await page.goto(studio.url);
  await islandsReady({ page });
  await page.getByRole("button", { name: /^Theme/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  assertEquals(await page.locator("html").getAttribute("data-theme"), "dark");
  const html = await (await page.request.get(`${studio.url}/`)).text();
  assertStringIncludes(html, 'data-theme="dark"');
});

browserTest("a file that changed on disk is announced, and shown on request", () => {
  engine = new FakeEngine();
  files = workspace();
  return { engine, workspace: files };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  files.texts.demo = DEMO.replace("Some **prose**", "Other prose");
  await page.getByRole("button", { name: "Show the new version" }).click();
  await page.waitForSelector(':text("Other prose")');
});

browserTest("ST-111 ST-252 after the server was away the page goes on without gap or repeat", () => {
  story = steps();
  engine = new FakeEngine(async (run) => {
    run.start("scout");
    for (let i = 0; i < 20; i++) run.text("scout", `w${i} `);
    await story.at("away");
    for (let i = 20; i < 40; i++) run.text("scout", `w${i} `);
    run.end("stopped");
  });
  files = workspace();
  return { engine, workspace: files };
}, async ({ page, studio, errors }) => {
  await page.goto(`${studio.url}/n/demo`);
  await islandsReady({ page });
  await page.getByRole("button", { name: "Run all" }).click();
  await page.waitForSelector(`${output("scout")} :text("w19")`);
  await studio.close();
  await page.waitForSelector('.connection:has-text("reconnecting")');
  story.pass("away");
  await engine.settled();
  const again = await serveStudio({ engine, workspace: files, at: studio.port });
  try {
    await page.waitForSelector('.run-status:has-text("stopped")');
    assertEquals(await page.locator(".connection").innerText(), "live");
    const words = (await page.locator(output("scout")).innerText()).match(/w\d+/g);
    assertEquals(words, Array.from({ length: 40 }, (_, i) => `w${i}`));
    // The browser itself complains of the connection that was refused.
    assertEquals(errors.filter((line) => !line.includes("ERR_")), []);
    errors.length = 0;
    await page.close();
  } finally {
    await again.close();
  }
});

let files: MemoryWorkspace;

closeBrowserAfterwards();
