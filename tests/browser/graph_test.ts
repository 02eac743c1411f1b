import { assert, assertEquals } from "@std/assert";
import { FakeEngine } from "../_support/fake_engine.ts";
import { MemoryWorkspace } from "../_support/memory_workspace.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";

const DEMO = `---
title: Flow
---

\`\`\`agent scout
role: researcher
---
Look.
\`\`\`

\`\`\`jsonata strong
scout
\`\`\`

\`\`\`jsonata last
after: [strong]
---
1
\`\`\`
`;

/** A notebook of many cells, each needing the one before. */
const chain = (cells: number) =>
  Array.from({ length: cells }, (_, i) => `\`\`\`jsonata c${i}\n${i === 0 ? "1" : `c${i - 1}`}\n\`\`\`\n`)
    .join("\n");

let workspace: MemoryWorkspace;
let engine: FakeEngine;
let gate: PromiseWithResolvers<void>;

browserTest("ST-401 ST-404 ST-408 nodes, edges and statuses live, from the page's own store", () => {
  gate = Promise.withResolvers();
  engine = new FakeEngine(async (run) => {
    run.start("scout");
    run.text("scout", "first line\nlast words");
    await gate.promise;
    run.fail("scout", "No model answers\n  at somewhere");
    run.tell({
      type: "step.skipped",
      step: "strong",
      label: "skipped",
      reason: "upstream_failed",
      because: "scout",
    });
    run.end("failed");
  });
  workspace = new MemoryWorkspace({ flow: DEMO });
  return { engine, workspace };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/flow?view=graph`);
  await islandsReady({ page });
  await page.waitForSelector(".react-flow__edge-path", { state: "attached" });
  assertEquals(await page.locator(".node-name").allInnerTexts(), ["scout", "strong", "last"]);
  assertEquals(await page.locator(".react-flow__edge-path").count(), 2);
  assertEquals(await page.locator(".react-flow__edge-path.via-after").count(), 1);
  const node = (name: string) => page.locator(`.react-flow__node[data-id="${name}"]`);
  await page.getByRole("button", { name: "Run all" }).click();
  await node("scout").locator('.node-line:text-is("last words")').waitFor();
  assertEquals(await node("scout").locator(".node.tone-run").count(), 1);
  gate.resolve();
  await node("scout").locator('.node-line:text-is("No model answers")').waitFor();
  assertEquals(await page.locator(".react-flow__edge-path.failed").count(), 1);
  await node("strong").getByRole("link").click();
  await page.waitForURL(/view=page#strong$/);
  assertEquals(await page.locator("#strong").isVisible(), true);
});

browserTest(
  "ST-413 a node that was dragged, or moved by keys, stands there after a reload; the file is untouched",
  () => {
    engine = new FakeEngine();
    workspace = new MemoryWorkspace({ flow: DEMO });
    return { engine, workspace };
  },
  async ({ page, studio }) => {
    const open = async () => {
      await page.goto(`${studio.url}/n/flow?view=graph`);
      await islandsReady({ page });
      await page.waitForSelector(".react-flow__edge-path", { state: "attached" });
    };
    const saved = () =>
      page.waitForResponse((r) => r.request().method() === "PUT" && r.url().endsWith("/layout"));
    await open();
    const node = page.locator('.react-flow__node[data-id="strong"]');
    const box = (await node.boundingBox())!;
    const put = saved();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height - 8);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 40, box.y + box.height + 120, { steps: 8 });
    await page.mouse.up();
    assertEquals((await put).status(), 200);
    const dragged = workspace.layouts.get("flow")!.positions.strong!;
    await open();
    const moved = workspace.layouts.get("flow")!.positions.strong!;
    assertEquals(moved, dragged);
    const transform = await node.evaluate((element) => (element as HTMLElement).style.transform);
    assertEquals(transform, `translate(${dragged.x}px, ${dragged.y}px)`);
    const again = saved();
    await node.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector('.react-flow__node.selected[data-id="strong"]');
    await page.keyboard.press("ArrowRight");
    await again;
    assert(workspace.layouts.get("flow")!.positions.strong!.x > dragged.x);
    assertEquals(workspace.texts.flow, DEMO);
  },
);

browserTest("ST-951 the graph has a twin as tables, without scripts too", () => {
  engine = new FakeEngine();
  workspace = new MemoryWorkspace({ flow: DEMO });
  return { engine, workspace };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/flow?view=graph`);
  await page.locator(".graph-table > summary").click();
  const rows = await page.locator(".graph-table tbody tr").allInnerTexts();
  assertEquals(rows.map((row) => row.split("\t")), [
    ["scout", "agent, researcher", "", "not run"],
    ["strong", "jsonata", "scout", "not run"],
    ["last", "jsonata", "strong", "not run"],
    ["scout", "strong", "uses its value"],
    ["strong", "last", "comes after it"],
  ]);
}, { javaScriptEnabled: false });

browserTest("ST-416 above 300 nodes only those in view are drawn", () => {
  engine = new FakeEngine();
  workspace = new MemoryWorkspace({ flow: chain(400) });
  return { engine, workspace };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/flow?view=graph`);
  await islandsReady({ page });
  await page.waitForSelector(".react-flow__node");
  const drawn = await page.locator(".react-flow__node").count();
  assert(drawn > 0 && drawn < 300, `${drawn} nodes are drawn`);
});

const SKIP = "```jsonata a\n1\n```\n\n```jsonata b\na\n```\n\n```jsonata c\n[a, b]\n```\n";

/** Nodes, other than those at its ends, that the line of an edge touches as it is drawn. */
const TOUCHED = (id: string) => {
  const path = document.querySelector<SVGPathElement>(`.react-flow__edge[data-id="${id}"] path`)!;
  const matrix = path.getScreenCTM()!;
  const boxes = [...document.querySelectorAll<HTMLElement>(".react-flow__node")].filter((node) =>
    !id.startsWith(`${node.dataset.id}.`) && !id.includes(`>${node.dataset.id}.`)
  ).map((node) => ({ name: node.dataset.id, box: node.getBoundingClientRect() }));
  const touched = new Set<string | undefined>();
  for (let i = 0; i <= 200; i++) {
    const { x, y } = path.getPointAtLength(path.getTotalLength() * i / 200).matrixTransform(matrix);
    for (const { name, box } of boxes) {
      if (x > box.left && x < box.right && y > box.top && y < box.bottom) touched.add(name);
    }
  }
  return [...touched];
};

browserTest("ST-408 an edge goes around the node between its ends, until one of them is moved", () => {
  engine = new FakeEngine();
  workspace = new MemoryWorkspace({ flow: SKIP });
  return { engine, workspace };
}, async ({ page, studio }) => {
  const open = async () => {
    await page.goto(`${studio.url}/n/flow?view=graph`);
    await islandsReady({ page });
    await page.waitForSelector(".react-flow__edge-path", { state: "attached" });
  };
  await open();
  const around = "a.->c.a";
  const line = () => page.locator(`.react-flow__edge[data-id="${around}"] path`).first().getAttribute("d");
  const curves = async () => (await line())!.match(/C/g)!.length;
  assertEquals([await page.evaluate(TOUCHED, around), await curves()], [[], 2]);
  const put = page.waitForResponse((r) => r.request().method() === "PUT");
  await page.locator('.react-flow__node[data-id="c"]').focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector('.react-flow__node.selected[data-id="c"]');
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction((id) => {
    const path = document.querySelector(`.react-flow__edge[data-id="${id}"] path`);
    return path?.getAttribute("d")?.match(/C/g)?.length === 1;
  }, around);
  await put;
  await open();
  assertEquals(await curves(), 1);
});

browserTest("ST-413 a move is kept though the page is left at once", () => {
  engine = new FakeEngine();
  workspace = new MemoryWorkspace({ flow: SKIP });
  return { engine, workspace };
}, async ({ page, studio }) => {
  await page.goto(`${studio.url}/n/flow?view=graph`);
  await islandsReady({ page });
  const node = page.locator('.react-flow__node[data-id="b"]');
  await node.focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector('.react-flow__node.selected[data-id="b"]');
  await page.keyboard.press("ArrowDown");
  await page.goto(studio.url);
  const moved = () => workspace.layouts.get("flow")?.positions.b;
  for (let i = 0; i < 200 && moved() === undefined; i++) await page.request.get(`${studio.url}/healthz`);
  assert(moved() !== undefined && moved()!.y % 1 === 0);
});

closeBrowserAfterwards();
