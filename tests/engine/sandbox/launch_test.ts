import { assert, assertEquals } from "@std/assert";
import { type Child, launch } from "../../../engine/sandbox/launch.ts";

async function start(text: string): Promise<Child> {
  const child = await launch({ program: { text }, heapMb: 64, memoryMb: 1000, cpuSeconds: 10 });
  await child.stdin.close();
  return child;
}

async function outputOf(text: string): Promise<string> {
  const child = await start(text);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.ended;
  return out + err;
}

Deno.test("SE-504 a child has no permission of any name and cannot ask for one", async () => {
  const names = ["read", "write", "net", "env", "sys", "run", "ffi", "import"];
  const program = `for (const name of ${JSON.stringify(names)}) {
  console.log(name, (await Deno.permissions.query({ name })).state === "granted");
  console.log(name, (await Deno.permissions.request({ name })).state === "granted");
}`;
  assertEquals(await outputOf(program), names.map((name) => `${name} false\n${name} false\n`).join(""));
});

Deno.test({
  name: "SE-501 SE-504 the launch line has what it must and nothing that it must not",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const child = await start("console.log(Deno.pid); setInterval(() => {}, 1000);");
    const reader = child.stdout.getReader();
    const pid = Number(new TextDecoder().decode((await reader.read()).value));
    const args = (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0");
    const env = (await Deno.readTextFile(`/proc/${pid}/environ`)).split("\0").filter((entry) => entry !== "");
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const limits = await Deno.readTextFile(`/proc/${pid}/limits`);
    child.kill();
    await Promise.all([child.ended, reader.cancel(), child.stderr.cancel()]);
    for (
      const flag of [
        "--no-prompt",
        "--cached-only",
        "--deny-import",
        "--no-remote",
        "--no-lock",
        "--no-config",
      ]
    ) {
      assert(args.includes(flag), flag);
    }
    for (const arg of args) assert(!/^(-A|--allow|--unstable|--inspect|-P)/.test(arg), arg);
    const names = env.map((entry) => entry.split("=")[0]!).filter((name) => name !== "PWD").sort();
    assertEquals(names, ["DENO_DIR", "DENO_NO_UPDATE_CHECK", "NO_COLOR", "TZ"]);
    assert(/^Umask:\s+0077$/m.test(status));
    assert(/Max data size\s+1024000000\s/.test(limits), limits);
    assert(/Max cpu time\s+10\s/.test(limits), limits);
  },
});

Deno.test("SE-516 kill takes the process group, and what is left is removed", async () => {
  const child = await start("console.log(Deno.cwd()); for (;;);");
  const reader = child.stdout.getReader();
  const cwd = new TextDecoder().decode((await reader.read()).value).trim();
  assert((await Deno.stat(cwd)).isDirectory);
  child.kill();
  child.kill();
  const status = await child.ended;
  child.kill();
  await Promise.all([reader.cancel(), child.stderr.cancel()]);
  assertEquals(status.signal, "SIGKILL");
  let there = true;
  await Deno.stat(cwd.replace(/\/step$/, "")).catch(() => there = false);
  assert(!there);
});
