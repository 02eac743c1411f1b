/**
 * The page of an approval's link (AP-809, AP-810): shows what is asked, and decides only when its form is sent. Works
 * without script, and shows nothing else of the studio. Owns: this page.
 */
import type { JSX } from "preact";
import type { z } from "zod";
import type { Json } from "../../engine/base/json.ts";
import type { Approval } from "../../engine/mod.ts";
import type { AppParts } from "../parts.ts";
import { json } from "../respond.ts";
import type { LinkBody } from "../schema.ts";
import type { Handlers } from "../table.ts";
import { Bar, page } from "./shell.tsx";

/** Characters of a value that the page shows. */
const MOST_SHOWN = 20_000;

/** The handlers. */
export function approvalPages(
  { engine, assets }: AppParts,
): Pick<Handlers, "approvalPage" | "decideByLink"> {
  /** Browsers send a form's origin only where the page's address may be told to its own server. */
  const headers = { "referrer-policy": "same-origin" };
  return {
    approvalPage: async ({ request, params }) => {
      const approval = await engine.waitpoints.approvalOfLink(params.link!);
      const body = <ApprovalPage approval={approval} />;
      return page(request, assets, { title: "Approval · Weft", kind: "login", body, headers });
    },

    decideByLink: async ({ request, params, body: given }) => {
      const decision = given as z.infer<typeof LinkBody>;
      const done = await engine.waitpoints.decideByLink(params.link!, decision);
      if (!(request.headers.get("accept") ?? "").includes("text/html")) return json(request, done);
      const approval = await engine.waitpoints.approvalOfLink(params.link!);
      const body = <ApprovalPage approval={approval} decided={decision.decision} />;
      return page(request, assets, { title: "Decided · Weft", kind: "login", body, headers });
    },
  };
}

function ApprovalPage(
  { approval, decided }: { approval: Approval; decided?: "approve" | "reject" },
): JSX.Element {
  const { ask, context, value, state, waitpoint: { step, notebook, answers, expiresAt } } = approval;
  return (
    <>
      <Bar title="Approval" />
      <main id="weft-main" class="page">
        <section class="empty approval">
          <h1>{ask}</h1>
          <p class="hint">{`Asked by the cell ${step} of ${notebook}`}</p>
          {context !== undefined && <Shown value={context} />}
          {value !== undefined && <Shown value={value} />}
          {state === "open" && decided === undefined
            ? (
              <form method="post">
                <label for="weft-note">Note, if there is something to say</label>
                <input id="weft-note" name="note" maxLength={500} autocomplete="off" />
                <div class="row">
                  <button type="submit" name="decision" value="approve" class="main-button runs">
                    Approve
                  </button>
                  <button type="submit" name="decision" value="reject">Reject</button>
                </div>
                <p class="hint">{`The link decides once, until ${new Date(expiresAt).toISOString()}`}</p>
              </form>
            )
            : <p role="status">{endWords(state, decided, answers)}</p>}
        </section>
      </main>
    </>
  );
}

function endWords(
  state: Approval["state"],
  decided: "approve" | "reject" | undefined,
  answers: Approval["waitpoint"]["answers"],
): string {
  if (decided !== undefined) {
    return decided === "approve" ? "You have approved this" : "You have rejected this";
  }
  const last = answers.at(-1);
  if (last === undefined || state === "closed") return "This is not waited for any more";
  return `Already answered by ${last.source} at ${new Date(last.at).toISOString()}`;
}

function Shown({ value }: { value: Json }): JSX.Element {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return <pre class="value">{text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text}</pre>;
}
