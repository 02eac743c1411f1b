/** Notebooks that run each other, with scripted cells. */
import type { Workspace } from "../../../../engine/access/workspace.ts";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { ExpressionEvaluator } from "../../../../engine/kinds/agent/prompt.ts";
import { notebookKind } from "../../../../engine/kinds/notebook.ts";
import type { Engine } from "../../../../engine/mod.ts";
import { runPrefix } from "../../../../engine/store/keys.ts";
import type { Store } from "../../../../engine/store/store.ts";
import type { RunHead } from "../../../../engine/work/commit/live_run.ts";
import { readHead } from "../../../../engine/work/records.ts";
import { engineOf, type EngineTraits, noFiles, ScriptedKind, soon, turn } from "../_harness.ts";

/** A workspace that holds these notebooks. */
export function workspaceOf(notebooks: Record<string, string>): Workspace {
  return {
    ...noFiles,
    readNotebook: (id) => {
      const text = notebooks[id];
      if (text !== undefined) return Promise.resolve(new TextEncoder().encode(text));
      return Promise.reject(new EngineError("notebook_not_found", `No notebook has this name: ${id}`));
    },
  };
}

/** Evaluates names only. */
const evaluator: ExpressionEvaluator = {
  evaluate: ({ expression, input }) => {
    const value = (input as Record<string, never>)[expression.trim()];
    return Promise.resolve({ ok: true, value: value ?? null });
  },
} as ExpressionEvaluator;

/** The kind under test. */
export const notebookCells = notebookKind({ evaluator });

/** An engine whose notebooks may run each other. */
export function engineWith(
  store: Store,
  kind: ScriptedKind,
  notebooks: Record<string, string>,
  traits: EngineTraits = {},
): Promise<Engine> {
  return engineOf(store, kind, { kinds: [notebookCells], workspace: workspaceOf(notebooks), ...traits });
}

/** A cell that runs a notebook. */
export function cell(name: string, header: string): string {
  return "```notebook " + name + "\n" + header + "\n```\n";
}

/** Heads of all runs, by their notebooks, the newest of each. */
export async function headsOf(store: Store): Promise<Record<string, RunHead>> {
  const heads = await Array.fromAsync(store.list(runPrefix), readHead);
  return Object.fromEntries(heads.map((head) => [head.notebook, head]));
}

/** The run of a notebook, once it is there. */
export async function runOf(store: Store, notebook: string): Promise<string> {
  const look = async () => {
    for (;;) {
      const head = (await headsOf(store))[notebook];
      if (head !== undefined) return head.id;
      await turn();
    }
  };
  return await soon(look());
}
