/**
 * What an expression of text and blocks is made of. Owns: the five types of block, their configs as text, and how a
 * block is named and shown. Never: where a marker stands, nor what a block compiles to.
 *
 * A block stands in the text as `{{block:TYPE:CONFIG}}`. In CONFIG `\}` is `}` and `\\` is `\`.
 */

/** Most blocks in one expression. */
export const MAX_BLOCKS = 50;

/** Functions of an aggregate block, with their labels. */
export const AGGREGATES: Readonly<Record<string, string>> = {
  sum: "Sum",
  average: "Average",
  count: "Count",
  min: "Min",
  max: "Max",
};

/** Operations of a transform block. */
export const OPERATIONS: readonly string[] = ["uppercase", "lowercase", "trim", "reverse"];

/** Titles by type of block. */
export const TITLES = {
  field: "Field",
  filter: "Filter",
  map: "Map",
  aggregate: "Aggregate",
  transform: "Transform",
} as const;

/** What a block does, and with what. `unknown` is a type that this version does not have. */
export type BlockSpec =
  | { blockType: "field"; config: { path: string } }
  | { blockType: "filter"; config: { condition: string } }
  | { blockType: "map"; config: { expression: string } }
  | { blockType: "aggregate"; config: { function: string; path: string } }
  | { blockType: "transform"; config: { operation: string } }
  | { blockType: "unknown"; config: { type: string; text: string } };

/** A piece of plain JSONata. */
export interface TextPiece {
  type: "text";
  text: string;
}

/** A block. */
export type BlockPiece = BlockSpec & {
  type: "block";
  displayText: string;
  /** The marker as it was read. It is written again while it still means the same. */
  source?: string;
};

/** An expression in pieces. Only `rawText` is stored. */
export interface HybridExpression {
  mode: "hybrid";
  /** In order; no two texts are neighbours, none is empty. */
  content: (TextPiece | BlockPiece)[];
  rawText: string;
  blockCount: number;
  problems: BlockProblem[];
}

/** What is wrong, and where in `rawText`. */
export interface BlockProblem {
  code: "block_limit" | "block_incomplete" | "block_invalid" | "block_unknown" | "expression_invalid";
  message: string;
  /** Offsets in UTF-16 code units; `end` is behind the last. */
  start: number;
  end: number;
  /** Number of the block, from 1, if it is one's. */
  block?: number;
  suggestion?: string;
}

/** What a type of block is when its config is read. */
export function readConfig(type: string, text: string): BlockSpec {
  switch (type) {
    case "field":
      return { blockType: type, config: { path: text } };
    case "filter":
      return { blockType: type, config: { condition: text } };
    case "map":
      return { blockType: type, config: { expression: text } };
    case "aggregate": {
      const colon = text.indexOf(":");
      const name = (colon < 0 ? text : text.slice(0, colon)).trim();
      const path = colon < 0 ? "" : text.slice(colon + 1);
      return { blockType: type, config: { function: name === "avg" ? "average" : name || "sum", path } };
    }
    case "transform":
      return { blockType: type, config: { operation: text.trim() || "uppercase" } };
    default:
      return { blockType: "unknown", config: { type, text } };
  }
}

function configText({ blockType, config }: BlockSpec): string {
  switch (blockType) {
    case "field":
      return config.path;
    case "filter":
      return config.condition;
    case "map":
      return config.expression;
    case "aggregate":
      return config.path === "" ? config.function : `${config.function}:${config.path}`;
    case "transform":
      return config.operation;
    case "unknown":
      return config.text;
  }
}

/** The marker of a block, every `}` and `\` of its config escaped. */
export function writeMarker(block: BlockSpec): string {
  const type = block.blockType === "unknown" ? block.config.type : block.blockType;
  return `{{block:${type}:${configText(block).replace(/[\\}]/g, "\\$&")}}}`;
}

/** The config that stands in a marker, its escapes resolved. */
export function unescapeConfig(text: string): string {
  return text.replace(/\\([\\}])/g, "$1");
}

/** What people call the block. */
export function titleOf(block: BlockSpec): string {
  return block.blockType === "unknown" ? block.config.type : TITLES[block.blockType];
}

/** What a block's chip says; for a block without config its title and `…`. */
export function displayText(block: BlockSpec): string {
  const { blockType, config } = block;
  if (blockType === "aggregate") return `${config.function}(${config.path})`;
  if (blockType === "transform") return config.operation;
  const text = configText(block);
  if (text.trim() === "" || blockType === "unknown") return `${titleOf(block)}…`;
  if (blockType === "field") return `$.${text}`;
  return blockType === "filter" ? `[${text}]` : `map(${text})`;
}

/**
 * A block as a piece of an expression.
 *
 * @example
 * ```ts
 * const block = blockOf({ blockType: "aggregate", config: { function: "sum", path: "price" } });
 * if (block.displayText !== "sum(price)") throw new Error("not what the chip says");
 * ```
 */
export function blockOf(spec: BlockSpec, source?: string): BlockPiece {
  return {
    type: "block",
    ...spec,
    displayText: displayText(spec),
    ...(source === undefined ? {} : { source }),
  };
}
