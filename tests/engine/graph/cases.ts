/**
 * Graphs as data: notebooks in short, and everything that is to be known of each.
 */
import type { JsonObject } from "../../../engine/base/json.ts";
import type { ShortCell } from "./notebook_of.ts";

/** One notebook and its graph. */
export interface GraphCase {
  name: string;
  cells: Record<string, ShortCell>;
  params?: JsonObject;
  /** Edges by id. */
  edges: string[];
  /** Distinct cells that lead into each cell which has any, sorted. */
  parents: Record<string, string[]>;
  /** Run order; cells on or behind a cycle are not in it. */
  order: string[];
  cycles?: string[][];
  /** Messages of problems other than cycles. */
  problems?: string[];
  /** Params read, by cell that reads any. */
  reads?: Record<string, string[]>;
  /** After all cells ran and the named one was edited: why each stale cell is. */
  staleAfterEdit?: { edit: string; stale: Record<string, string> };
}

/** Every way in which a cell can read another, and every way in which it cannot. */
export const CASES: GraphCase[] = [
  { name: "nothing", cells: {}, edges: [], parents: {}, order: [] },
  {
    name: "page order is for reading, data order for running",
    cells: { best: "jsonata: strong[0]", strong: "jsonata: [scout.claims]", scout: "agent: List claims" },
    edges: ["strong.->best.strong", "scout.->strong.scout"],
    parents: { best: ["strong"], strong: ["scout"] },
    order: ["scout", "strong", "best"],
    staleAfterEdit: {
      edit: "scout",
      stale: { scout: "code edited", strong: "scout is stale", best: "strong is stale" },
    },
  },
  {
    name: "among cells that could run, the first on the page does",
    cells: { d: "ts: return b + c", c: "jsonata: 1", a: "jsonata: 2", b: "jsonata: a" },
    edges: ["b.->d.b", "c.->d.c", "a.->b.a"],
    parents: { d: ["b", "c"], b: ["a"] },
    order: ["c", "a", "b", "d"],
    staleAfterEdit: { edit: "a", stale: { a: "code edited", b: "a is stale", d: "b is stale" } },
  },
  {
    name: "a reference to a declared port is an edge from that port",
    cells: {
      scout: {
        kind: "agent",
        source: "x",
        header: { outputs: { claims: { type: "json" }, notes: { type: "text" } } },
      },
      a: "jsonata: scout.claims & scout.notes & scout.other",
    },
    edges: ["scout.claims->a.scout", "scout.notes->a.scout", "scout.->a.scout"],
    parents: { a: ["scout"] },
    order: ["scout", "a"],
  },
  {
    name: "text reads through placeholders, in source and header",
    cells: {
      scout: "agent: About {{ topic }}",
      critic: {
        kind: "agent",
        source: "Judge {{ scout }} and \\{{ nothing }}",
        header: { system: "Be {{ tone }}", role: "{{ ignored }}" },
      },
    },
    params: { topic: "x", tone: "kind" },
    edges: ["scout.->critic.scout"],
    parents: { critic: ["scout"] },
    order: ["scout", "critic"],
    reads: { scout: ["topic"], critic: ["tone"] },
  },
  {
    name: "DF-606 text that a kind does not fill in makes no edge: an input's data, notes of one's own",
    cells: {
      scout: "jsonata: 1",
      data: {
        kind: "input",
        header: { text: "{{ scout }} {{ nobody }} {{ $now() }} {{ secret.KEY }} {{ 1 +" },
      },
      value: { kind: "input", header: { value: ["{{ scout }}"], label: "{{ scout }}" } },
      file: { kind: "input", header: { file: "{{ scout }}.md" } },
      agent: { kind: "agent", source: "x", header: { note: "{{ scout }}" } },
      code: { kind: "ts", source: "return 1", header: { note: "{{ scout }}", system: "{{ scout }}" } },
    },
    edges: [],
    parents: {},
    order: ["scout", "data", "value", "file", "agent", "code"],
  },
  {
    name: "code reads through free names, whatever the runtime has of that name",
    cells: {
      status: "jsonata: 1",
      fetch: "jsonata: 2",
      code: "ts: const a = status; return a + Math.max(fetch, 1)",
    },
    edges: ["status.->code.status", "fetch.->code.fetch"],
    parents: { code: ["fetch", "status"] },
    order: ["status", "fetch", "code"],
  },
  {
    name: "conditions read too",
    cells: { a: "jsonata: 1", b: { source: "2", header: { when: "a > $params.least" } } },
    params: { least: 1 },
    edges: ["a.->b.a"],
    parents: { b: ["a"] },
    order: ["a", "b"],
    reads: { b: ["least"] },
  },
  {
    name: "contracts: a cell, a port, a list; their names are local",
    cells: {
      writer: { kind: "agent", source: "x", header: { outputs: { text: { type: "text" } } } },
      a: "jsonata: 1",
      b: {
        source: "draft & both & writer",
        header: {
          inputs: {
            draft: { from: "writer.text" },
            both: { from: ["a", "writer"], required: false },
            spare: { required: false },
            given: { default: 1 },
          },
        },
      },
    },
    edges: ["writer.->b.writer", "writer.text->b.draft", "a.->b.both", "writer.->b.both"],
    parents: { b: ["a", "writer"] },
    order: ["writer", "a", "b"],
  },
  {
    name: "an input called as a cell hides that cell",
    cells: {
      a: "jsonata: 1",
      b: "jsonata: 2",
      c: { source: "a", header: { inputs: { a: { from: "b" } } } },
    },
    edges: ["b.->c.a"],
    parents: { c: ["b"] },
    order: ["a", "b", "c"],
    staleAfterEdit: { edit: "a", stale: { a: "code edited" } },
  },
  {
    name: "order without data",
    cells: {
      a: "jsonata: 1",
      b: "jsonata: 2",
      c: { source: "3", header: { after: ["a", "b?"] } },
      d: { source: "4", header: { after: "c" } },
    },
    edges: ["a.*->c.*", "b.*->c.*", "c.*->d.*"],
    parents: { c: ["a", "b"], d: ["c"] },
    order: ["a", "b", "c", "d"],
    staleAfterEdit: { edit: "a", stale: { a: "code edited" } },
  },
  {
    name: "several edges between two cells are no cycle",
    cells: { a: "jsonata: 1", b: { source: "a + a", header: { after: "a", when: "a" } } },
    edges: ["a.->b.a", "a.*->b.*"],
    parents: { b: ["a"] },
    order: ["a", "b"],
  },
  {
    name: "a cell that reads itself",
    cells: { a: "jsonata: a + 1", b: "jsonata: a" },
    edges: ["a.->a.a", "a.->b.a"],
    parents: { a: ["a"], b: ["a"] },
    order: [],
    cycles: [["a"]],
  },
  {
    name: "cycles, each once, and what stands before and behind them",
    cells: {
      before: "jsonata: 1",
      a: "jsonata: c + before",
      b: "jsonata: a",
      c: "jsonata: b",
      behind: "jsonata: c",
      x: { source: "1", header: { after: "y" } },
      y: "ts: return x",
    },
    edges: [
      "c.->a.c",
      "before.->a.before",
      "a.->b.a",
      "b.->c.b",
      "c.->behind.c",
      "y.*->x.*",
      "x.->y.x",
    ],
    parents: { a: ["before", "c"], b: ["a"], c: ["b"], behind: ["c"], x: ["y"], y: ["x"] },
    order: ["before"],
    cycles: [["a", "b", "c"], ["x", "y"]],
  },
  {
    name: "names that nobody has",
    cells: {
      scout: "jsonata: 1",
      a: "jsonata: scuot & zzz",
      b: "agent: {{ topik }}",
      c: { source: "1", header: { after: "scouts", inputs: { x: { from: "skout" }, y: {} } } },
      d: { kind: "agent", source: "x", header: { model: "{{ scout }}" } },
    },
    params: { topic: "x" },
    edges: [],
    parents: {},
    order: ["scout", "a", "b", "c", "d"],
    problems: [
      "No cell or param is named 'scuot'. Did you mean 'scout'?",
      "No cell or param is named 'zzz'",
      "No cell or param is named 'topik'. Did you mean 'topic'?",
      "No cell is named 'skout'. Did you mean 'scout'?",
      "Required input 'y' is not connected",
      "No cell is named 'scouts'. Did you mean 'scout'?",
      "No param is named 'scout'",
    ],
  },
  {
    name: "a contract on an output that is not declared",
    cells: {
      scout: { kind: "agent", source: "x", header: { outputs: { claims: { type: "json" } } } },
      a: { source: "1", header: { inputs: { x: { from: "scout.claim" }, y: { from: "topic" } } } },
    },
    params: { topic: "x" },
    edges: [],
    parents: {},
    order: ["scout", "a"],
    problems: [
      "Cell 'scout' has no output 'claim'. Did you mean 'claims'?",
      "'topic' is a param; read it by its name, without an input",
    ],
  },
  {
    name: "an invalid cell reads nothing, and what others read of it is an edge",
    cells: { a: { kind: "invalid", source: "{{ b }}" }, b: "jsonata: a" },
    edges: ["a.->b.a"],
    parents: { b: ["a"] },
    order: ["a", "b"],
  },
  {
    name: "names of a cell's own: the item of each, the result in an effect",
    cells: {
      list: "jsonata: [1]",
      a: { source: "item + 1", header: { each: { in: "list", as: "item" } } },
      b: { kind: "http", source: "POST {{ secret.KEY }}", header: { effect: { url: "{{ result.url }}" } } },
    },
    edges: ["list.->a.list"],
    parents: { a: ["list"] },
    order: ["list", "a", "b"],
  },
  {
    name: "a secret where no request is sent",
    cells: { a: "agent: {{ secret.KEY }}" },
    edges: [],
    parents: {},
    order: ["a"],
    problems: ["Secrets are filled in only where a request is sent"],
  },
  {
    name: "all params, one param, an input cell's param",
    cells: {
      a: "jsonata: $keys($params)",
      b: "jsonata: $params.topic",
      c: { kind: "input", source: "", header: { param: "docs" } },
      d: "jsonata: $params.a",
    },
    params: { topic: "x", docs: [] },
    edges: [],
    parents: {},
    order: ["a", "b", "c", "d"],
    reads: { a: ["docs", "topic"], b: ["topic"], c: ["docs"] },
    problems: ["No param is named 'a'"],
  },
  {
    name: "names of JavaScript's objects are names like any other",
    cells: { constructor: "jsonata: 1", a: "jsonata: constructor & tostring" },
    edges: ["constructor.->a.constructor"],
    parents: { a: ["constructor"] },
    order: ["constructor", "a"],
    problems: ["No cell or param is named 'tostring'"],
  },
];
