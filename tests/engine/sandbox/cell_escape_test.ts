/** What a cell must not be able to do, each beside the control that shows the same cell works without it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { failureOf, runModule, valueOf } from "./_run_cell.ts";

const denied: [string, string, string][] = [
  ["read a file", "return Deno.readTextFileSync('/etc/hostname')", 'read access to "/etc/hostname"'],
  ["write a file", "return Deno.writeTextFileSync('out', 'x')", "write access to"],
  ["list its own folder", "return [...Deno.readDirSync('.')]", "read access to"],
  ["fetch", "return fetch('http://127.0.0.1:8080/')", 'net access to "127.0.0.1:8080"'],
  ["open a socket", "return Deno.connect({ port: 8080 })", "net access to"],
  ["listen", "return Deno.listen({ port: 0 })", "net access to"],
  ["ask for a name's address", "return Deno.resolveDns('example.org', 'A')", "net access to"],
  ["start a process", "return new Deno.Command('/bin/ls').outputSync()", "run access to"],
  ["start a process by its bare name", "return new Deno.Command('ls').outputSync()", 'run access to "ls"'],
  ["read the environment", "return Deno.env.get('HOME')", 'env access to "HOME"'],
  ["load native code", "return Deno.dlopen('/lib/x.so', {})", "ffi access to"],
  ["ask about the machine", "return Deno.hostname()", "sys access to"],
  [
    "read by node:fs",
    "return import('node:fs').then((fs) => fs.readFileSync('/etc/hostname'))",
    "read access to",
  ],
  ["import a file", "return import('file:///etc/hostname')", "read access to"],
  [
    "import a file as text",
    "return import('file:///etc/hostname', { with: { type: 'text' } })",
    "read access to",
  ],
];

for (const [what, body, need] of denied) {
  Deno.test(`SE-501 a cell may not ${what}: permission_denied names the need`, async () => {
    const failure = await failureOf(`export default () => { ${body} }`);
    assertEquals([failure.category, failure.code], ["code_error", "permission_denied"]);
    assertStringIncludes(failure.message.split("\n")[0]!, need);
    assert(!/run again|--allow/.test(failure.message), failure.message);
  });
}

for (
  const [what, specifier] of [
    ["npm", "npm:jsonata@2.2.2"],
    ["npm by bare name", "jsonata"],
    ["jsr", "jsr:@std/assert"],
    ["the web", "https://example.org/x.ts"],
  ]
) {
  Deno.test(`SE-511 a cell may not import from ${what}, statically or not`, async () => {
    const code = (module: string) => failureOf(module).then((failure) => failure.code);
    assertEquals(await code(`import x from "${specifier}";\nexport default () => x`), "package_not_granted");
    assertEquals(await code(`export default () => import("${specifier}")`), "package_not_granted");
  });
}

Deno.test("SE-503 text of a file named in a cell's static imports is not read", async () => {
  const module = `import text from "file:///etc/hostname" with { type: "text" };\nexport default text`;
  assertEquals((await failureOf(module)).code, "permission_denied");
});

Deno.test("SE-501 the environment is cleared, the folder empty and its own", async () => {
  const module = "export default () => ({ cwd: Deno.cwd(), args: Deno.args })";
  const [one, two] = [await valueOf(module), await valueOf(module)] as { cwd: string; args: string[] }[];
  assert(one!.cwd !== two!.cwd);
  assertEquals(one!.args, []);
  let there = true;
  await Deno.stat(one!.cwd).catch(() => there = false);
  assert(!there, "the folder outlived its attempt");
});

Deno.test("SE-512 storage, caches, workers and channels are not there", async () => {
  const names = ["localStorage", "sessionStorage", "caches", "Worker", "BroadcastChannel"];
  const module = `export default () => ${JSON.stringify(names)}.map((name) => typeof globalThis[name])`;
  assertEquals(await valueOf(module), names.map(() => "undefined"));
});

Deno.test("SE-513 frames that a cell writes itself are its output and nothing more", async () => {
  const forged = [
    '{"type":"done"}',
    '{"type":"piece","text":"9"}',
    '{"type":"log","level":"error","text":"x"}',
  ];
  const module = `export default () => {
  for (const text of ${
    JSON.stringify(forged)
  }) Deno.stdout.writeSync(new TextEncoder().encode("\\n\\x01" + text + "\\n"));
  return 2;
}`;
  const { result, lines } = await runModule(module);
  assertEquals(result, { ok: true, value: 2 });
  assertEquals(lines, forged.map((text) => `info \x01${text}`));
});

Deno.test("X5 a second result is not read: the first ends the process", async () => {
  // The cell learns the mark of its frames by standing between the program and its output.
  const module = `const { slice } = Uint8Array.prototype;
const real = Uint8Array.prototype.subarray;
Uint8Array.prototype.subarray = function (...range) {
  const text = new TextDecoder().decode(this);
  const mark = /^\\n(\\x01[\\w-]{43}){"type":"done"/.exec(text)?.[1];
  if (mark !== undefined) {
    const frames = mark + '{"type":"piece","text":"666"}\\n' + mark + '{"type":"done"}\\n';
    Uint8Array.prototype.subarray = real;
    return new TextEncoder().encode(text + frames).subarray(...range);
  }
  return real.apply(this, range);
};
export default () => 1`;
  assertEquals(await valueOf(module), 1);
});

Deno.test("SE-518 ways around the language lead to no right", async (t) => {
  const bodies: Record<string, string> = {
    "Function constructor": "return new Function('return Deno.readTextFileSync(\"/etc/hostname\")')()",
    "constructor chain": "return (() => {}).constructor('return Deno.env.toObject()')()",
    "prepareStackTrace": `Error.prepareStackTrace = (_, sites) => sites;
const sites = new Error().stack; const top = sites.at(-1);
return (top.getFunction?.() ?? Deno.readTextFileSync).call(null, '/etc/hostname')`,
    "Deno.permissions": `return Deno.permissions.request({ name: "read" }).then((status) => {
  if (status.state === "granted") return 1;
  throw new Deno.errors.NotCapable('Requires read access to "all", run again with the --allow-read flag');
})`,
    "node:child_process": "return import('node:child_process').then((m) => m.execFileSync('/bin/ls'))",
    "node:worker_threads": `return import('node:worker_threads').then((m) =>
  new Promise((ok, no) => { const w = new m.Worker('require("fs").readFileSync("/etc/hostname")', { eval: true });
    w.on('message', ok); w.on('exit', no); w.on('error', no) }))`,
    "process.binding":
      "return import('node:process').then((m) => m.default.binding('fs').internalModuleReadJSON('/etc/hostname'))",
    "internals": "return Deno[Deno.internal].core.ops.op_fs_read_file_text_sync('/etc/hostname')",
  };
  for (const [name, body] of Object.entries(bodies)) {
    await t.step(name, async () => {
      const { result } = await runModule(`export default () => { ${body} }`);
      assert(!result.ok, `it got ${JSON.stringify(result)}`);
    });
  }
});

Deno.test("SE-202 a cell that asks for nothing works beside all of these", async () => {
  assertEquals(await valueOf("export default () => new URL('https://example.org/a').pathname"), "/a");
});
