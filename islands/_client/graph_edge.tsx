/** A connection of the graph (ST-408). Owns: nothing but this view; how it goes comes from the cells at its ends. */
import type { JSX } from "preact";
import { BaseEdge, type Edge, type EdgeProps, getBezierPath } from "@xyflow/react";
import type { GraphEdge } from "../../components/cell/facts.ts";
import { usePage } from "./page_store.ts";

/** An edge of React Flow with the way in which it connects. */
export type FlowEdgeType = Edge<{ via: GraphEdge["via"] }, "flow">;

/** Draws an edge: active while its target works on what came, failed when its source has nothing to give. */
export function FlowEdge(props: EdgeProps<FlowEdgeType>): JSX.Element {
  const page = usePage();
  const [path, labelX, labelY] = getBezierPath(props);
  const source = page.cell(props.source).value?.label;
  const target = page.cell(props.target).value?.label;
  const how = source === "failed"
    ? " failed"
    : target === "running" || target === "retrying"
    ? " active"
    : "";
  return (
    <BaseEdge
      id={props.id}
      path={path}
      labelX={labelX}
      labelY={labelY}
      label={props.label}
      markerEnd={props.markerEnd}
      className={`via-${props.data?.via}${how}`}
    />
  );
}
