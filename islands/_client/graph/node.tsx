/** A cell as a node of the graph. Owns: nothing but this view; its status and last words come from the page's store. */
import type { JSX } from "preact";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { Icon } from "../../../components/Icon.tsx";
import { StatusChip } from "../../../components/cell/StatusChip.tsx";
import type { CellFacts } from "../../../components/cell/facts.ts";
import type { CellView } from "../../../engine/wire/view.ts";
import { firstLine } from "../../../components/cell/status.ts";
import { useStatus } from "../../CellStatus.tsx";
import { usePage } from "../page_store.ts";

/** A node of React Flow whose data are a cell's facts. */
export type CellNodeType = Node<{ facts: CellFacts }, "cell">;

/** How much of the end of a text is looked at for its last line. */
const TAIL = 400;

/** Draws a node. */
export function CellNode({ data: { facts } }: NodeProps<CellNodeType>): JSX.Element {
  const page = usePage();
  const status = useStatus(page, facts.name);
  const cell = page.cell(facts.name).value;
  const badges = [facts.model, facts.temperature === undefined ? undefined : `T: ${facts.temperature}`]
    .filter((badge) => badge !== undefined);
  return (
    <div class={`node tone-${status.tone} label-${status.label}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div class="node-head">
        <Icon name={facts.role ?? facts.kind} />
        <a class="node-name nodrag" href={`?view=page#${facts.name}`}>{facts.name}</a>
        <span class="role">{facts.role ?? facts.kind}</span>
      </div>
      <StatusChip status={status} title={status.detail} />
      <p class="node-line">{lastWords(cell) ?? badges.join(" · ")}</p>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

/** While running the last line of its text, after a failure the first line of the problem. */
function lastWords(cell: CellView | undefined): string | undefined {
  if (cell === undefined) return undefined;
  if (cell.problem !== undefined) return firstLine(cell.problem.message);
  if (cell.label !== "running" || cell.text === "") return undefined;
  return cell.text.slice(-TAIL).trimEnd().split("\n").at(-1);
}
