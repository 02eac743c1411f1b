/**
 * Bodies of requests. Owns: their shapes; unknown fields are refused (AP-101). Never: what a value means.
 */
import { z } from "zod";
import type { JsonObject } from "../engine/base/json.ts";
import { depthWithin } from "../engine/base/json.ts";

const params = z.record(z.string().max(64), z.json()).refine(
  (value) => depthWithin(value as JsonObject, 100),
  "Nested deeper than 100",
);
const cells = z.array(z.string().max(64)).min(1).max(10_000);
const coordinate = z.number().min(-1e7).max(1e7);

/** AP-601, as far as it exists. */
export const RunBody = z.strictObject({
  notebook: z.string().min(1).max(512),
  params: params.optional(),
  cells: cells.optional(),
});
/** AP-510. */
export const PlanBody = z.strictObject({ params: params.optional(), cells: cells.optional() });
/** AP-509. */
export const LayoutBody = z.strictObject({
  positions: z.record(z.string().max(64), z.strictObject({ x: coordinate, y: coordinate })),
});
/** AP-511: a notebook's text. */
export const CheckBody = z.string();
/** A command that needs no words. */
export const EmptyBody = z.strictObject({});
