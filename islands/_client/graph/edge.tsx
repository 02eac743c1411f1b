/** A connection of the graph (ST-408). Owns: nothing but this view; how it goes comes from the cells at its ends. */
import type { JSX } from "preact";
import { BaseEdge, type Edge, type EdgeProps, getBezierPath, useInternalNode } from "@xyflow/react";
import type { GraphEdge } from "../../../components/cell/facts.ts";
import { pathThrough, type Point } from "../../../components/graph/edge_path.ts";
import { usePage } from "../page_store.ts";

/** How an edge goes around nodes, as long as its ends stand where they stood when that was laid out. */
export interface Detour {
  bends: Point[];
  source: Point;
  target: Point;
}

/** An edge of React Flow with the way in which it connects. */
export type FlowEdgeType = Edge<{ via: GraphEdge["via"]; detour?: Detour }, "flow">;

/** Draws an edge: active while its target works on what came, failed when its source has nothing to give. */
export function FlowEdge(props: EdgeProps<FlowEdgeType>): JSX.Element {
  const page = usePage();
  const [path, labelX, labelY] = useLine(props);
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

/** The line, and where its label stands: around the nodes between, or straight over once an end was moved. */
function useLine(props: EdgeProps<FlowEdgeType>): [path: string, labelX: number, labelY: number] {
  const { sourceX, sourceY, targetX, targetY, data } = props;
  const source = useInternalNode(props.source)?.position;
  const target = useInternalNode(props.target)?.position;
  const detour = data?.detour;
  if (detour === undefined || !same(source, detour.source) || !same(target, detour.target)) {
    const [path, labelX, labelY] = getBezierPath(props);
    return [path, labelX, labelY];
  }
  const { bends } = detour;
  const first = bends[0]!;
  const path = pathThrough([{ x: sourceX, y: sourceY }, ...bends, { x: targetX, y: targetY }]);
  return [path, (sourceX + first.x) / 2, (sourceY + first.y) / 2];
}

function same(a: Point | undefined, b: Point): boolean {
  return a?.x === b.x && a.y === b.y;
}
