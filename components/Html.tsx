/**
 * The one place that puts text into a page as markup (SE-909). Owns: the page's state in its script element, which
 * JSX would escape. Never: a text from a notebook, a cell or a model; Markdown is elements (`markdown/Markdown.tsx`).
 */
import { createElement, type JSX } from "preact";

/** Props of {@link Html}. */
export interface HtmlProps {
  tag: "script";
  id: string;
  type: "application/json";
  /** JSON in which every `<` is escaped. */
  html: string;
}

/** Draws the element. Throws a `TypeError` for text that could end it, which would be a bug. */
export function Html({ tag, id, type, html }: HtmlProps): JSX.Element {
  if (html.includes("<")) throw new TypeError("JSON in a script element must escape every <");
  return createElement(tag, { id, type, dangerouslySetInnerHTML: { __html: html } });
}
