/**
 * A browser for the tests: the one in `CHROME_PATH`, else one of the system, else the one that comes with the npm package
 * `@sparticuz/chromium`, for which libraries that the system lacks are unpacked too.
 */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const FLAGS = [
  ..."--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split(" "),
  ..."--disable-component-update --disable-sync".split(" "),
];
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** Starts a browser; the caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const found = Deno.env.get("CHROME_PATH") || await onPath();
  if (found) return await chromium.launch({ executablePath: found, args: FLAGS });
  const { executablePath, env } = await packaged();
  return await chromium.launch({ executablePath, args: FLAGS, env });
}

async function onPath(): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "")) {
    for (const name of NAMES) {
      const info = await Deno.stat(`${folder}/${name}`).catch(() => undefined);
      if (info?.isFile) return `${folder}/${name}`;
    }
  }
}

/** The packaged browser, and an environment in which it finds its libraries. */
export async function packaged(): Promise<{ executablePath: string; env: Record<string, string> }> {
  const folder = new URL("chromium/", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `--config=${folder}deno.json`, `${folder}unpack.ts`],
    cwd: folder,
  }).output();
  if (!success) throw new Error(`No browser could be had from npm: ${new TextDecoder().decode(stderr)}`);
  const { executablePath, libraries } = JSON.parse(new TextDecoder().decode(stdout));
  const path = [libraries, Deno.env.get("LD_LIBRARY_PATH")].filter(Boolean).join(":");
  return { executablePath, env: { ...Deno.env.toObject(), LD_LIBRARY_PATH: path } };
}

/** What a page did that it should not have. */
export interface Watched {
  page: Page;
  context: BrowserContext;
  /** Errors thrown by scripts and written to the console. */
  errors: string[];
  /** Requests to any other host than the studio's. */
  outside: string[];
}

/** A page signed in to a studio. */
export async function openPage(
  browser: Browser,
  url: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.addCookies([{
    name: `weft_${new URL(url).port}`,
    value: "secret",
    url,
    httpOnly: true,
    sameSite: "Strict",
  }]);
  const page = await context.newPage();
  const errors: string[] = [];
  const outside: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  context.on("request", (request) => {
    const address = new URL(request.url());
    if (address.protocol.startsWith("http") && address.origin !== url) outside.push(request.url());
  });
  return { page, context, errors, outside };
}
