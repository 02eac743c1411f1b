/**
 * The frame of every page: head, style sheets, scripts of the islands used, the state for them.
 * Owns: this frame. Never: what a page says.
 */
import { type ComponentChildren, h, type JSX, type VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import { THEMES } from "../../islands/ThemeToggle.tsx";
import { PageContext, PageStore } from "../../islands/_client/page_store.ts";
import type { PageState } from "../../components/cell/facts.ts";
import { Html } from "../../components/Html.tsx";
import type { Assets } from "../assets.ts";
import { securityHeaders, text } from "../respond.ts";
import { UsedIslands } from "./island.tsx";

/** What a page is made of. */
export interface PageParts {
  title: string;
  /** Class of the body. */
  kind: "home" | "notebook" | "graph" | "login";
  body: VNode;
  /** For the islands. */
  state?: PageState;
  status?: number;
  headers?: HeadersInit;
  /** Where the page goes by itself, at once. */
  onward?: string;
}

/** Draws a page. */
export function page(request: Request, assets: Assets, parts: PageParts): Response {
  const used = new Set<string>();
  const store = parts.state === undefined ? undefined : new PageStore(parts.state);
  // The body first: it says which islands the head must bring.
  const body = renderToString(
    h(UsedIslands.Provider, {
      value: used,
      children: h(PageContext.Provider, { value: store, children: parts.body }),
    }),
  );
  const nonce = crypto.randomUUID();
  const head = renderToString(<Head parts={parts} assets={assets} islands={[...used]} />);
  const theme = themeOf(request);
  const state = parts.state === undefined ? "" : renderToString(
    <Html tag="script" id="weft-state" type="application/json" html={scriptJson(parts.state)} />,
  );
  const whole = `<!doctype html><html lang="en" data-theme="${theme}">${head}` +
    `<body class="${parts.kind}">${body}${state}</body></html>`;
  const answer = text(request, whole, "text/html", { status: parts.status ?? 200, headers: parts.headers });
  securityHeaders(answer.headers, nonce);
  return answer;
}

function Head(
  { parts, assets, islands }: { parts: PageParts; assets: Assets; islands: string[] },
): JSX.Element {
  const { scripts, preloads, styles } = assets.forIslands(islands);
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      {parts.onward && <meta http-equiv="refresh" content={`0;url=${parts.onward}`} />}
      <title>{parts.title}</title>
      <link rel="icon" href={assets.path("icon.svg")} type="image/svg+xml" />
      <link rel="stylesheet" href={assets.path("weft.css")} />
      {styles.map((href) => <link key={href} rel="stylesheet" href={href} />)}
      {preloads.map((href) => <link key={href} rel="modulepreload" href={href} />)}
      {scripts.map((src) => <script key={src} type="module" src={src} />)}
    </head>
  );
}

/** The theme that a person chose in this browser. */
export function themeOf(request: Request): typeof THEMES[number] {
  const chosen = /(?:^|;\s*)weft_theme=(\w+)/.exec(request.headers.get("cookie") ?? "")?.[1];
  return THEMES.find((theme) => theme === chosen) ?? "system";
}

/** JSON that cannot end the script element it stands in. */
function scriptJson(value: PageState): string {
  return JSON.stringify(value).replace(/</g, "\\u003c").replace(/\u2028/g, "\\u2028").replace(
    /\u2029/g,
    "\\u2029",
  );
}

/** A link that jumps over the bar, for keyboards. */
export function SkipLink(): JSX.Element {
  return <a class="skip" href="#weft-main">Skip to content</a>;
}

/** The bar on top of every page. */
export function Bar(
  { title, children }: { title: ComponentChildren; children?: ComponentChildren },
): JSX.Element {
  return (
    <header class="bar">
      <a class="brand" href="/" aria-label="Weft, all notebooks">
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
          <path d="M2 5h16M2 10h16M2 15h16" class="weft-back" />
          <path d="M5 2v16M10 2v16M15 2v16" class="weft-front" />
        </svg>
        <span>Weft</span>
      </a>
      <div class="bar-title">{title}</div>
      <div class="bar-tools">{children}</div>
    </header>
  );
}
