/**
 * Warm child processes that answer one line with one line. Owns: who is busy, who is replaced and when.
 * Never: what the lines say.
 *
 * X7 A child answers one question at a time; one that is late, aborted or broken is killed, and no other is touched.
 * X8 Idle children do not keep our process from ending, and end with it.
 */
import type { Clock } from "../base/clock.ts";
import type { Child } from "./launch.ts";
import { readLines, readTail } from "./read_lines.ts";

/** How a question went. `died`: the child ended by itself; `stderr` is the last that it said. */
export type Exchange =
  | { type: "answer"; line: string }
  | { type: "timeout" }
  | { type: "aborted" }
  | { type: "died"; stderr: string };

/** Children for questions. */
export interface EvaluatorPool {
  /** Asks a free child, or waits for one. The time in `withinMs` begins when a child is free. */
  exchange(line: string, options: { withinMs: number; signal: AbortSignal }): Promise<Exchange>;
  /** Kills all children and answers `aborted` to whoever waits. */
  close(): Promise<void>;
}

/** Settings of a pool. */
export interface PoolSettings {
  clock: Clock;
  /** Starts one child. */
  start: () => Promise<Child>;
  /** Most children at a time. */
  size: number;
  /** Questions after which a child is replaced. */
  uses: number;
  /** Time busy after which a child is replaced: below the processor time that it may use. */
  busyMs: number;
  /** Longest answer in bytes. */
  answerBytes: number;
}

/** A child with what it has done. */
interface Slot {
  child: Child;
  writer: WritableStreamDefaultWriter<Uint8Array>;
  answers: ReturnType<typeof readLines>;
  stderr: Promise<string>;
  uses: number;
  busyMs: number;
  dead: boolean;
}

/** A pool without children; the first question starts one. */
export function createEvaluatorPool(settings: PoolSettings): EvaluatorPool {
  const { clock, size } = settings;
  const idle: Slot[] = [];
  const all = new Set<Slot>();
  const waiting: (() => void)[] = [];
  const closing = new AbortController();
  let taken = 0;

  async function take(signal: AbortSignal): Promise<boolean> {
    const wanted = AbortSignal.any([signal, closing.signal]);
    while (taken >= size && !wanted.aborted) {
      const gaveUp = await new Promise<boolean>((resolve) => {
        // Whoever gives up leaves the queue, so that a free place wakes one who still wants it.
        const leave = () => {
          waiting.splice(waiting.indexOf(wake), 1);
          resolve(true);
        };
        const wake = () => {
          wanted.removeEventListener("abort", leave);
          resolve(false);
        };
        waiting.push(wake);
        wanted.addEventListener("abort", leave, { once: true });
      });
      // Woken and aborted at once: the place goes to the next.
      if (!gaveUp && wanted.aborted) waiting.shift()?.();
    }
    if (wanted.aborted) return false;
    taken++;
    return true;
  }

  async function slotFor(): Promise<Slot> {
    for (let slot = idle.pop(); slot !== undefined; slot = idle.pop()) if (!slot.dead) return slot;
    const child = await settings.start();
    const slot: Slot = {
      child,
      writer: child.stdin.getWriter(),
      answers: readLines(child.stdout, settings.answerBytes),
      stderr: readTail(child.stderr, 16 * 1024),
      uses: 0,
      busyMs: 0,
      dead: false,
    };
    all.add(slot);
    child.ended.then(() => {
      slot.dead = true;
      all.delete(slot);
    });
    return slot;
  }

  async function ask(slot: Slot, line: string, withinMs: number, signal: AbortSignal): Promise<Exchange> {
    const over = new AbortController();
    const wanted = AbortSignal.any([signal, closing.signal]);
    const begun = clock.monotonic();
    let late = false;
    clock.sleep(withinMs, over.signal).then(() => {
      if (over.signal.aborted) return;
      late = true;
      slot.child.kill();
    });
    wanted.addEventListener("abort", slot.child.kill, { once: true });
    if (wanted.aborted) slot.child.kill();
    slot.child.hold(true);
    try {
      // A child that dies breaks the pipe; the end of its answers says so.
      slot.writer.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
      const answer = await firstLine(slot.answers);
      if (answer !== undefined) return { type: "answer", line: answer };
      slot.child.kill();
      await slot.child.ended;
      if (wanted.aborted) return { type: "aborted" };
      return late ? { type: "timeout" } : { type: "died", stderr: await slot.stderr };
    } finally {
      over.abort();
      wanted.removeEventListener("abort", slot.child.kill);
      slot.uses++;
      slot.busyMs += clock.monotonic() - begun;
      slot.child.hold(false);
    }
  }

  return {
    async exchange(line, { withinMs, signal }) {
      if (!await take(signal)) return { type: "aborted" };
      try {
        const slot = await slotFor();
        const exchange = await ask(slot, line, withinMs, signal);
        const worn = slot.uses >= settings.uses || slot.busyMs >= settings.busyMs;
        if (exchange.type !== "answer" || worn || closing.signal.aborted) slot.child.kill();
        else idle.push(slot);
        return exchange;
      } finally {
        taken--;
        waiting.shift()?.();
      }
    },
    async close() {
      closing.abort();
      const ends = [...all].map((slot) => {
        slot.child.hold(true);
        slot.child.kill();
        slot.writer.abort().catch(() => {});
        slot.answers.return(undefined);
        return Promise.all([slot.child.ended, slot.stderr]);
      });
      idle.length = 0;
      await Promise.all(ends);
    },
  };
}

async function firstLine(answers: ReturnType<typeof readLines>): Promise<string | undefined> {
  for (;;) {
    const { value: batch, done } = await answers.next();
    if (done || batch.overflow) return undefined;
    const line = batch.lines.find((text) => text !== "");
    if (line !== undefined) return line;
  }
}
