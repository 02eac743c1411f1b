/**
 * Server-sent events as text. Owns: writing and reading of the format, and the one form of a group in it.
 * Never: a connection. Browser-safe.
 *
 * W1 No text can end a message or add a field: line ends in data become lines, anywhere else they are refused.
 * W2 Reading gives the same messages however the bytes are cut.
 */
import type { RunLabel } from "../run/words/label.ts";
import type { WireGroup } from "./frame.ts";

/** One message. Absent fields are not written; a message of an id alone moves the reader's place and shows nothing. */
export interface SseMessage {
  event?: string;
  data?: string;
  id?: string;
  /** Milliseconds after which a client connects again. */
  retry?: number;
}

/** A comment, which keeps the connection alive and shows nothing. */
export const HEARTBEAT = ":\n\n";

/**
 * The text of a message. Throws a `TypeError` for a line end or NUL in `event` or `id`, which would be a bug.
 *
 * @example
 * ```ts
 * if (encodeSse({ id: "7", data: "a\nb" }) !== "id: 7\ndata: a\ndata: b\n\n") throw new Error("not the format");
 * ```
 */
export function encodeSse({ event, data, id, retry }: SseMessage): string {
  let text = "";
  if (retry !== undefined) text += `retry: ${retry}\n`;
  if (event !== undefined) text += `event: ${oneLine(event)}\n`;
  if (id !== undefined) text += `id: ${oneLine(id)}\n`;
  if (data !== undefined) { for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`; }
  return `${text}\n`;
}

/** Whether text may be an event's name or id. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- NUL in an id makes a reader ignore it
  if (/[\r\n\u0000]/.test(text)) {
    throw new TypeError(`A line end or NUL cannot stand here: ${JSON.stringify(text)}`);
  }
  return text;
}

/**
 * A group as messages: one `frame`, `gap` or `event` for each item, of which the last carries the cursor as id, and `end` with
 * the run's label after the last group.
 */
export function encodeGroup(group: WireGroup, label: RunLabel): string {
  const items = group.items.map((item) => {
    const body = item.kind === "frame" ? item.frame : item.kind === "gap" ? item.gap : item.event;
    return { event: item.kind, data: JSON.stringify(body) };
  });
  const last = items.pop();
  let text = items.map(encodeSse).join("") + encodeSse({ ...last, id: group.cursor });
  if (group.end) text += encodeSse({ event: "end", data: JSON.stringify({ label }), id: group.cursor });
  return text;
}

/** Longest message that a reader collects, in UTF-16 code units; one that is longer is a `RangeError`. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

/**
 * Reads messages out of pieces of text. Fields and comments that are not known are skipped, as the format asks.
 *
 * @example
 * ```ts
 * const reader = new SseReader();
 * const first = reader.push("event: frame\nda");
 * const rest = reader.push("ta: {}\n\n");
 * if (first.length !== 0 || rest[0]?.data !== "{}") throw new Error("cut in the wrong place");
 * ```
 */
export class SseReader {
  #rest = "";
  #message: SseMessage = {};
  #size = 0;
  #afterReturn = false;

  /** The messages that `text` completes. */
  push(text: string): SseMessage[] {
    // A line feed after a carriage return that ended the last piece belongs to it.
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (text === "") return [];
    this.#afterReturn = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop()!;
    this.#grow(this.#rest.length, false);
    const found: SseMessage[] = [];
    for (const line of lines) {
      if (line !== "") this.#line(line);
      else {
        if (Object.keys(this.#message).length > 0) found.push(this.#message);
        this.#message = {};
        this.#size = 0;
      }
    }
    return found;
  }

  #line(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    this.#grow(value.length, true);
    if (field === "data") {
      this.#message.data = this.#message.data === undefined ? value : `${this.#message.data}\n${value}`;
    } else if (field === "event") this.#message.event = value;
    else if (field === "id" && !value.includes("\u0000")) this.#message.id = value;
    else if (field === "retry" && /^\d{1,9}$/.test(value)) this.#message.retry = Number(value);
  }

  #grow(by: number, keep: boolean): void {
    if (this.#size + by > MAX_MESSAGE) throw new RangeError(`A message is over ${MAX_MESSAGE} characters`);
    if (keep) this.#size += by;
  }
}
