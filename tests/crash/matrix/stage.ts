/**
 * What a scenario is driven with. Owns: doing each thing once, whichever process did it, because all that is said has a
 * key; and waiting, by looking at the store.
 */
import { EngineError } from "../../../engine/base/errors.ts";
import type { Engine, RunRequest } from "../../../engine/mod.ts";
import { requestPrefix } from "../../../engine/store/keys.ts";
import type { Store } from "../../../engine/store/store.ts";
import type { Instruction } from "../../../engine/work/control/tell.ts";
import { journalOf } from "../../engine/work/_harness.ts";
import type { Evidence } from "./evidence.ts";

type WithoutBy<T> = T extends unknown ? Omit<T, "by"> : never;
type Request = Pick<RunRequest, "notebook" | "text" | "startAt" | "deadline">;

const LOOK_MS = 4;
const LATER_MS = 800;
const LATE_MS = 1_200;

/** Waits for real time, in a process that a test started. */
export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** See the module comment. */
export class Stage {
  /** What was said so far, to be said again. */
  readonly #said: (() => Promise<unknown>)[] = [];
  readonly #following: Promise<void>[] = [];
  readonly #over = new AbortController();

  constructor(
    readonly engine: Engine,
    private readonly store: Store,
    private readonly evidence: Evidence,
    private readonly options: {
      folder: string;
      keyless: boolean;
      last: boolean;
      left(): never;
    },
  ) {}

  /** The process that goes on when the one under test has gone. */
  get last(): boolean {
    return this.options.last;
  }

  /** Where the processes of a case keep what they share. */
  get folder(): string {
    return this.options.folder;
  }

  /** Notes that a cell is about to act. */
  acted(run: string, step: string, key: string): void {
    this.evidence.note({ at: "acted", run, step, key });
  }

  /** What a mark says. */
  read(name: string): string {
    return Deno.readTextFileSync(`${this.options.folder}/${name}`);
  }

  /** Whether a mark was set, by whichever process. */
  marked(name: string): boolean {
    try {
      return Deno.statSync(`${this.options.folder}/${name}`).isFile;
    } catch {
      return false;
    }
  }

  mark(name: string, text = ""): void {
    Deno.writeTextFileSync(`${this.options.folder}/${name}`, text);
  }

  /** Submits, or finds what was submitted before. */
  async submit(request: Request): Promise<string> {
    const { notebook } = request;
    const known = this.options.keyless ? (await this.engine.runs({ notebook }))[0]?.id : undefined;
    const key = this.options.keyless ? {} : { key: notebook };
    const send = () => this.engine.submit({ ...request, author: "matrix", ...key });
    if (!this.options.keyless) this.#said.push(send);
    const run = known ?? (await send()).run;
    this.evidence.note({ at: "submitted", run });
    this.#following.push(this.#follow(run));
    return run;
  }

  /** Submits one run that is to begin soon and one that must end soon, counted from the first try that was accepted. */
  async submitTimed(later: Request, late: Request): Promise<string[]> {
    return [
      await this.#timed((from) => ({ ...later, startAt: from + LATER_MS })),
      await this.#timed((from) => ({ ...late, deadline: from + LATE_MS })),
    ];
  }

  async #timed(request: (from: number) => Request): Promise<string> {
    const name = `time of ${request(0).notebook}`;
    for (let again = false;; again = true) {
      if (again || !this.marked(name)) this.mark(name, String(Date.now()));
      try {
        return await this.submit(request(Number(Deno.readTextFileSync(`${this.options.folder}/${name}`))));
      } catch (error) {
        // Nobody accepted it while there was time.
        if (!(error instanceof EngineError) || error.code !== "schema_invalid") throw error;
      }
    }
  }

  /** Says something once `when` holds, unless it was said before; resolves when it is applied. */
  async tell(run: string, what: WithoutBy<Instruction>, when: () => Promise<boolean>): Promise<void> {
    const key = what.type;
    await this.until(key, async () => await this.#wasSaid(`${run}/${key}`) || await when());
    const send = () => this.engine.tell(run, { ...what, by: key } as Instruction, { key, waitMs: 30_000 });
    this.#said.push(send);
    const { command, state } = await send();
    if (state !== "applied") throw new Error(`${key} is still pending`);
    this.evidence.note({ at: "commanded", run, command, type: what.type, key });
  }

  async #wasSaid(name: string): Promise<boolean> {
    for await (const { key } of this.store.list(requestPrefix)) if (key.at(-1) === name) return true;
    return false;
  }

  /** Says all again that was said so far. */
  async repeat(): Promise<void> {
    await Promise.all(this.#said.map((send) => send()));
  }

  /** Whether an event is in a run's journal. */
  async happened(run: string, type: string, step?: string): Promise<boolean> {
    const events = await journalOf(this.store, run);
    return events.some((event) =>
      event.type === type && (step === undefined || "step" in event && event.step === step)
    );
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let looks = 0; !await holds(); looks++) {
      if (looks * LOOK_MS > 40_000) throw new Error(`Waits for ever: ${what}`);
      await sleep(LOOK_MS);
    }
  }

  /** Waits until a run has ended and succeeded where it was restarted. */
  async ended(run: string): Promise<void> {
    if (await this.engine.ended(run, this.#over.signal) === undefined) throw new Error("Not ended");
  }

  /** Closes in good order, with the run where it is. */
  async leave(): Promise<void> {
    await this.close();
    this.options.left();
  }

  async close(): Promise<void> {
    this.#over.abort();
    await Promise.allSettled(this.#following);
    await this.engine.close();
  }

  async #follow(run: string): Promise<void> {
    for await (const group of this.engine.follow(run, { signal: this.#over.signal })) {
      this.evidence.told(run, group);
    }
  }
}
