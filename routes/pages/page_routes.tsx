/** Routes that answer with pages and files. Owns: which page is drawn for which request. */
import { EngineError, toWire } from "../../engine/base/errors.ts";
import type { AppParts } from "../parts.ts";
import { cookieOf } from "../credential.ts";
import { openDocument } from "../document.ts";
import { listNotebooks } from "../notebook_list.ts";
import { pageStateOf } from "../page_state.ts";
import { refuse } from "../respond.ts";
import type { Handlers } from "../table.ts";
import { FailurePage } from "./failure.tsx";
import { HomePage } from "./home.tsx";
import { LoginPage, WelcomePage } from "./login.tsx";
import { GraphPage, NotebookPage } from "./notebook.tsx";
import { page, themeOf } from "./shell.tsx";

/** The handlers. */
export function pageRoutes(parts: AppParts): Pick<Handlers, "home" | "notebookPage" | "login" | "asset"> {
  const { workspace, logins, assets, clock } = parts;
  return {
    home: async ({ request }) => {
      const body = (
        <HomePage notebooks={await listNotebooks(parts)} theme={themeOf(request)} now={clock.now()} />
      );
      return page(request, assets, { title: "Notebooks · Weft", kind: "home", body });
    },

    notebookPage: async ({ request, params, url }) => {
      const document = await openDocument(workspace, params.nb!);
      const view = url.searchParams.get("view") === "graph" ? "graph" : "page";
      const state = await pageStateOf(parts, document, view);
      const props = { document, state, theme: themeOf(request) };
      return page(request, assets, {
        title: `${state.title} · Weft`,
        kind: view === "graph" ? "graph" : "notebook",
        state,
        body: view === "graph" ? <GraphPage {...props} /> : <NotebookPage {...props} />,
      });
    },

    login: async ({ request, url }) => {
      const next = ownPath(url.searchParams.get("next"));
      const code = url.searchParams.get("code");
      const token = code === null ? undefined : await logins.redeem(code.trim());
      if (token === undefined) return loginPage(parts, request, next, code !== null);
      const headers = { "set-cookie": cookieOf(parts.port(), token, url.protocol === "https:") };
      const body = <WelcomePage next={next} />;
      return page(request, assets, { title: "Signed in · Weft", kind: "login", body, headers, onward: next });
    },

    asset: ({ request, params }) =>
      assets.serve(request, params.file!) ?? refuse("route_unknown", "There is no such file"),
  };
}

/** What a page answers to somebody who has not signed in. */
export function loginPage({ assets }: AppParts, request: Request, next: string, wrong = false): Response {
  const body = <LoginPage next={next} wrong={wrong} />;
  return page(request, assets, { title: "Sign in · Weft", kind: "login", body, status: 401 });
}

/** A page that says what went wrong. */
export function failurePage(
  { assets }: AppParts,
  request: Request,
  error: unknown,
  requestId: string,
): Response {
  const { status, title, detail } = toWire(error, requestId);
  const known = error instanceof EngineError;
  const body = <FailurePage title={title} detail={detail} requestId={known ? undefined : requestId} />;
  return page(request, assets, { title: `${title} · Weft`, kind: "login", body, status });
}

/** A path of this server, or the home page for anything else. */
export function ownPath(path: string | null): string {
  return path !== null && /^\/(?![/\\])[^\\\s]{0,2000}$/.test(path) && !path.startsWith("/login")
    ? path
    : "/";
}
