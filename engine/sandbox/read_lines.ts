/**
 * Lines of a child's output, bounded. Owns: cutting bytes into lines. Never: what a line says.
 */

/** What one read brought. */
export interface LineBatch {
  /** Whole lines without their line feed, in order; bytes that are not UTF-8 become U+FFFD. */
  lines: string[];
  /** Bytes read. */
  bytes: number;
  /** A line grew past the limit; nothing follows. */
  overflow: boolean;
}

/**
 * Reads a stream line by line, a batch for each read so that a chatty child costs few turns. The last line may lack
 * its line feed. Ends after a batch with `overflow`, and when the stream ends or breaks.
 *
 * @param maxLineBytes longest line held in memory
 *
 * @example
 * ```ts
 * const stream = new Blob(["one\ntwo"]).stream();
 * const seen: string[] = [];
 * for await (const batch of readLines(stream, 100)) seen.push(...batch.lines);
 * if (seen.join() !== "one,two") throw new Error("lines lost");
 * ```
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<LineBatch> {
  const decoder = new TextDecoder();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (last: Uint8Array): string => {
    const line = held.length === 0 ? last : joined([...held, last], heldBytes + last.length);
    held = [];
    heldBytes = 0;
    return decoder.decode(line);
  };
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value: chunk, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
      if (done || chunk === undefined) break;
      const lines: string[] = [];
      let start = 0;
      let overflow = false;
      for (let end = chunk.indexOf(10); end !== -1 && !overflow; end = chunk.indexOf(10, start)) {
        overflow = heldBytes + end - start > maxLineBytes;
        if (!overflow) lines.push(take(chunk.subarray(start, end)));
        start = end + 1;
      }
      if (start < chunk.length) {
        held.push(chunk.subarray(start));
        heldBytes += chunk.length - start;
      }
      overflow ||= heldBytes > maxLineBytes;
      yield { lines, bytes: chunk.length, overflow };
      if (overflow) return;
    }
    if (heldBytes > 0) yield { lines: [take(new Uint8Array())], bytes: 0, overflow: false };
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * The last `max` bytes of a stream as text; reads to its end.
 *
 * @param onRead told how many bytes there were so far, after each read
 */
export async function readTail(
  stream: ReadableStream<Uint8Array>,
  max: number,
  onRead: (total: number) => void = () => {},
): Promise<string> {
  let tail: Uint8Array = new Uint8Array();
  let total = 0;
  try {
    for await (const chunk of stream) {
      tail = joined([tail, chunk], tail.length + chunk.length).subarray(-max);
      onRead(total += chunk.length);
    }
  } catch { /* a killed child breaks its pipe; what came before counts */ }
  return new TextDecoder().decode(tail);
}

function joined(parts: Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
