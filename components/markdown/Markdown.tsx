/**
 * Markdown as elements. Owns: the one list of what a Markdown text can become, on the server and in the browser.
 * Never: text as markup. Raw HTML is shown as the text it is, apart from a few inline tags without attributes, so there
 * is nothing to clean: an element exists only if a line below makes it.
 */
import { Component, type ComponentChildren, createElement, Fragment, type JSX } from "preact";
import type { Token, Tokens } from "marked";
import { type Block, MarkdownText } from "./blocks.ts";
import { decodeEntities, hostOf, safeHref } from "./safe_link.ts";

/** Props of {@link Markdown}. */
export interface MarkdownProps {
  text: string;
  /** Whether more text may follow. */
  open?: boolean;
  /** Added to heading levels, so that an output's headings stay below its cell's. */
  deeper?: number;
}

/** Draws a text; when it grows, blocks that are complete are not drawn again. */
export class Markdown extends Component<MarkdownProps> {
  #text = new MarkdownText();

  render({ text, open = false, deeper = 0 }: MarkdownProps): JSX.Element {
    const blocks = this.#text.read(text, !open);
    return (
      <div class="markdown">
        {blocks.map((block) => <BlockView key={block.index} block={block} deeper={deeper} />)}
      </div>
    );
  }
}

class BlockView extends Component<{ block: Block; deeper: number }> {
  override shouldComponentUpdate(next: { block: Block }): boolean {
    return next.block.token !== this.props.block.token;
  }

  render({ block, deeper }: { block: Block; deeper: number }): ComponentChildren {
    return blockOf(block.token, deeper);
  }
}

function blockOf(token: Token, deeper: number): ComponentChildren {
  switch (token.type) {
    case "heading":
      return createElement(`h${Math.min(token.depth + deeper, 6)}`, null, inlineOf(token.tokens));
    case "paragraph":
      return <p>{inlineOf(token.tokens)}</p>;
    case "text":
      return token.tokens === undefined ? decodeEntities(token.text) : inlineOf(token.tokens);
    case "code":
      return (
        <pre class="code-block" tabIndex={0} role="region" aria-label="Code"><code>{token.text}</code></pre>
      );
    case "blockquote":
      return <blockquote>{token.tokens?.map((inner) => blockOf(inner, deeper))}</blockquote>;
    case "list":
      return listOf(token as Tokens.List, deeper);
    case "table":
      return tableOf(token as Tokens.Table);
    case "hr":
      return <hr />;
    case "html":
      return rawOf(token.raw);
    default:
      return null;
  }
}

function listOf(list: Tokens.List, deeper: number): JSX.Element {
  const items = list.items.map((item, i) => (
    <li key={i} class={item.task ? "task" : undefined}>
      {item.task && <span aria-label={item.checked ? "done" : "open"}>{item.checked ? "☑ " : "☐ "}</span>}
      {item.tokens.map((inner) => inner.type === "checkbox" ? null : blockOf(inner, deeper))}
    </li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function tableOf(table: Tokens.Table): JSX.Element {
  const cell = (tag: "th" | "td", { tokens, align }: Tokens.TableCell) =>
    createElement(tag, align ? { class: `align-${align}` } : null, inlineOf(tokens));
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>{table.header.map((head) => cell("th", head))}</tr>
        </thead>
        <tbody>{table.rows.map((row, i) => <tr key={i}>{row.map((data) => cell("td", data))}</tr>)}</tbody>
      </table>
    </div>
  );
}

/** A block of HTML: nothing for a comment, else its text. */
function rawOf(raw: string): JSX.Element | null {
  return /^\s*<!--[^]*-->\s*$/.test(raw) ? null : <p class="raw-html">{raw.trim()}</p>;
}

/** Tags that may stand in text; they carry no attribute. */
const INLINE_TAG = /^<(\/?)(sub|sup|kbd|mark|u|s|b|i|em|strong|small)\s*>$/i;

/**
 * Inline tokens as one node: a list of texts in JSX would be escaped twice by the renderer on the server.
 * Pairs of inline tags arrive as single tokens and are matched here.
 */
function inlineOf(tokens: readonly Token[] | undefined): JSX.Element {
  const open: { tag: string; raw: string; nodes: ComponentChildren[] }[] = [{ tag: "", raw: "", nodes: [] }];
  for (const token of tokens ?? []) {
    const top = open.at(-1)!;
    const tag = token.type === "html" ? INLINE_TAG.exec(token.raw) : null;
    const name = tag?.[2]?.toLowerCase();
    if (tag === null) top.nodes.push(nodeOf(token));
    else if (tag[1] === "" && open.length < 20) open.push({ tag: name!, raw: token.raw, nodes: [] });
    else if (tag[1] !== "" && top.tag === name) {
      open.pop();
      open.at(-1)!.nodes.push(createElement(name!, null, top.nodes));
    } else top.nodes.push(token.raw);
  }
  while (open.length > 1) {
    const { raw, nodes } = open.pop()!;
    open.at(-1)!.nodes.push(raw, ...nodes);
  }
  return createElement(Fragment, null, open[0]!.nodes);
}

function nodeOf(token: Token): ComponentChildren {
  switch (token.type) {
    case "text":
      return token.tokens === undefined ? decodeEntities(token.text) : inlineOf(token.tokens);
    case "escape":
      return token.text;
    case "strong":
      return <strong>{inlineOf(token.tokens)}</strong>;
    case "em":
      return <em>{inlineOf(token.tokens)}</em>;
    case "del":
      return <del>{inlineOf(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return linkOf(token.href, inlineOf(token.tokens));
    case "image":
      return imageOf(token as Tokens.Image);
    case "html":
      return /^<br\s*\/?>$/i.test(token.raw) ? <br /> : /^<!--/.test(token.raw) ? null : token.raw;
    default:
      return token.raw;
  }
}

function linkOf(href: string, children: ComponentChildren): ComponentChildren {
  const safe = safeHref(href);
  return safe === undefined ? children : <a href={safe} rel="noopener noreferrer nofollow">{children}</a>;
}

/** SE-903: an image is never loaded; a link says where it would come from. */
function imageOf({ href, text }: Tokens.Image): ComponentChildren {
  const host = hostOf(href);
  const alt = text === "" ? "image" : text;
  return host === undefined
    ? <span class="outside-image">{alt}</span>
    : (
      <a class="outside-image" href={safeHref(href)} rel="noopener noreferrer nofollow" target="_blank">
        {alt} (image at {host})
      </a>
    );
}
