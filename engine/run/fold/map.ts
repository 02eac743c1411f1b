/**
 * The items of a map as steps of their own (EN-808, EN-809). Owns: opening them, letting so many of them begin at a time,
 * and what their ends mean for the step that they belong to. Called only by the fold.
 *
 * The step of a map gives its slot back when its items are known. They then are steps like any other, with attempts,
 * frames and results of their own, named `cell[i]`. When the last has ended its step goes on, to put their values
 * together. So nothing of a map is done twice after a crash but what was under way.
 */
import type { Millis } from "../../base/clock.ts";
import type { RunEvent } from "../event.ts";
import type { Run, Step } from "../state.ts";
import { itemName } from "../words/item.ts";
import { effectsBefore } from "../effects/fold.ts";
import { dropChild } from "./child.ts";
import { newStep } from "./new_step.ts";
import { type Derived, enter, finish, makeReady } from "./move.ts";

/** Opens the steps of the items that an attempt has found. */
export function openMap(
  run: Run,
  step: Step,
  { items, count }: Extract<RunEvent, { type: "map.opened" }>,
  at: Millis,
  derived: Derived,
): void {
  step.map = { items, count, next: 0, left: count, at, from: step.mapped ?? 0 };
  run.maps = [...run.maps, step.plan.cell];
  addItems(run, step);
  enter(run, step, "suspended", "items", at);
  admit(run, step, at, derived);
}

/** Adds the steps of an open map to a run, each as it is at the beginning. */
export function addItems(run: Run, { plan, map, itemEffects = {} }: Step): void {
  const { join: _, instead: __, each: ___, ...own } = plan;
  for (let index = 0; index < map!.count; index++) {
    const cell = itemName(plan.cell, index);
    const item = newStep({ ...own, cell, needs: [], errors: "continue", item: { of: plan.cell, index } });
    // A map that is opened again goes on counting attempts, so that none has the frames of another.
    item.attempts = item.uncounted = map!.from;
    item.since = map!.at;
    if (Object.hasOwn(itemEffects, cell)) item.effects = itemEffects[cell];
    run.steps.set(cell, item);
  }
  run.left += map!.count;
}

/** Whether the step of an item is as its map opened it. */
export function isUntouchedItem(run: Run, { plan, phase, attempts, since }: Step): boolean {
  const { map } = run.steps.get(plan.item!.of)!;
  return phase === "idle" && attempts === map!.from && since === map!.at;
}

/** The steps of the items of a map. */
export function itemsOf(run: Run, { plan, map }: Step): Step[] {
  return Array.from({ length: map?.count ?? 0 }, (_, i) => run.steps.get(itemName(plan.cell, i))!);
}

/** Lets the next items begin, until so many are under way as may be. */
export function admit(run: Run, step: Step, at: Millis, derived: Derived): void {
  const map = step.map!;
  const most = step.plan.each?.concurrency ?? 1;
  let underWay = map.underWay ?? 0;
  for (; underWay < most && map.next < map.count; map.next++) {
    const item = run.steps.get(itemName(step.plan.cell, map.next))!;
    if (item.phase !== "idle") continue;
    makeReady(run, item, at, derived);
    underWay++;
  }
  map.underWay = underWay;
}

/** An item has ended: another may begin, or none does any more; after the last their step goes on. */
export function itemEnded(run: Run, item: Step, began: boolean, at: Millis, derived: Derived): void {
  const step = run.steps.get(item.plan.item!.of)!;
  const { map } = step;
  if (map === undefined || step.phase === "ended") return;
  map.left--;
  if (began) map.underWay = (map.underWay ?? 1) - 1;
  if (isBad(item) && step.plan.each?.errors === "stop" && !map.stopped) {
    map.stopped = true;
    map.next = map.count;
    for (const other of itemsOf(run, step)) {
      if (other.phase !== "idle" && other.phase !== "ready") continue;
      skip(run, other, "item_failed", at, derived);
      map.left--;
    }
  } else admit(run, step, at, derived);
  if (map.left > 0) return;
  if (step.phase === "idle") {
    step.pending--;
    if (step.pending === 0) makeReady(run, step, at, derived);
  } else {
    enter(run, step, "ready", "slot", at);
    derived.ready.push(step.plan.cell);
  }
}

/** The step of a map has ended before its items: what runs is told to end, what waits is skipped. */
export function closeItems(run: Run, step: Step, at: Millis, derived: Derived): void {
  if (step.map === undefined || step.map.left === 0) return;
  for (const item of itemsOf(run, step)) {
    if (item.phase === "ended") continue;
    if (item.phase !== "running") skip(run, item, "not_needed", at, derived);
    else if (item.told === undefined) {
      item.told = "cancelled";
      item.skipped = "not_needed";
      derived.stopping.push(item.plan.cell);
    }
  }
}

/** An item that did not come to a value, though nobody said that it should not. */
export function isBad({ outcome }: Step): boolean {
  return outcome === "failed" || outcome === "cancelled" || outcome === "expired";
}

/** Forgets a map whose step runs again from the beginning; what its items did to the outside stays known (E2). */
export function dropMap(run: Run, step: Step): void {
  for (const item of itemsOf(run, step)) {
    if (item.effects !== undefined) {
      effectsBefore(item);
      step.itemEffects = { ...step.itemEffects, [item.plan.cell]: item.effects };
    }
    step.mapped = Math.max(step.mapped ?? 0, item.attempts);
    if (item.phase !== "ended") run.left--;
    dropChild(run, item);
    for (const list of [run.ready, run.open, run.waiting, run.parked, run.short]) list.delete(item.plan.cell);
    run.steps.delete(item.plan.cell);
  }
  step.map = undefined;
  run.maps = run.maps.filter((name) => name !== step.plan.cell);
}

function skip(run: Run, item: Step, why: "item_failed" | "not_needed", at: Millis, derived: Derived): void {
  item.skipped = why;
  item.because = item.plan.item!.of;
  finish(run, item, "skipped", at);
  derived.skipped.push(item.plan.cell);
}
