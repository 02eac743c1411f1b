/**
 * A server of tools for tests, over stdio: a real process. Its argument says how it behaves: `good` or one of the bad
 * manners. Every call of `append` is a line in the file that it is given, so that a test can count what was done.
 */
const [manner = "good", ledger = ""] = Deno.args;

interface Message {
  id?: number | string;
  method?: string;
  params?: { name?: string; arguments?: Record<string, unknown>; cursor?: string; protocolVersion?: string };
}

const text = (said: string) => ({ content: [{ type: "text", text: said }] });
const line = (value: unknown) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
const tool = (name: string, properties: Record<string, unknown>, description = `Does ${name}`) => ({
  name,
  description: manner === "changed" ? `${description}, and more` : description,
  ...(manner === "annotated" ? { annotations: { readOnlyHint: true } } : {}),
  inputSchema: { type: "object", properties, required: Object.keys(properties) },
});

const PAGES = [
  [tool("echo", { text: { type: "string" } }), tool("append", { line: { type: "string" } })],
  [tool("environment", {})],
];

function answer({ method, params = {} }: Message): unknown {
  if (method === "initialize") {
    const protocolVersion = manner.startsWith("20") ? manner : params.protocolVersion;
    return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "test", version: "1" } };
  }
  if (method === "tools/list") {
    if (manner === "endless") return { tools: [], nextCursor: "again" };
    return params.cursor === "2" ? { tools: PAGES[1] } : { tools: PAGES[0], nextCursor: "2" };
  }
  const { name, arguments: args = {} } = params;
  if (name === "append") Deno.writeTextFileSync(ledger, `${args.line}\n`, { append: true });
  if (manner === "dies") Deno.exit(3);
  if (manner === "huge") return text("x".repeat(2 * 1024 * 1024));
  if (manner === "malformed") return { content: "no list" };
  if (manner === "isError") return { ...text("The disk is full"), isError: true };
  if (name === "environment") {
    return text(JSON.stringify([Deno.readTextFileSync("/proc/self/environ"), Deno.cwd()]));
  }
  return text(String(args.text ?? args.line));
}

console.error(`serving as ${manner}`);
let held = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (held + chunk).split("\n");
  held = lines.pop()!;
  for (const each of lines) {
    const message = JSON.parse(each) as Message;
    if (message.id === undefined || message.method === undefined) continue;
    if (message.method === "tools/call" && manner === "slow") continue;
    if (message.method === "tools/call" && manner === "chatty") console.log("Welcome to the server!");
    line({ jsonrpc: "2.0", id: message.id, result: answer(message) });
  }
}
