/** Routes below `/api/v1/notebooks` (AP-501 to AP-511). Owns: their answers' shapes. */
import type { z } from "zod";
import type { JsonObject } from "../../engine/base/json.ts";
import { findCycles } from "../../engine/graph/cycles.ts";
import { runOrder } from "../../engine/graph/order.ts";
import { type Document, readDocument } from "../../engine/mod.ts";
import type { AppParts } from "../parts.ts";
import { graphOf, openDocument } from "../document.ts";
import { liveStream } from "../live/live_stream.ts";
import { listNotebooks } from "../notebook_list.ts";
import { json } from "../respond.ts";
import type { LayoutBody, PlanBody } from "../schema.ts";
import type { Handlers } from "../table.ts";

type Ids = "notebooks" | "notebook" | "graph" | "live" | "layout" | "putLayout" | "plan" | "check";

/** The handlers. */
export function notebookRoutes(parts: AppParts): Pick<Handlers, Ids> {
  const { engine, workspace } = parts;
  const open = (id: string) => openDocument(workspace, id);
  return {
    notebooks: async ({ request }) => json(request, { items: await listNotebooks(parts) }),

    notebook: async ({ request, params }) => {
      const document = await open(params.nb!);
      const headers = { etag: `"${document.version}"`, vary: "accept" };
      if (request.headers.get("if-none-match") === headers.etag) {
        return new Response(null, { status: 304, headers });
      }
      if ((request.headers.get("accept") ?? "").includes("application/json")) {
        const { id, version, text, notebook, problems } = document;
        return json(request, { id, version, text, document: notebook, problems }, { headers });
      }
      const body = document.bytes as Uint8Array<ArrayBuffer>;
      return new Response(body, { headers: { ...headers, "content-type": "text/markdown; charset=utf-8" } });
    },

    graph: async ({ request, params }) => {
      const document = await open(params.nb!);
      const plan = await engine.plan({ notebook: document.id, text: document.text });
      const { nodes } = await graphOf(workspace, document);
      return json(request, { ...graphShape(document), positions: nodes, stale: plan.stale });
    },

    live: async ({ request, params, url }) => {
      await open(params.nb!);
      const after = request.headers.get("last-event-id") ?? url.searchParams.get("after") ?? "";
      return liveStream(request, parts, params.nb!, after);
    },

    layout: async ({ request, params }) => json(request, await workspace.readLayout(params.nb!)),

    putLayout: async ({ request, params, body }) => {
      const layout = body as z.infer<typeof LayoutBody>;
      await workspace.readNotebook(params.nb!);
      await workspace.writeLayout(params.nb!, layout);
      return json(request, layout);
    },

    plan: async ({ request, params, body }) => {
      const { text, id } = await open(params.nb!);
      const { params: values, cells } = body as z.infer<typeof PlanBody>;
      const { plan, problems, stale } = await engine.plan({
        notebook: id,
        text,
        ...values === undefined ? {} : { params: values as JsonObject },
        ...cells === undefined ? {} : { cells },
      });
      const steps = plan?.steps.map(({ cell, action, why }) => ({ cell, action, why })) ?? [];
      return json(request, { steps, problems, stale });
    },

    check: ({ request, body }) => {
      const document = readDocument(body as string);
      return json(request, { problems: document.problems, graph: graphShape(document) });
    },
  };
}

/** AP-508, without what depends on past runs. */
function graphShape({ graph }: Pick<Document, "graph">) {
  const { order, levels } = runOrder(graph);
  return {
    cells: graph.nodes.map(({ name, kind }) => ({ name, kind })),
    ports: Object.fromEntries(graph.nodes.map(({ name, outputs }) => [name, outputs])),
    edges: graph.edges,
    order,
    levels: Object.fromEntries(levels),
    cycles: findCycles(graph),
  };
}
