/**
 * A browser for the tests: the one in `CHROME_PATH`, else one of the system, else the one that comes with the npm package
 * `@sparticuz/chromium`, for which libraries that the system lacks are unpacked too.
 */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { brotliDecompressSync } from "node:zlib";

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
  const { default: packagedChromium } = await import("@sparticuz/chromium");
  const executablePath = await packagedChromium.executablePath();
  const libraries = `${executablePath}-libraries`;
  if (!await Deno.stat(libraries).catch(() => undefined)) await unpackLibraries(libraries);
  const path = [libraries, Deno.env.get("LD_LIBRARY_PATH")].filter(Boolean).join(":");
  return { executablePath, env: { ...Deno.env.toObject(), LD_LIBRARY_PATH: path } };
}

/** Makes the folder whole or not at all, as another test process may do the same. */
async function unpackLibraries(folder: string): Promise<void> {
  const archive = await findArchive(new URL(import.meta.resolve("@sparticuz/chromium")));
  const bytes = brotliDecompressSync(await Deno.readFile(archive));
  const made = await Deno.makeTempDir({ prefix: "weft-chromium-" });
  for (const { name, body } of tarFiles(new Uint8Array(bytes))) {
    await Deno.writeFile(`${made}/${name.slice(name.lastIndexOf("/") + 1)}`, body);
  }
  await Deno.rename(made, folder).catch(() => Deno.remove(made, { recursive: true }));
}

/** `bin/al2023.tar.br` of the package, some folders above its entry. */
async function findArchive(entry: URL): Promise<URL> {
  for (let at = new URL(".", entry); at.pathname !== "/"; at = new URL("..", at)) {
    const archive = new URL("bin/al2023.tar.br", at);
    if (await Deno.stat(archive).catch(() => undefined)) return archive;
  }
  throw new Error("The package @sparticuz/chromium has no bin/al2023.tar.br");
}

/** The plain files of a tar archive. */
function* tarFiles(tar: Uint8Array): Iterable<{ name: string; body: Uint8Array }> {
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = parseInt(text(at + 124, 12).trim() || "0", 8);
    const plain = ["", "0"].includes(text(at + 156, 1));
    if (plain) yield { name: text(at, 100), body: tar.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
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
