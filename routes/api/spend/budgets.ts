/** Routes about budgets that runs share (AP-901 to AP-903, AP-905, AP-906). Owns: how they are shown. */
import type { z } from "zod";
import { written } from "../../../engine/notebook/spend/limits.ts";
import type { Budget, BudgetState, LedgerLine } from "../../../engine/mod.ts";
import type { AppParts } from "../../parts.ts";
import { json, refuse } from "../../respond.ts";
import type { BudgetBody, BudgetRuleBody, BudgetUseBody, ResetBody } from "../../schema.ts";
import type { Handlers } from "../../table.ts";
import { iso, isoTimes } from "../run_shapes.ts";

type Ids =
  | "budgets"
  | "makeBudget"
  | "budget"
  | "changeBudget"
  | "removeBudget"
  | "useBudget"
  | "resetBudget"
  | "budgetLedger";

/** The handlers. */
export function budgetRoutes({ engine, log }: AppParts): Pick<Handlers, Ids> {
  return {
    budgets: async ({ request }) => json(request, { items: (await engine.budgets.list()).map(budgetShape) }),
    budget: async ({ request, params }) =>
      json(request, budgetShape(await engine.budgets.get(params.budget!))),

    makeBudget: async ({ request, body }) => {
      const made = await engine.budgets.make(body as z.infer<typeof BudgetBody> as Budget);
      const headers = { location: `/api/v1/budgets/${encodeURIComponent(made.name)}` };
      return json(request, budgetShape(made), { status: 201, headers });
    },

    changeBudget: async ({ request, params, body }) => {
      const rule = body as z.infer<typeof BudgetRuleBody> as Omit<Budget, "name">;
      return json(request, budgetShape(await engine.budgets.change(params.budget!, rule)));
    },

    removeBudget: async ({ params }) => {
      await engine.budgets.remove(params.budget!);
      return new Response(null, { status: 204 });
    },

    useBudget: async ({ request, params, body }) => {
      const { key, amounts, run, step } = body as z.infer<typeof BudgetUseBody>;
      const { tokens, usdMicros, calls } = amounts;
      const used = Object.fromEntries(
        Object.entries({ tokens, usdMicros, calls }).filter(([, value]) => value !== undefined),
      );
      const { result, left } = await engine.budgets.use(params.budget!, {
        key,
        amounts: used,
        ...run === undefined ? {} : { run },
        ...step === undefined ? {} : { step },
      });
      return json(request, { result, left: written(left) });
    },

    resetBudget: async ({ request, params, body, who }) => {
      const { reason } = body as z.infer<typeof ResetBody>;
      const state = await engine.budgets.reset(params.budget!);
      const message = `${who} began budget ${params.budget} anew: ${reason}`;
      log.write({ level: "info", source: "http", code: "budget_reset", message });
      return json(request, budgetShape(state));
    },

    budgetLedger: async ({ request, params, url }) => {
      const since = url.searchParams.get("since");
      const from = since === null ? undefined : Date.parse(since);
      if (Number.isNaN(from)) refuse("query_invalid", `since is a time as 2026-11-20T09:30:00Z: ${since}`);
      const run = url.searchParams.get("run");
      const lines = await engine.budgets.ledger(params.budget!, {
        ...run === null ? {} : { run },
        ...from === undefined ? {} : { since: from },
      });
      return json(request, { items: lines.map(lineShape) });
    },
  };
}

/** A budget in the units in which people write it. */
export function budgetShape({ limits, used, reserved, left, resetsAt, ...budget }: BudgetState) {
  const { unknown, ms: _, ...known } = used;
  return {
    ...budget,
    limits: written(limits),
    used: written(known),
    reserved: written(reserved),
    left: written(left),
    ...unknown === undefined ? {} : { unknown: { tokens: unknown.tokens, usd: unknown.usdMicros } },
    ...isoTimes({ resetsAt }),
  };
}

function lineShape({ at, reserved, settled, before: _, ...line }: LedgerLine) {
  return {
    at: iso(at),
    ...line,
    ...reserved === undefined ? {} : { reserved: written(reserved) },
    ...settled === undefined ? {} : { settled: written(settled) },
  };
}
