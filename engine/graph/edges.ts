/**
 * The edges into a cell. Owns: which names are cells, which are params and which are neither.
 * Never: cycles.
 *
 * G1 Every name that a cell reads is one of: local to it, a cell (an edge), a param, a global of the runtime, a problem.
 */
import { isObject } from "../base/json.ts";
import { didYouMean, nearest } from "../notebook/nearest.ts";
import { shown } from "../notebook/problem.ts";
import type { Place, Problem } from "../notebook/types.ts";
import { type Mismatch, mismatchOf } from "./contracts.ts";
import { placeOfKey } from "./header_place.ts";
import { countedBy, joinRule } from "./joins.ts";
import { afterRules, inputPorts } from "./ports.ts";
import { readsOfCell, type Use } from "./references.ts";
import type { Edge, Node } from "./types.ts";

/** The names that a notebook knows. */
export interface Names {
  cells: ReadonlyMap<string, Node>;
  params: ReadonlySet<string>;
  /** Suggestions still to be made: each compares a name with all others, so that their number is bounded. */
  suggestions: number;
}

/** What leads into a cell. */
export interface Inward {
  edges: Edge[];
  /** Params read, sorted. */
  params: string[];
  problems: Problem[];
  volatile?: string;
}

/** The edges into a cell, the params it reads, and the names that are neither. */
export function inwardOf(node: Node, names: Names): Inward {
  const { cell } = node;
  if (cell.kind === "invalid") return { edges: [], params: [], problems: [] };
  const { uses, problems, volatile } = readsOfCell(cell);
  const into = new Into(node, names, problems);
  for (const use of uses) into.reference(use);
  into.contracts();
  into.order();
  into.fallback();
  into.join();
  return {
    edges: [...into.edges.values()],
    params: [...into.params].sort(),
    problems: into.problems,
    ...(volatile === undefined ? {} : { volatile }),
  };
}

class Into {
  readonly edges = new Map<string, Edge>();
  readonly params = new Set<string>();

  constructor(
    private readonly node: Node,
    private readonly names: Names,
    readonly problems: Problem[],
  ) {}

  reference({ name, port, param, global, place }: Use): void {
    const { cells, params } = this.names;
    if (param && name === "*") { for (const each of params) this.params.add(each); }
    else if (params.has(name)) this.params.add(name);
    else if (param) this.#unknown("No param is", name, params, place());
    else if (cells.has(name)) {
      const declared = cells.get(name)!.outputs.some((output) => output.name === port);
      const sourcePort = port !== undefined && declared ? port : "";
      this.#add({ source: name, sourcePort, targetPort: name, via: "reference", required: true });
    } else if (!global) this.#unknown("No cell or param is", name, [...cells.keys(), ...params], place());
  }

  contracts(): void {
    const { cells, params } = this.names;
    for (const { name, from, required, hasDefault } of inputPorts(this.node.cell)) {
      const place = () => placeOfKey(this.node.cell, name);
      for (const { cell, port } of from) {
        const source = cells.get(cell);
        if (source === undefined && params.has(cell)) {
          this.#problem(
            "input_param",
            place(),
            `'${cell}' is a param; read it by its name, without an input`,
          );
        } else if (source === undefined) {
          this.#unknown("No cell is", cell, cells.keys(), place());
        } else if (port !== "" && source.kind !== "invalid" && !source.outputs.some((o) => o.name === port)) {
          const near = nearest(port, source.outputs.map((output) => output.name));
          const message = `Cell '${cell}' has no output '${shown(port)}'${didYouMean(near)}`;
          this.#problem("port_unknown", place(), message, near);
        } else {
          const mismatch = this.#mismatch(source, port, name);
          if (mismatch !== undefined) {
            this.#problem("port_type", place(), mismatch.message, mismatch.expected);
          }
          this.#add({ source: cell, sourcePort: port, targetPort: name, via: "input", required });
        }
      }
      if (from.length === 0 && required && !hasDefault) {
        this.#problem("input_unconnected", place(), `Required input '${name}' is not connected`);
      }
    }
  }

  order(): void {
    for (const { cell, required } of afterRules(this.node.cell)) {
      if (!this.names.cells.has(cell)) {
        this.#unknown("No cell is", cell, this.names.cells.keys(), placeOfKey(this.node.cell, "after"));
      } else this.#add({ source: cell, sourcePort: "*", targetPort: "*", via: "after", required });
    }
  }

  /** The cell that stands in for a failure has ended before, however. */
  fallback(): void {
    const { fallback } = this.node.cell.header;
    if (!isObject(fallback) || typeof fallback.cell !== "string") return;
    const source = fallback.cell;
    if (!this.names.cells.has(source)) {
      this.#unknown("No cell is", source, this.names.cells.keys(), placeOfKey(this.node.cell, "cell"));
    } else this.#add({ source, sourcePort: "*", targetPort: "*", via: "after", required: false });
  }

  /** What a join counts leads to its cell, if only in order. */
  join(): void {
    const rule = joinRule(this.node.cell);
    if (rule === undefined) return;
    for (const name of rule.of ?? []) {
      if (!this.names.cells.has(name)) {
        this.#unknown("No cell is", name, this.names.cells.keys(), placeOfKey(this.node.cell, "of"));
      } else if (![...this.edges.values()].some(({ source }) => source === name)) {
        this.#add({ source: name, sourcePort: "*", targetPort: "*", via: "after", required: true });
      }
    }
    const { size } = countedBy(rule, [...this.edges.values()]);
    const need = rule.need ?? 0;
    if (need <= size) return;
    const message = `The join of '${this.node.name}' needs ${need} to succeed, but counts ${size}`;
    this.#problem("join_unreachable", placeOfKey(this.node.cell, "join"), message);
  }

  #mismatch(source: Node, port: string, input: string): Mismatch | undefined {
    const { inputs } = this.node.cell.header;
    if (source.kind === "invalid" || !isObject(inputs)) return undefined;
    return mismatchOf(source, port, { cell: this.node.name, input, contract: inputs[input] });
  }

  #add(edge: Omit<Edge, "id" | "target">): void {
    const target = this.node.name;
    const id = `${edge.source}.${edge.sourcePort}->${target}.${edge.targetPort}`;
    const known = this.edges.get(id);
    if (known === undefined) this.edges.set(id, { id, target, ...edge });
    else known.required ||= edge.required;
  }

  #unknown(what: string, name: string, candidates: Iterable<string>, place: Place): void {
    const near = this.names.suggestions-- > 0 ? nearest(name, candidates) : undefined;
    this.#problem("name_unknown", place, `${what} named '${shown(name)}'${didYouMean(near)}`, near);
  }

  #problem(code: string, { line, column }: Place, message: string, expected?: string): void {
    this.problems.push({
      code,
      severity: "error",
      type: "connection",
      message,
      cell: this.node.name,
      ...(expected === undefined ? {} : { expected }),
      line,
      column,
    });
  }
}
