/** Going on from a run with the notebook as it is now, on the engine itself. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { closeEnginesAfterwards, realStudio } from "./_engine.ts";
import { browserTest, closeBrowserAfterwards, islandsReady } from "./_studio.ts";

const text = (third: string) =>
  `# Demo\n\n\`\`\`jsonata a\n1\n\`\`\`\n\n\`\`\`jsonata b\na + 1\n\`\`\`\n\n\`\`\`jsonata c\nb + ${third}\n\`\`\`\n`;

let parts: Awaited<ReturnType<typeof realStudio>>;

browserTest(
  "ST-508 EN-1406 a run of an older version is gone on from in another run, after what differs was shown",
  async () => parts = await realStudio({ demo: text("1") }),
  async ({ page, studio, errors }) => {
    await page.goto(`${studio.url}/n/demo`);
    await islandsReady({ page });
    await page.getByRole("button", { name: "Run all" }).click();
    await page.waitForSelector('#c .status:has-text("done")');
    const [first] = await parts.engine.runs({ notebook: "demo" });
    await Deno.writeTextFile(`${parts.workspace.root}/notebooks/demo.md`, text("40"));
    await page.reload();
    await islandsReady({ page });
    await page.getByRole("button", { name: "What can be done?" }).click();
    const panel = page.locator(".popover .why");
    await panel.locator("p:has-text('Changed: c.')").waitFor();
    assertEquals((await parts.engine.runs({ notebook: "demo" })).length, 1, "only asked so far");
    await panel.getByRole("button", { name: "Continue with the current version" }).click();
    await page.waitForSelector('#c .status:has-text("done")');
    await page.waitForSelector('#b .status:has-text("reused")');
    assertStringIncludes(await page.locator("#c .output").innerText(), "42");
    const runs = await parts.engine.runs({ notebook: "demo" });
    assertEquals([runs.length, runs[0]!.origin?.run], [2, first!.id]);
    // What Chromium says of the refusal by which the differences are told.
    errors.splice(0, errors.length, ...errors.filter((text) => !text.includes("409")));
  },
);

closeBrowserAfterwards();
closeEnginesAfterwards();
