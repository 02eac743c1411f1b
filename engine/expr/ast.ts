/**
 * The tree that the `jsonata` library gives for an expression, as far as this folder reads it.
 * Owns: the shape, which the library's own types leave open. Never: behaviour.
 */

/** A filter (`expr`) or an index binding (`value`) on a step. */
export interface Stage {
  type: "filter" | "index";
  expr?: Ast;
  value?: unknown;
}

/** Pairs of key and value, of an object constructor or a grouping. */
export type Pairs = [Ast, Ast][];

/**
 * A node. What is set depends on `type`, one of `path binary unary name string number value wildcard descendant parent
 * condition block bind regex function variable lambda partial apply transform sort operator`.
 */
export interface Ast {
  type: string;
  value?: unknown;
  /** Offset just behind the token, as the library counts. */
  position?: number;
  steps?: Ast[];
  stages?: Stage[];
  predicate?: Stage[];
  group?: { lhs: Pairs };
  /** `@$name`: the next step is taken from where this one was, not from its result. */
  focus?: string;
  /** `#$name` */
  index?: string;
  /** Steps whose context a `%` refers to carry its label. */
  ancestor?: { label: string };
  slot?: { label: string };
  expressions?: Ast[];
  expression?: Ast;
  lhs?: Ast | Pairs;
  rhs?: Ast;
  arguments?: Ast[];
  procedure?: Ast;
  body?: Ast;
  condition?: Ast;
  then?: Ast;
  else?: Ast;
  pattern?: Ast;
  update?: Ast;
  delete?: Ast;
  terms?: { expression: Ast }[];
}
