/**
 * The items of a map, on the side of its cell: which they are, what one of them gives its handler, and what becomes of
 * their values (EN-808). Owns: reading `each` for that. Never: which of them run when (`engine/run/fold/map.ts`).
 */
import type { Json } from "../../base/json.ts";
import { itemName as nameOfItem } from "../../graph/references.ts";
import { type Attempt, failed, type Kinds, objectOf, type Outcome } from "../../kinds/kind.ts";
import type { StoredValue } from "../../plan/types.ts";
import type { StepProblem, Warning } from "../../run/event.ts";
import { isBad, itemsOf } from "../../run/fold/map.ts";
import type { Run, Step } from "../../run/state.ts";
import { headerValue } from "./header_value.ts";

type Read = (stored: StoredValue) => Promise<Json>;

/** Items of a map when its cell does not say how many it may have, and the most that it may say. */
const MOST_ITEMS = 1_000;
/** Failed items whose problems are told in the warnings of their step; the others are in their own. */
const MOST_TOLD = 5;

/** How the attempt goes that finds out the items: as their list, or as the value `[]` if there are none. */
export async function findItems(kinds: Kinds, attempt: Attempt): Promise<Outcome> {
  const { in: expression, max = MOST_ITEMS } = objectOf(attempt.cell.header.each);
  const found = await headerValue(kinds, attempt, "each", String(expression));
  if (!found.ok) return found.outcome;
  // As in a transformation: nothing is no item, and what is no list is one.
  const items = found.value === null ? [] : Array.isArray(found.value) ? found.value : [found.value];
  if (items.length > Number(max)) {
    const message = `'each' gives ${items.length} items, over the limit ${max}`;
    return failed("invalid_input", message, "item_limit");
  }
  return items.length === 0 ? { type: "succeeded", value: [] } : { type: "mapped", items };
}

/** Lists of items that are in use, by the record that names them: each of a thousand items would read its list again. */
const LISTS = new WeakMap<StoredValue, Promise<Json>>();

/** The item of a step, by the name that its cell has for it. */
export async function itemInput(
  run: Run,
  step: Step,
  attempt: Pick<Attempt, "cell">,
  read: Read,
): Promise<Record<string, Json>> {
  const { of, index } = step.plan.item!;
  const { items } = run.steps.get(of)!.map!;
  let list = LISTS.get(items);
  if (list === undefined) {
    list = read(items);
    LISTS.set(items, list);
    list.catch(() => LISTS.delete(items));
  }
  return { [nameOfItem(attempt.cell.header)!]: (await list as Json[])[index]! };
}

/** What the attempt comes to whose items have ended: their values in order, null for one that failed. */
export async function gather(run: Run, step: Step, read: Read): Promise<Outcome> {
  const items = itemsOf(run, step);
  const bad = items.filter(isBad);
  if (bad.length > 0 && step.plan.each?.errors !== "continue") {
    const { category, message } = problemOf(bad[0]!);
    const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : "";
    return failed(category, `${bad[0]!.plan.cell}: ${message}${more}`, "item_failed");
  }
  const value: Json[] = [];
  for (const item of items) value.push(item.value === undefined ? null : await read(item.value));
  const warnings = bad.slice(0, MOST_TOLD).map((item): Warning => ({
    type: "quality",
    severity: "medium",
    message: `${item.plan.cell} has no value: ${problemOf(item).message}`,
  }));
  return { type: "succeeded", value, ...(warnings.length === 0 ? {} : { warnings }) };
}

function problemOf({ problem, outcome }: Step): Pick<StepProblem, "category" | "message"> {
  return problem ?? { category: "unknown", message: `It was ${outcome}` };
}
