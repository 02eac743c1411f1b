/**
 * What a worker does beside runs: it lets go what is over and sets right what does not fit. Owns: when.
 *
 * EN-1801 Any worker may, one at a time does: the role is leased. What is due is looked at each minute, everything every
 * five minutes. Whatever goes wrong is logged and ends neither the worker nor the next pass.
 */
import { sweepFiles } from "../../artifacts/collect.ts";
import type { BlobFiles } from "../../artifacts/blob_files.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Retention } from "../../notebook/policy.ts";
import type { Check, CommitResult, Key, Put, Session, Store } from "../../store/store.ts";
import type { Journals } from "../journal.ts";
import { holdsPass } from "./holds_pass.ts";
import { indexPass } from "./index_pass.ts";
import { UpkeepOver, type UpkeepPorts } from "./ports.ts";
import { retain } from "./retain.ts";
import { holdRole } from "./role.ts";
import { HoldRound, runsPass } from "./runs_pass.ts";

/** How soon after a session begins the first pass is, and how often what is due is looked at. */
const FIRST_MS = 15_000;
const DUE_EVERY_MS = 60_000;
/** How often everything is looked at. */
const FULL_EVERY_MS = 300_000;
/** Runs whose journals a full pass reads. */
const JOURNALS_A_PASS = 500;
/** A pause between batches, so that a long pass is no burden. */
const BREATH_MS = 2;

/** What upkeep needs of its worker. */
export interface UpkeepOptions {
  store: Store;
  journals: Journals;
  clock: Clock;
  log: Log;
  retention: Retention;
  files?: BlobFiles;
  session: Session;
  /** Writes an operation of its own under the session. */
  claim(checks: Check[], puts: Put[], deletes: Key[]): Promise<CommitResult>;
  /** Aborts when the session is over. */
  signal: AbortSignal;
}

/** The duties under one session; see the module comment. */
export class Upkeep {
  readonly #ports: UpkeepPorts;
  readonly #round = new HoldRound(JOURNALS_A_PASS);

  constructor(private readonly options: UpkeepOptions) {
    const { store, journals, clock, log, retention, files, signal, claim } = options;
    this.#ports = {
      store,
      journals,
      clock,
      log,
      retention,
      ...(files === undefined ? {} : { files }),
      unreadable: new Set(),
      write: async (checks, puts, deletes) => {
        const result = signal.aborted ? "fenced" : await claim(checks, puts, deletes);
        if (result === "fenced") throw new UpkeepOver();
        return result === "ok";
      },
      breathe: async () => {
        await clock.sleep(BREATH_MS, signal);
        if (signal.aborted) throw new UpkeepOver();
      },
    };
  }

  /** Goes on until the session is over. Never rejects. */
  async keep(): Promise<void> {
    const { clock, signal } = this.options;
    let fullAt = -Infinity;
    await clock.sleep(FIRST_MS, signal);
    while (!signal.aborted) {
      const full = clock.monotonic() >= fullAt;
      if (await this.#guarded(full) && full) fullAt = clock.monotonic() + FULL_EVERY_MS;
      await clock.sleep(DUE_EVERY_MS, signal);
    }
  }

  /** One pass, if this worker has the role. @returns whether it has */
  async pass(full: boolean): Promise<boolean> {
    const { store, session, clock } = this.options;
    if (!await holdRole({ store, session, write: this.#ports.write }, clock.now())) return false;
    if (full) {
      const repaired = await this.repair();
      if (repaired > 0) this.#say(`Upkeep set ${repaired} records right`);
    }
    const { trimmed, deleted, collected } = await retain(this.#ports, this.#round.complete);
    if (trimmed + deleted + collected > 0) {
      this.#say(`Retention: ${deleted} runs deleted, frames of ${trimmed} runs, ${collected} stored values`);
    }
    return true;
  }

  /** Looks at everything. @returns how many records were set right */
  async repair(): Promise<number> {
    let repaired = await runsPass(this.#ports, this.#round);
    repaired += await indexPass(this.#ports);
    repaired += await holdsPass(this.#ports, this.#round.complete);
    await sweepFiles(this.#ports);
    return repaired;
  }

  async #guarded(full: boolean): Promise<boolean> {
    try {
      return await this.pass(full);
    } catch (error) {
      if (error instanceof UpkeepOver || this.options.signal.aborted) return false;
      const message = `Upkeep failed and will be tried again: ${(error as Error)?.stack ?? String(error)}`;
      this.options.log.write({ level: "error", source: "engine", message });
      return true;
    }
  }

  #say(message: string): void {
    this.options.log.write({ level: "info", source: "engine", message });
  }
}
