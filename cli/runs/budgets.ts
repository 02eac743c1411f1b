/**
 * `weft budgets`: lists budgets that runs share, makes and changes them. Owns: its arguments and what it prints.
 */
import { written } from "../../engine/notebook/spend/limits.ts";
import type { Budget } from "../../engine/mod.ts";
import { budgetShape } from "../../routes/api/spend/budgets.ts";
import { type Arguments, readArguments } from "../flags.ts";
import { CommandError, EXIT, type Io } from "../io.ts";
import { openStudio } from "../open_studio.ts";
import { readSettings } from "../settings.ts";
import { limitsOf } from "./limit_flag.ts";

/** Help of this command. */
export const BUDGETS_HELP = `weft budgets [list]
weft budgets set NAME --limit usd=5 [--limit tokens=100000]… [--notebook ID] [--reset day|week|month]
                 [--time-zone ZONE] [--on-limit pause|fail|stop]
weft budgets remove NAME

Budgets that all runs of a store share, or those of one notebook. What waits for one goes on when it is raised.

  --limit NAME=AMOUNT tokens, usd or calls; may be given again
  --notebook ID       of its runs only
  --reset PERIOD      begins anew each day, week or month, in the zone that is given (UTC)
  --on-limit WHAT     what becomes of a call that does not fit: it waits (pause), fails, or stops its run
  --store ADDRESS     memory:, a file, or the https address of a KV Connect server (WEFT_STORE)
  --json              one JSON object on standard output

Example: weft budgets set all --limit usd=5 --reset day --time-zone Europe/Berlin`;

/** Runs the command; returns its exit code. */
export async function budgets(args: readonly string[], io: Io): Promise<number> {
  const read = readArguments(args, {
    limit: { type: "string", multiple: true },
    notebook: { type: "string" },
    reset: { type: "string" },
    "time-zone": { type: "string" },
    "on-limit": { type: "string" },
    store: { type: "string" },
    json: { type: "boolean" },
  });
  const [what = "list", name, ...more] = read.files;
  const takes = what === "list" ? name === undefined : name !== undefined && more.length === 0;
  if (!["list", "set", "remove"].includes(what) || !takes) {
    throw new CommandError(
      EXIT.usage,
      "Say weft budgets list, weft budgets set NAME or weft budgets remove NAME",
    );
  }
  const rule = what === "set" ? ruleOf(read) : undefined;
  const settings = readSettings(io, { store: read.text("store"), logLevel: "warn" });
  const { engine, close } = await openStudio(settings, io, { mayBeClient: true, only: [], idle: true });
  try {
    if (what === "remove") await engine.budgets.remove(name!);
    if (rule !== undefined) {
      const there = (await engine.budgets.list()).some((budget) => budget.name === name);
      await (there ? engine.budgets.change(name!, rule) : engine.budgets.make({ ...rule, name: name! }));
    }
    const all = await engine.budgets.list();
    if (read.on("json")) io.out(JSON.stringify({ schema: "weft.budgets.v1", budgets: all.map(budgetShape) }));
    else {
      for (const { name, state, used, limits, scope } of all) {
        const parts = Object.entries(written(limits)).map(([dimension, limit]) =>
          `${dimension} ${written(used)[dimension as "tokens"] ?? 0} of ${limit}`
        );
        io.out(`${name}  ${state}  ${parts.join(", ")}  ${scope === "all" ? "all runs" : scope.notebook}`);
      }
    }
    return EXIT.ok;
  } finally {
    await close();
  }
}

function ruleOf(read: Arguments): Omit<Budget, "name"> {
  const limits = limitsOf(read.all("limit"));
  if (limits === undefined) throw new CommandError(EXIT.usage, "Say what may be used: --limit usd=5");
  const [notebook, reset, timeZone] = [read.text("notebook"), read.text("reset"), read.text("time-zone")];
  // Words that are none are refused with their names by whoever keeps the budget.
  return {
    scope: notebook === undefined ? "all" : { notebook },
    limits,
    warnAt: 0.8,
    onLimit: (read.text("on-limit") ?? "pause") as Budget["onLimit"],
    ...reset === undefined ? {} : { reset: reset as NonNullable<Budget["reset"]> },
    ...timeZone === undefined ? {} : { timeZone },
  };
}
