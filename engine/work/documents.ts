/**
 * Notebook versions as the engine works with them: parsed, with their data flow. Owns: the cache by version.
 */
import type { Artifacts } from "../artifacts/artifacts.ts";
import { buildGraph } from "../graph/graph.ts";
import type { Graph } from "../graph/types.ts";
import { inOrder } from "../notebook/problem.ts";
import { parse } from "../notebook/parse.ts";
import type { Notebook, Problem } from "../notebook/types.ts";
import { versionOf } from "../notebook/version.ts";

/** A version, read. */
export interface Document {
  version: string;
  notebook: Notebook;
  graph: Graph;
  /** Of the document and of its data flow, in order of place. */
  problems: Problem[];
}

const KEPT = 50;

/** Reads a text, whatever is wrong with it. */
export function readDocument(text: string): Document {
  const { notebook, problems } = parse(text);
  const built = buildGraph(notebook);
  return {
    version: versionOf(text),
    notebook,
    graph: built.graph,
    problems: inOrder([...problems, ...built.problems]),
  };
}

/** Reads versions, each once while it is among the last 50 used. */
export class Documents {
  #byVersion = new Map<string, Document>();

  constructor(private readonly artifacts: Artifacts) {}

  /** The document of a text. */
  read(text: string): Document {
    const version = versionOf(text);
    const known = this.#byVersion.get(version);
    if (known !== undefined) {
      this.#byVersion.delete(version);
      this.#byVersion.set(version, known);
      return known;
    }
    const document = readDocument(text);
    this.#byVersion.set(version, document);
    if (this.#byVersion.size > KEPT) this.#byVersion.delete(this.#byVersion.keys().next().value!);
    return document;
  }

  /** The document of a kept version. Throws `version_not_found`. */
  async open(version: string): Promise<Document> {
    return this.#byVersion.get(version) ?? this.read(await this.artifacts.getText(version));
  }
}
