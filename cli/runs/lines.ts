/**
 * Runs and steps as lines of text. Owns: these lines. Never: a clock; times are shown as they were.
 */
import type { RunSummary } from "../../engine/mod.ts";
import type { runShape, stepShape } from "../../routes/api/run_shapes.ts";

/** Longest label, so that columns stand below each other. */
const LABEL = 10;

/** A run in a list: id, label, when it was asked for, notebook. */
export function runLine({ id, label, createdAt, notebook }: RunSummary): string {
  return `${id}  ${label.padEnd(LABEL)}  ${new Date(createdAt).toISOString()}  ${notebook}`;
}

/** A run by itself. */
export function runLines(run: ReturnType<typeof runShape>): string[] {
  const { id, label, notebook, version, author, owner, counts, wait, problem, tags, parent } = run;
  const labels = Object.entries(counts.byLabel).map(([label, n]) => `${n} ${label}`).join(", ");
  const said = Object.entries(tags).map(([name, value]) => `${name}=${value}`).join(" ");
  const rows: [string, string | undefined][] = [
    ["run", id],
    ["label", label],
    ["notebook", `${notebook}, version ${version.slice(0, 7)}`],
    ["asked for", `${run.createdAt} by ${author}`],
    ["not before", run.scheduledAt],
    ["started", run.startedAt],
    ["ended", run.endedAt],
    ["deadline", run.deadline],
    ["owner", owner === undefined ? "nobody" : owner.worker],
    ["priority", String(run.priority)],
    ["part of", parent === undefined ? undefined : `${parent.run}, cell ${parent.step}`],
    ["tags", said === "" ? undefined : said],
    ["cells", `${counts.total}: ${labels}`],
    ["waits", wait?.what],
    ["problem", problem?.message.split("\n")[0]],
  ];
  return rows.flatMap(([name, value]) => value === undefined ? [] : [`${name.padEnd(12)}${value}`]);
}

/** One cell of a run. */
export function stepLine(step: NonNullable<ReturnType<typeof stepShape>>): string {
  const { label, step: name, attempts, wait, problem, child } = step as typeof step & {
    problem?: { message: string };
    child?: { run: string };
  };
  const tries = attempts > 1 ? `, attempt ${attempts}` : "";
  const why = (child && label === "suspended" ? `It waits for ${child.run}` : wait?.what) ??
    problem?.message.split("\n")[0];
  return `${label.padEnd(LABEL)}  ${name}${tries}${why === undefined ? "" : `: ${why}`}`;
}
