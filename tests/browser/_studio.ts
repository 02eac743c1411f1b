/** What the browser tests share: one browser, and a studio for each test. */
import type { Browser } from "playwright-core";
import { serveStudio, type Studio } from "../_support/studio.ts";
import { launchChromium, openPage, type Watched } from "./_chromium.ts";

let browser: Promise<Browser> | undefined;

/** A test with a studio and a signed-in page. It fails if a script failed, or a page asked another host for anything. */
export function browserTest(
  name: string,
  parts: () => Parameters<typeof serveStudio>[0] | Promise<Parameters<typeof serveStudio>[0]>,
  body: (at: Watched & { studio: Studio; browser: Browser }) => Promise<void>,
  options: Parameters<Browser["newContext"]>[0] = {},
): void {
  Deno.test({
    name,
    // The browser is shared by the tests of a file and ends with the process.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      browser ??= launchChromium();
      const studio = await serveStudio(await parts());
      const watched = await openPage(await browser, studio.url, options);
      try {
        watched.page.setDefaultTimeout(15_000);
        await body({ ...watched, studio, browser: await browser });
        const found = [...watched.errors, ...watched.outside.map((url) => `asked ${url}`), ...studio.errors];
        if (found.length > 0) throw new Error(found.join("\n"));
      } finally {
        for (const context of (await browser).contexts()) await context.close();
        await studio.close();
      }
    },
  });
}

/** To be called once at the end of a file. */
export function closeBrowserAfterwards(): void {
  Deno.test({
    name: "the browser closes",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await (await browser)?.close(),
  });
}

/** Waits until every island of the page has come to life. */
export async function islandsReady({ page }: Pick<Watched, "page">): Promise<void> {
  await page.waitForFunction(() => {
    const islands = [...document.querySelectorAll("[data-island]")];
    return islands.length > 0 && islands.every((island) => island.hasAttribute("data-ready"));
  });
}
