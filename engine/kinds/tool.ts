/**
 * The kind `tool`: a cell that calls a tool of a server by the Model Context Protocol. Owns: the way from its text to its
 * value. Never: the protocol (`engine/sandbox/mcp`), or whether a call is made again (`attempt.effects`).
 *
 * T1 No program starts and no tool is called before a person has approved exactly that.
 * T2 A call is an effect unless the cell says `readOnly`; what the server says of its tool changes nothing in that.
 */
import { sha256 } from "../base/hash.ts";
import { canonicalJson, isObject, type Json, type JsonObject } from "../base/json.ts";
import type { Cell } from "../notebook/types.ts";
import { defaultDescriptor } from "../notebook/effects/descriptor.ts";
import type { Egress } from "../sandbox/egress/egress.ts";
import { httpTransport } from "../sandbox/mcp/http.ts";
import { type Program, programOf, serverIn, type ToolServer } from "../sandbox/mcp/server.ts";
import {
  MESSAGE_BYTES,
  openSession,
  type Session,
  type Tool,
  ToolServerFault,
} from "../sandbox/mcp/session.ts";
import { stdioTransport } from "../sandbox/mcp/stdio.ts";
import type { ExpressionEvaluator } from "./agent/prompt.ts";
import { displayOf } from "./display.ts";
import { type Attempt, type Called, failed, type Kind, type Outcome } from "./kind.ts";
import { schemaCheck } from "./schema/check.ts";
import { listErrors } from "./schema/told.ts";
import { type Allowed, allowedSoFar, ask } from "./tool/asked.ts";
import { argsOf, callProblems, readCall } from "./tool/call.ts";

/** What the kind works with. */
export interface ToolServices {
  egress: Egress;
  evaluator: ExpressionEvaluator;
  /** Reads `PATH`, and `WEFT_MCP_STDIO`: names of the servers that may start as programs, with commas between. */
  env: (name: string) => string | undefined;
}

/** The one effect of its step. */
const SLOT = "0";
const SHOWN = 2000;

/** The kind. */
export function toolKind(services: ToolServices): Kind {
  return {
    name: "tool",
    title: "Tool",
    description: "Calls a tool of an MCP server, once somebody has approved it",
    attempts: 1,
    check: callProblems,
    undo: (cell) => readsOnly(cell) ? undefined : defaultDescriptor("tool_call"),
    run: (attempt) => execute(attempt, services),
  };
}

function readsOnly({ header }: Pick<Cell, "header">): boolean {
  return header.readOnly === true;
}

async function execute(attempt: Attempt, services: ToolServices): Promise<Outcome> {
  const { cell, frontMatter, signal } = attempt;
  const read = readCall(cell.source, cell.name);
  if (!read.ok) return failed("invalid_input", read.reason, "tool_invalid");
  const declared = serverIn(frontMatter.data.mcp, read.source.server);
  if (!declared.ok) return failed("invalid_input", declared.reason, "tool_server_invalid");
  const args = await argsOf(read.source, attempt, services.evaluator);
  if (!args.ok) return args.outcome;
  const so = allowedSoFar(attempt);
  if (!so.ok) return so.outcome;
  const ready = await startable(declared.server, so.allowed, services.env);
  if (!ready.ok) return ready.outcome;
  let session: Session | undefined;
  try {
    session = await connect(declared.server, ready.program, attempt, services.egress);
    const outcome = await callIn(session, read.source, args.args, so.allowed, attempt);
    return signal.aborted ? { type: "cancelled" } : outcome;
  } catch (error) {
    if (signal.aborted) return { type: "cancelled" };
    if (error instanceof ToolServerFault) return failed("unavailable", error.message, "tool_server_failed");
    throw error;
  } finally {
    await session?.close();
  }
}

/** SE-1301, SE-1302. */
async function startable(
  server: ToolServer,
  allowed: Allowed,
  env: ToolServices["env"],
): Promise<{ ok: true; program?: Program } | { ok: false; outcome: Outcome }> {
  if (server.type === "http") return { ok: true };
  const { name, args, env: given } = server;
  const listed = (env("WEFT_MCP_STDIO") ?? "").split(",").map((each) => each.trim());
  if (!listed.includes(name)) {
    const message =
      `Server '${name}' is a program, and WEFT_MCP_STDIO does not name it; set WEFT_MCP_STDIO=${name}`;
    return { ok: false, outcome: failed("refused", message, "tool_server_denied") };
  }
  const found = await programOf(server, env("PATH") ?? "");
  if (!found.ok) return { ok: false, outcome: failed("not_found", found.reason, "tool_server_missing") };
  const { program } = found;
  if (allowed.start === program.hash) return { ok: true, program };
  const changed = allowed.start === undefined ? "" : ", which has changed since it was approved";
  const context = { program: program.path, arguments: args, variables: Object.keys(given).sort() };
  const question = { ask: `Start the server '${name}' of tools${changed}?`, context };
  return { ok: false, outcome: ask("start", program.hash, allowed, question) };
}

function connect(
  server: ToolServer,
  program: Program | undefined,
  { clock, signal, emit }: Attempt,
  egress: Egress,
): Promise<Session> {
  const { name } = server;
  const transport = server.type === "stdio"
    ? stdioTransport({
      path: program!.path,
      args: server.args,
      env: server.env,
      maxBytes: MESSAGE_BYTES,
      onLog: (text) => emit({ type: "log", level: "info", text }),
    })
    : httpTransport({
      url: server.url,
      headers: server.headers,
      allowed: URL.canParse(server.url) ? [new URL(server.url).host] : [],
      egress,
      maxBytes: MESSAGE_BYTES,
      signal,
    });
  return openSession({ name, transport, clock, signal });
}

async function callIn(
  session: Session,
  { server, tool: wanted }: { server: string; tool: string },
  args: JsonObject,
  allowed: Allowed,
  attempt: Attempt,
): Promise<Outcome> {
  const tools = await session.tools();
  const tool = tools.get(wanted);
  if (tool === undefined) {
    const there = [...tools.keys()].slice(0, 20).join(", ") || "none";
    return failed(
      "not_found",
      `Server '${server}' has no tool '${wanted}'; there are: ${there}`,
      "tool_unknown",
    );
  }
  const schema = await schemaCheck(tool.inputSchema);
  if (!schema.ok) {
    const message = `The schema of '${server}/${wanted}' is not usable: ${schema.fault}`;
    return failed("invalid_output", message, "tool_schema_invalid");
  }
  const errors = schema.check(args);
  if (errors.length > 0) {
    const message = `Arguments do not fit '${server}/${wanted}': ${listErrors(errors)}`;
    return failed("invalid_input", message, "arguments_invalid");
  }
  const hash = sha256(canonicalJson({ server, tool: tool.hash, args }));
  if (allowed.call !== hash) return ask("call", hash, allowed, questionOf(server, tool, args, allowed));
  return await perform(session, { server, tool, args }, allowed, attempt);
}

function questionOf(server: string, tool: Tool, args: JsonObject, { call }: Allowed) {
  const changed = call === undefined ? "" : ", which has changed since it was approved";
  return {
    ask: `Call the tool '${server}/${tool.name}'${changed}?`,
    context: { arguments: args, "what the server says of it": tool.description.slice(0, SHOWN) },
  };
}

async function perform(
  session: Session,
  { server, tool, args }: { server: string; tool: Tool; args: JsonObject },
  allowed: Allowed,
  attempt: Attempt,
): Promise<Outcome> {
  const send = async (request: Json): Promise<Called> => {
    const given = isObject(request) && isObject(request.args) ? request.args : {};
    const answer = await session.call(
      tool.name,
      given,
      (text, part) => attempt.emit({ type: "progress", text, ...(part === undefined ? {} : { part }) }),
    );
    if (answer.type === "done") return answer;
    if (answer.type === "unknown") return { type: "unknown", why: answer.message };
    return {
      type: "failed",
      problem: { category: "unavailable", message: answer.message, code: "tool_call_failed" },
    };
  };
  if (readsOnly(attempt.cell)) {
    const called = await send({ args });
    if (called.type === "done") return outcomeOf(called.result, attempt.cell);
    if (called.type === "failed") return { type: "failed", problem: called.problem };
    return failed("unavailable", called.why, "tool_call_failed");
  }
  const done = await attempt.effects.perform({
    request: { server, tool: tool.name, args },
    description: `Call ${server}/${tool.name}`.slice(0, 500),
    service: server,
    operation: "tool_call",
    slot: SLOT,
  }, ({ request }) => send(request));
  if (done.ok) return outcomeOf(done.result, attempt.cell);
  // What was allowed stays so while a person finds out what became of the call.
  return done.outcome.type === "held" ? { ...done.outcome, saved: { ...allowed } } : done.outcome;
}

/** IO-604: the texts joined, what is structured, and the parts as the server gave them. */
function outcomeOf(result: Json, cell: Cell): Outcome {
  const { content, structuredContent, isError } = isObject(result) ? result : {};
  const parts = Array.isArray(content) ? content : [];
  const text = parts.flatMap((part) =>
    isObject(part) && part.type === "text" && typeof part.text === "string" ? [part.text] : []
  ).join("\n");
  if (isError === true) {
    return failed(
      "unknown",
      text === "" ? "The tool failed and does not say why" : text.slice(0, SHOWN),
      "tool_error",
    );
  }
  const value = { text, structured: structuredContent ?? null, content: parts };
  return { type: "succeeded", value, ...displayOf(value, cell) };
}
