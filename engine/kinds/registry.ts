/**
 * The kinds that this engine can run. Owns: the list. Never: what a kind does.
 */
import type { Workspace } from "../access/workspace.ts";
import type { Models } from "../models/model.ts";
import type { Egress } from "../sandbox/egress/egress.ts";
import type { Evaluator } from "../sandbox/evaluator.ts";
import { agentKind } from "./agent.ts";
import { approvalKind } from "./approval.ts";
import { httpKind } from "./http.ts";
import { inputKind } from "./input.ts";
import { jsonataKind } from "./jsonata.ts";
import type { Kind, Kinds } from "./kind.ts";
import { notebookKind } from "./notebook.ts";
import { schemaProblems } from "./schema/problems.ts";
import { toolKind } from "./tool.ts";
import { tsKind } from "./ts.ts";
import { waitKind } from "./wait.ts";

/** What kinds work with. */
export interface KindServices {
  models: Models;
  evaluator: Evaluator;
  egress: Egress;
  workspace: Pick<Workspace, "files">;
  /** Reads an environment variable: where programs are looked for, and which servers of tools may start. */
  env: (name: string) => string | undefined;
}

/** Every kind by its name, in the order of the palette. */
export function createKinds({ models, evaluator, egress, workspace, env }: KindServices): Kinds {
  const kinds = [
    agentKind({ models, evaluator }),
    jsonataKind({ evaluator }),
    tsKind(),
    httpKind({ egress, evaluator }),
    toolKind({ egress, evaluator, env }),
    inputKind({ workspace }),
    approvalKind({ evaluator }),
    waitKind({ evaluator }),
    notebookKind({ evaluator }),
  ];
  return new Map(kinds.map((kind: Kind) => [kind.name, withSchemas(kind)]));
}

/** Schemas of ports are the same in every kind. */
function withSchemas(kind: Kind): Kind {
  return { ...kind, check: (cell) => [...schemaProblems(cell), ...kind.check?.(cell) ?? []] };
}
