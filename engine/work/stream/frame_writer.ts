/**
 * An attempt's output stream on its way to the store. Owns: numbering, joining and batching of frames.
 *
 * T2 Frames are numbered 1, 2, 3 … in the order of `write`, and a batch is handed over once.
 *
 * Adjacent pieces of text in one batch become one frame: a model's tokens come by the thousand and a reader only ever
 * joins them. The first frame after a pause is handed over at once, so that what appears first appears soon; the next
 * wait for the first of 50 ms, 64 frames and 16 KiB (EN-1602).
 */
import type { Clock } from "../../base/clock.ts";
import { hit } from "../../base/faults.ts";
import { jsonBytes } from "../../base/json.ts";
import type { Frame, FrameBody } from "../../wire/frame.ts";

const BATCH_MS = 50;
const BATCH_FRAMES = 64;
const BATCH_BYTES = 16_384;
/** A frame's text is cut here: at 6 bytes a character, the worst that JSON needs, a full batch and one more still fit a record. */
const FRAME_CHARACTERS = 4_096;

/** See the module comment. */
export class FrameWriter {
  #batch: Frame[] = [];
  #bytes = 0;
  #seq = 0;
  #handedAt = -Infinity;
  #timer: AbortController | undefined;
  #closed = false;
  readonly #place: { step: string; attempt: number };

  /**
   * @param place the attempt whose stream it is, and its last frame so far if it goes on
   * @param hand takes a batch for the next commit
   */
  constructor(
    { from = 0, ...place }: { step: string; attempt: number; from?: number },
    private readonly clock: Clock,
    private readonly hand: (frames: Frame[]) => void,
  ) {
    this.#seq = from;
    this.#place = place;
  }

  /** Number of the last frame written. */
  get seq(): number {
    return this.#seq;
  }

  /** Adds to the stream; after {@link close} it does nothing, since late output of a dead attempt is nobody's. */
  write(body: FrameBody): void {
    if (this.#closed) return;
    if ("text" in body && body.text.length > FRAME_CHARACTERS) {
      for (const text of pieces(body.text)) this.write({ ...body, text });
      return;
    }
    this.#add(body);
    if (this.#batch.length >= BATCH_FRAMES || this.#bytes >= BATCH_BYTES) return this.#flush();
    const wait = this.#handedAt + BATCH_MS - this.clock.monotonic();
    if (wait <= 0) return this.#flush();
    if (this.#timer === undefined) this.#flushAfter(wait);
  }

  /** Ends the stream; returns what has not been handed over. */
  close(): Frame[] {
    this.#closed = true;
    return this.#take();
  }

  #add(body: FrameBody): void {
    const last = this.#batch.at(-1);
    const text = "text" in body ? body.text : "";
    this.#bytes += jsonBytes(text) + 100;
    if (last !== undefined && joins(last, body)) {
      (last as { text: string }).text += text;
      return;
    }
    this.#seq++;
    this.#batch.push({ ...body, ...this.#place, seq: this.#seq, at: this.clock.now() });
  }

  async #flushAfter(wait: number): Promise<void> {
    const timer = new AbortController();
    this.#timer = timer;
    await this.clock.sleep(wait, timer.signal);
    if (!timer.signal.aborted) this.#flush();
  }

  #flush(): void {
    const batch = this.#take();
    if (batch.length === 0) return;
    hit("frame.flush");
    this.hand(batch);
  }

  #take(): Frame[] {
    this.#timer?.abort();
    this.#timer = undefined;
    this.#handedAt = this.clock.monotonic();
    this.#bytes = 0;
    return this.#batch.splice(0);
  }
}

function joins(last: Frame, body: FrameBody): boolean {
  if (body.type !== "text" && body.type !== "reasoning") return false;
  return last.type === body.type && last.text.length + body.text.length <= FRAME_CHARACTERS;
}

/** Cuts a long text without splitting a surrogate pair. */
function* pieces(text: string): Iterable<string> {
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + FRAME_CHARACTERS, text.length);
    const code = text.charCodeAt(to - 1);
    if (to < text.length && code >= 0xd800 && code <= 0xdbff) to--;
    yield text.slice(from, to);
    from = to;
  }
}
