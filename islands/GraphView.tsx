/**
 * The notebook as a graph (ST-401 to ST-417). Owns: the canvas, where nodes stand and saving that.
 * Never: statuses; a node reads its own, so a token redraws one node. In the browser only.
 */
import "@xyflow/react/dist/style.css";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import {
  Background,
  BackgroundVariant,
  Controls,
  MarkerType,
  MiniMap,
  ReactFlow,
  useEdgesState,
  useNodesState,
} from "@xyflow/react";
import type { GraphEdge } from "../components/cell/facts.ts";
import type { Point } from "../components/graph/edge_path.ts";
import { saveLayout } from "./_client/actions.ts";
import { FlowEdge, type FlowEdgeType } from "./_client/graph/edge.tsx";
import { CellNode, type CellNodeType } from "./_client/graph/node.tsx";
import { type PageStore, usePage } from "./_client/page_store.ts";

const NODE_TYPES = { cell: CellNode };
const EDGE_TYPES = { flow: FlowEdge };
/** Above this many nodes only those in view are drawn. */
const DRAW_ALL = 300;
const FIT = { padding: 0.15, maxZoom: 1 };
const SAVE_AFTER_MS = 400;
/** Size of a node before it is measured. */
const NODE_WIDTH = 240;
const NODE_HEIGHT = 98;

/** Draws the graph of the page. */
export function GraphView(): JSX.Element {
  const page = usePage();
  const begun = useMemo(() => flowOf(page), []);
  const [nodes, , onNodesChange] = useNodesState<CellNodeType>(begun.nodes);
  const [edges, , onEdgesChange] = useEdgesState(begun.edges);
  const current = useRef(nodes);
  current.current = nodes;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const calm = useMemo(() => matchMedia("(prefers-reduced-motion: reduce)").matches, []);

  const save = (leaving: boolean) => {
    timer.current = void clearTimeout(timer.current);
    const positions = current.current.map(({ id, position }) =>
      [id, { x: Math.round(position.x), y: Math.round(position.y) }] as const
    );
    void saveLayout(page, Object.fromEntries(positions), leaving);
  };
  const keep = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(save, SAVE_AFTER_MS, false);
  };
  useEffect(() => {
    const leave = () => timer.current !== undefined && save(true);
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, []);

  return (
    <ReactFlow<CellNodeType, FlowEdgeType>
      nodes={nodes}
      edges={edges}
      onNodesChange={(changes) => {
        onNodesChange(changes);
        // An arrow key moves a node as well; both end with a change that says so.
        if (changes.some((change) => change.type === "position" && !change.dragging)) keep();
      }}
      onEdgesChange={onEdgesChange}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      nodesConnectable={false}
      edgesFocusable={false}
      deleteKeyCode={null}
      minZoom={0.2}
      maxZoom={2}
      fitView
      fitViewOptions={FIT}
      onlyRenderVisibleElements={nodes.length > DRAW_ALL}
      aria-label={`Graph of ${page.state.title}`}
    >
      <Background variant={BackgroundVariant.Dots} gap={20} size={1} />
      <Controls showInteractive={false} fitViewOptions={{ ...FIT, duration: calm ? 0 : 200 }} />
      <MiniMap pannable zoomable ariaLabel="Overview of the graph" />
    </ReactFlow>
  );
}

function flowOf(page: PageStore): { nodes: CellNodeType[]; edges: FlowEdgeType[] } {
  const { nodes = [], edges = [] } = page.state.graph ?? {};
  const places = new Map(nodes.map(({ name, x, y }) => [name, { x, y }]));
  return {
    nodes: nodes.map(({ name, x, y }) => ({
      id: name,
      type: "cell",
      position: { x, y },
      initialWidth: NODE_WIDTH,
      initialHeight: NODE_HEIGHT,
      data: { facts: page.facts(name)! },
      ariaLabel: name,
    })),
    edges: edges.map((edge) => edgeOf(edge, places)),
  };
}

function edgeOf(
  { id, source, target, via, label, bends }: GraphEdge,
  places: ReadonlyMap<string, Point>,
): FlowEdgeType {
  const detour = bends && { bends, source: places.get(source)!, target: places.get(target)! };
  return {
    id,
    source,
    target,
    label,
    type: "flow",
    data: detour === undefined ? { via } : { via, detour },
    markerEnd: {
      type: MarkerType.ArrowClosed,
      markerUnits: "userSpaceOnUse",
      width: 18,
      height: 18,
      color: "var(--edge)",
    },
    ariaLabel: `${source} to ${target}`,
  };
}
