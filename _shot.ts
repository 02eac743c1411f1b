import { chromium } from "playwright-core";
const [url, out, w, theme, path, wait, full, act] = Deno.args;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox","--disable-gpu","--disable-quic","--no-first-run","--disable-background-networking","--disable-component-update","--disable-sync"] });
const ctx = await browser.newContext({ viewport: { width: Number(w), height: Number(w) > 600 ? 900 : 800 }, colorScheme: theme as "dark" });
const page = await ctx.newPage();
page.on("console", (m) => console.log("console", m.type(), m.text()));
page.on("pageerror", (e) => console.log("PAGEERROR", e.message, e.stack));
page.on("requestfailed", (r) => console.log("FAILED", r.url(), r.failure()?.errorText));
await page.goto(`${url}/login?code=code&next=${encodeURIComponent("/")}`);
await page.waitForURL(`${url}/`);
await page.goto(url + path);
if (act) { await page.waitForSelector("[data-ready]"); await page.getByRole("button", { name: act }).first().click(); }
await page.waitForTimeout(Number(wait));
await page.screenshot({ path: out, fullPage: full === "full" });
console.log(await page.evaluate(() => ({ sw: document.documentElement.scrollWidth, cw: document.documentElement.clientWidth })));
await browser.close();
