/**
 * What a process under test says it did, a line for each thing, written to a file before the next thing happens: so it
 * is there however the process ended. Owns: the lines, and the store that notes what passes through it.
 */
import { sha256 } from "../../../engine/base/hash.ts";
import type { Put, Session, Store } from "../../../engine/store/store.ts";
import type { WireGroup } from "../../../engine/wire/frame.ts";
import { withMethods } from "../../engine/work/_harness.ts";

/** One thing that a process did or was told. */
export type Line =
  /** A cell's code began, under this session of this worker; `late`: that session's time was over. */
  | { at: "ran"; run: string; step: string; attempt: number; session: string; epoch: number; late: boolean }
  /** A cell is about to send something to the outside world under this key. */
  | { at: "acted"; run: string; step: string; key: string }
  /** A submission was answered. */
  | { at: "submitted"; run: string }
  /** A command was answered as applied; its events are `by` the key. */
  | { at: "commanded"; run: string; command: string; type: string; key: string }
  /** A watcher was told. */
  | { at: "event"; run: string; seq: number; n: number; type: string }
  | { at: "frame"; run: string; step: string; attempt: number; seq: number }
  /** The worker owns a run as its owner of this number. */
  | { at: "leased"; run: string; epoch: number }
  /** The store refused a record. */
  | { at: "refused"; key: (string | number)[]; hash: string }
  /** The worker lost its session. */
  | { at: "lost" };

/** Writes lines. */
export class Evidence {
  readonly #file: Deno.FsFile;
  #session: Session | undefined;
  /** End of the session's time, by the clock that does not jump. */
  #until = Infinity;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  note(line: Line): void {
    this.#file.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
  }

  /** Notes that a cell's code begins. */
  ran(run: string, step: string, attempt: number): void {
    const { worker = "", epoch = 0 } = this.#session ?? {};
    const late = performance.now() >= this.#until;
    this.note({ at: "ran", run, step, attempt, session: worker, epoch, late });
  }

  /** Notes what a watcher is told. */
  told(run: string, { items }: WireGroup): void {
    for (const item of items) {
      if (item.kind === "frame") {
        const { step, attempt, seq } = item.frame;
        this.note({ at: "frame", run, step, attempt, seq });
      } else if (item.kind === "event") {
        const { seq, n, type } = item.event;
        this.note({ at: "event", run, seq, n, type });
      }
    }
  }

  /** A store whose worker's leases and refusals are noted. */
  witness(store: Store, worker: string): Store {
    return withMethods(store, {
      openSession: async (id, ttlMs, address) => {
        const from = performance.now();
        const session = await store.openSession(id, ttlMs, address);
        if (id === worker && session !== undefined) this.#trust(session, from);
        return session;
      },
      renew: async (session) => {
        const from = performance.now();
        const renewed = await store.renew(session);
        if (session === this.#session && renewed) this.#trust(session, from);
        return renewed;
      },
      commit: async (session, checks, puts, deletes) => {
        const from = performance.now();
        const result = await store.commit(session, checks, puts, deletes);
        if (session === this.#session && result === "ok") this.#trust(session, from);
        for (const put of puts) this.#witness(put, result === "ok");
        return result;
      },
    });
  }

  #trust(session: Session, from: number): void {
    this.#session = session;
    this.#until = from + session.ttlMs;
  }

  #witness({ key, value }: Put, ok: boolean): void {
    if (!ok && (key[0] === "event" || key[0] === "frame")) {
      this.note({ at: "refused", key: [...key], hash: sha256(value) });
    }
    if (!ok || key[0] !== "lease") return;
    const { epoch } = JSON.parse(new TextDecoder().decode(value.subarray(1)));
    this.note({ at: "leased", run: String(key[1]), epoch });
  }
}

/** The lines of some processes, those of each in order. A line that was cut off by the end of its process is left out. */
export function readEvidence(paths: readonly string[]): Line[] {
  return paths.flatMap((path) => {
    try {
      const lines = Deno.readTextFileSync(path).split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Line);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}
