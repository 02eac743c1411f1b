/**
 * What a JSONata expression reads. Owns: its free root names, found on its tree and never by running it.
 * Never: whether a name exists; that is the graph's question.
 *
 * J1 Each name that an evaluation reads from its input is among the references, unless it does so through a wildcard
 *    or through a function that is given or gives the whole input.
 *
 * The input of a cell's expression is an object of cells and params. A name is a root name where its context is that
 * object: the first step of a path written in root context, or a step after `$`, `$$` or `%` that gives the object.
 * Steps, predicates, sort terms, groupings and transforms have the context of what they are applied to; blocks and
 * function bodies have the context in which they are written. So the walk carries one bit, whether the context may be
 * the input, and returns one, whether the value may be the input.
 */
import type { Ast, Pairs } from "./ast.ts";

/** A name read from the input. */
export interface Reference {
  /** Name of a cell or param; `*` for all params (`$params` alone). */
  name: string;
  /** The step after it, if that is a plain name: a port, where the cell declares one. */
  port?: string;
  /** Read as `$params.name`, so it can only be a param. */
  param?: true;
  /** Offset in the expression, where the name begins. */
  offset: number;
}

/** A variable as used. */
export interface VariableUse {
  name: string;
  called: boolean;
  offset: number;
}

/** What {@link readsOf} finds. */
export interface Reads {
  /** In order of offset, each place once. */
  references: Reference[];
  variables: VariableUse[];
  /** Variables given a value anywhere: `:=`, function parameters, `@$x`, `#$i`. */
  bound: ReadonlySet<string>;
  /** Calls of a plain name, which can never be a function: `sum(x)`, `items.map(f)`. */
  plainCalls: { name: string; method: boolean; offset: number }[];
}

/**
 * What an expression reads.
 *
 * @param ast its tree
 * @param text its text, from which the tree was made
 */
export function readsOf(ast: Ast, text: string): Reads {
  const walk = new Walk(text);
  walk.value(ast, true);
  const seen = new Set<string>();
  const references = walk.references.sort((a, b) => a.offset - b.offset).filter(({ name, offset }) => {
    // `a ?? b` and `a ?: b` hold their left side twice in the tree.
    const key = `${offset} ${name}`;
    return !seen.has(key) && seen.add(key);
  });
  return { references, variables: walk.variables, bound: walk.bound, plainCalls: walk.plainCalls };
}

class Walk {
  readonly references: Reference[] = [];
  readonly variables: VariableUse[] = [];
  readonly bound = new Set<string>();
  readonly plainCalls: Reads["plainCalls"] = [];
  /** Variables that may hold the input. */
  #holders = new Set<string>(["$"]);
  /** Whether the context that `%` refers to may be the input, by label. */
  #parents = new Map<string, boolean>();

  constructor(private readonly text: string) {}

  /** Walks a node written in a context; returns whether its value may be the input. */
  value(node: Ast | undefined, root: boolean): boolean {
    if (node === undefined) return false;
    let mayBeInput = this.#bare(node, root);
    for (const { expr } of node.predicate ?? []) this.value(expr, mayBeInput);
    if (node.group !== undefined) {
      this.#pairs(node.group.lhs, mayBeInput);
      mayBeInput = false;
    }
    return mayBeInput;
  }

  #bare(node: Ast, root: boolean): boolean {
    switch (node.type) {
      case "path":
        return this.#path(node.steps ?? [], root);
      case "wildcard":
        this.#noteParent(node, root);
        return false;
      case "parent":
        return this.#parents.get(node.slot?.label ?? "") ?? false;
      case "variable":
        return this.#variable(node, root, false);
      case "block":
        return this.#last(node.expressions ?? [], root);
      case "bind":
        return this.#bind(node, root);
      case "condition": {
        this.value(node.condition, root);
        const then = this.value(node.then, root);
        return this.value(node.else, root) || then;
      }
      case "apply":
        return this.#apply(node, root);
      case "transform":
        return this.#transform(node, false);
      case "function":
      case "partial":
        return this.#call(node, root);
      case "lambda":
        for (const { value } of node.arguments ?? []) this.bound.add(String(value));
        this.value(node.body, root);
        return false;
      case "unary":
        return this.#unary(node, root);
      case "binary":
        this.value(node.lhs as Ast, root);
        this.value(node.rhs, root);
        return false;
      default:
        return false;
    }
  }

  #path(steps: Ast[], root: boolean): boolean {
    let context = root;
    steps.forEach((step, i) => {
      let result = false;
      if (step.type === "name") {
        this.#noteParent(step, context);
        if (context) this.#reference(step, steps[i + 1]);
      } else if (step.type === "sort") {
        for (const { expression } of step.terms ?? []) this.value(expression, context);
        result = context;
      } else if (step.type === "variable" && step.value === "params" && steps[i + 1]?.type === "name") {
        this.#param(steps[i + 1]!);
      } else if (step.type === "function" && i > 0) {
        result = this.#call(step, context, true);
      } else {
        result = this.value(step, context);
      }
      if (step.focus !== undefined) {
        this.bound.add(step.focus);
        result = context;
      }
      if (step.index !== undefined) this.bound.add(step.index);
      for (const { type, expr, value } of step.stages ?? []) {
        if (type === "filter") this.value(expr, result);
        else this.bound.add(String(value));
      }
      context = result;
    });
    return context;
  }

  #noteParent(step: Ast, context: boolean): void {
    if (step.ancestor !== undefined) this.#parents.set(step.ancestor.label, context);
  }

  #variable(node: Ast, root: boolean, called: boolean): boolean {
    const name = String(node.value);
    if (name === "") return root;
    const offset = this.#start(node);
    if (name === "params") this.references.push({ name: "*", param: true, offset });
    this.variables.push({ name, called, offset });
    return this.#holders.has(name);
  }

  #bind(node: Ast, root: boolean): boolean {
    const name = String((node.lhs as Ast).value);
    const mayBeInput = this.value(node.rhs, root);
    this.bound.add(name);
    if (mayBeInput) this.#holders.add(name);
    return mayBeInput;
  }

  #apply(node: Ast, root: boolean): boolean {
    const mayBeInput = this.value(node.lhs as Ast, root);
    if (node.rhs?.type === "transform") this.#transform(node.rhs, mayBeInput);
    else this.value(node.rhs, root);
    return false;
  }

  #transform(node: Ast, context: boolean): boolean {
    const matched = this.value(node.pattern, context);
    this.value(node.update, matched);
    this.value(node.delete, matched);
    return false;
  }

  #call(node: Ast, root: boolean, method = false): boolean {
    const { procedure } = node;
    const plain = procedure?.type === "path" && procedure.steps?.length === 1
      ? procedure.steps[0]
      : undefined;
    if (plain?.type === "name") {
      this.plainCalls.push({ name: String(plain.value), method, offset: this.#start(plain) });
    } else if (procedure?.type === "variable") {
      this.#variable(procedure, root, true);
    } else {
      this.value(procedure, root);
    }
    for (const argument of node.arguments ?? []) this.value(argument, root);
    return false;
  }

  #unary(node: Ast, root: boolean): boolean {
    if (node.value === "{") {
      this.#pairs(node.lhs as Pairs, root);
      return false;
    }
    if (node.value === "[") {
      return (node.expressions ?? []).map((item) => this.value(item, root)).includes(true);
    }
    this.value(node.expression, root);
    return false;
  }

  #last(expressions: Ast[], root: boolean): boolean {
    return expressions.map((item) => this.value(item, root)).at(-1) ?? false;
  }

  #pairs(pairs: Pairs, context: boolean): void {
    for (const [key, value] of pairs) {
      this.value(key, context);
      this.value(value, context);
    }
  }

  #reference(step: Ast, next: Ast | undefined): void {
    const port = next?.type === "name" && step.focus === undefined ? String(next.value) : undefined;
    this.references.push({
      name: String(step.value),
      ...(port === undefined ? {} : { port }),
      offset: this.#start(step),
    });
  }

  #param(step: Ast): void {
    this.references.push({ name: String(step.value), param: true, offset: this.#start(step) });
  }

  /** The library's positions are behind the token; a person looks at where it begins. */
  #start(node: Ast): number {
    const end = node.position ?? 0;
    const quoted = "`'\"".includes(this.text[end - 1] ?? " ");
    const length = String(node.value).length + (quoted ? 2 : node.type === "variable" ? 1 : 0);
    return Math.max(0, end - length);
  }
}
