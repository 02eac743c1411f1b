/**
 * Icons, drawn for this project on a 16 px grid with one stroke width. Owns: the drawings. They say nothing by
 * themselves: the words stand beside them, so they are hidden from screen readers.
 */
import type { JSX } from "preact";

const PATHS: Record<string, string> = {
  agent:
    "M8 2.2v2M4.2 4.5h7.6a1.7 1.7 0 0 1 1.7 1.7v4.6a1.7 1.7 0 0 1-1.7 1.7H4.2a1.7 1.7 0 0 1-1.7-1.7V6.2a1.7 1.7 0 0 1 1.7-1.7zM5.9 8v1M10.1 8v1",
  researcher: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.2 3.2",
  coder: "M5.2 4.5 2 8l3.2 3.5M10.8 4.5 14 8l-3.2 3.5M9 3.5l-2 9",
  reviewer: "M3 3.5h10v9H3zM5.5 8.2l1.8 1.8 3.4-3.8",
  coordinator: "M8 2.5v4M8 6.5 3.5 10v2M8 6.5l4.5 3.5v2M2.5 12h2v1.5h-2zM11.5 12h2v1.5h-2zM7 1.5h2V3H7z",
  writer: "M3 13l.6-2.9 7.2-7.2a1.3 1.3 0 0 1 1.8 0l.5.5a1.3 1.3 0 0 1 0 1.8L5.9 12.4zM9.6 4.1l2.3 2.3",
  jsonata:
    "M5.5 2.5C3.8 2.5 4.6 7 2.8 8c1.8 1 1 5.5 2.7 5.5M10.5 2.5c1.7 0 .9 4.5 2.7 5.5-1.8 1-1 5.5-2.7 5.5M8 6.2v3.6",
  ts: "M2.5 3.5h11v9h-11zM5 6.2l2 1.8-2 1.8M8.5 10h2.8",
  http:
    "M8 2.3a5.7 5.7 0 1 1 0 11.4A5.7 5.7 0 0 1 8 2.3zM2.4 8h11.2M8 2.3c2 1.6 2.6 3.6 2.6 5.7S10 12.1 8 13.7C6 12.1 5.4 10.1 5.4 8S6 3.9 8 2.3",
  tool: "M9.8 2.6a3.4 3.4 0 0 0-3 4.7L2.6 11.5l1.9 1.9 4.2-4.2a3.4 3.4 0 0 0 4.6-3.9l-2 1.9-1.9-.5-.5-1.9z",
  input: "M2.5 4.5h11v7h-11zM5 7v2",
  approval:
    "M5.5 8V4.3a1 1 0 0 1 2 0V7V3.3a1 1 0 0 1 2 0V7.2V4.6a1 1 0 0 1 2 0V9c0 2.6-1.5 4.5-3.7 4.5-1.7 0-2.6-.9-3.4-2.3L3 8.7c-.4-.9.7-1.6 1.3-.9z",
  wait: "M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 3 5 4 5 5.5s-5 2.5-5 5.5M10.5 2.5c0 3-5 4-5 5.5s5 2.5 5 5.5",
  notebook: "M4 2.5h8.5v11H4zM2.5 5H5M2.5 8H5M2.5 11H5M7 5.5h3.5M7 8h3.5",
  invalid: "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.3",
  run: "M5 3.2v9.6L12.8 8z",
  stop: "M4.2 4.2h7.6v7.6H4.2z",
  pause: "M4.5 3.8h2.2v8.4H4.5zM9.3 3.8h2.2v8.4H9.3z",
  page: "M3.5 2.5h9v11h-9zM6 5.5h4M6 8h4M6 10.5h2.5",
  graph: "M2.5 3h3.5v3H2.5zM10 6.5h3.5v3H10zM2.5 10H6v3H2.5zM6 4.5h2v3.5h2M6 11.5h2V8",
  sun:
    "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  restart: "M3.2 8.2a4.9 4.9 0 1 0 1.5-3.6M4.3 2.2v2.9h2.9",
  down: "M8 3v9.5M4 9l4 4 4-4",
};

/** Names of icons. */
export type IconName = keyof typeof PATHS;

const SOLID = new Set(["run", "stop", "pause"]);

/** Props of {@link Icon}. */
export interface IconProps {
  /** A name that is not known draws a plain agent. */
  name: string;
}

/** An icon in the colour of the text around it. */
export function Icon({ name }: IconProps): JSX.Element {
  const path = Object.hasOwn(PATHS, name) ? PATHS[name] : PATHS.agent;
  return (
    <svg
      class={SOLID.has(name) ? "icon solid" : "icon"}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  );
}
