/**
 * The program that draws one chart. Owns: turning a Vega-Lite specification into SVG text.
 * Never: a permission, a request for data, or code made from text: expressions are interpreted as trees.
 *
 * It reads one request from standard input and writes one answer to standard output.
 */
import * as vega from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type Config, type TopLevelSpec } from "vega-lite";

const request = await new Response(Deno.stdin.readable).json() as {
  spec: TopLevelSpec;
  config: Config;
  width: number | undefined;
};

const problems: string[] = [];

/** Data stands in the specification; everything that would be fetched is refused. */
const refuse = (url: unknown) => {
  const problem = `A chart cannot load what is elsewhere: ${String(url).slice(0, 200)}`;
  problems.push(problem);
  return Promise.reject(new Error(problem));
};
const loader = vega.loader();
loader.load = refuse;
loader.http = refuse;
loader.file = refuse;
// A picture has no links: they lead nowhere, wherever the picture is put.
loader.sanitize = (url, { context }) => context === "href" ? Promise.resolve({ href: "#" }) : refuse(url);

async function draw(): Promise<Record<string, string>> {
  const logger = vega.logger(vega.Error);
  logger.error = (...words: unknown[]) => {
    problems.push(words.map((word) => word instanceof Error ? word.message : String(word)).join(" "));
    return logger;
  };
  const spec = request.width === undefined
    ? request.spec
    : { ...request.spec, width: request.width } as TopLevelSpec;
  const { spec: plan } = compile(spec, { config: request.config, logger });
  const view = new vega.View(vega.parse(plan, undefined, { ast: true }), {
    expr: expressionInterpreter,
    renderer: "none",
    loader,
    logger,
  });
  const svg = await view.toSVG();
  return problems.length === 0 ? { svg } : { problem: problems[0]! };
}

function problemOf(error: unknown): { problem: string } {
  const problem = error instanceof Error ? error.message : String(error);
  // The compiler reads an invalid specification until it stumbles.
  return { problem: error instanceof TypeError ? `it is not valid Vega-Lite (${problem})` : problem };
}

const answer = await draw().catch(problemOf);
const bytes = new TextEncoder().encode(`${JSON.stringify(answer)}\n`);
for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
