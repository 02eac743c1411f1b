/**
 * `deno task bench [NAME] [--json]`. Owns: finding a benchmark by name and printing its rows: a table, or with `--json`
 * one JSON object a line. Never: measuring.
 *
 * A benchmark is a file of this folder that exports `run(): Promise<BenchRow[]>`; its name is the file's.
 */
import type { BenchRow } from "./measure.ts";

const OTHERS = new Set(["main", "measure"]);

/** Names of the benchmarks there are, sorted. */
function benchmarks(): string[] {
  return [...Deno.readDirSync(new URL(".", import.meta.url))]
    .filter(({ name }) => name.endsWith(".ts"))
    .map(({ name }) => name.slice(0, -".ts".length))
    .filter((name) => !OTHERS.has(name))
    .sort();
}

function table(rows: BenchRow[]): string {
  const number = (value: number | undefined) => value === undefined ? "" : value.toPrecision(3);
  const cells = rows.map(({ name, median, min, max, unit, rounds, ratioToBaseline, baseline, ...row }) => [
    name,
    `${number(median)} ${unit}`,
    `${number(min)} to ${number(max)}`,
    `${rounds} rounds`,
    ratioToBaseline === undefined ? "" : `${number(ratioToBaseline)} x ${baseline}`,
    [[row.ratioToRaw, "raw"] as const, [row.ratioToFloor, "floor"] as const]
      .filter(([ratio]) => ratio !== undefined)
      .map(([ratio, of]) => `${number(ratio)} x ${of}`).join(", "),
  ]);
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd()).join("\n");
}

async function main(args: string[]): Promise<number> {
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknownFlag = args.find((arg) => arg.startsWith("--") && arg !== "--json");
  const known = benchmarks();
  const unknown = unknownFlag ?? names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    console.error(
      `No such benchmark or option: ${unknown}\nBenchmarks: ${known.join(", ")}\nOptions: --json`,
    );
    return 2;
  }
  for (const name of names.length > 0 ? names : known) {
    const { run } = await import(new URL(`${name}.ts`, import.meta.url).href) as {
      run(): Promise<BenchRow[]>;
    };
    const rows = await run();
    if (!args.includes("--json")) console.log(`${name}\n${table(rows)}\n`);
    else for (const row of rows) console.log(JSON.stringify({ bench: name, ...row }));
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
