/**
 * A process of the model: an engine whose clock, store and cells are in the hands of the test. It can die at any await:
 * from then on nothing that it waits for comes, and nothing that it says is heard.
 */
import type { Clock } from "../../../../engine/base/clock.ts";
import { EngineError } from "../../../../engine/base/errors.ts";
import type { Ids } from "../../../../engine/base/ids.ts";
import { noLog } from "../../../../engine/base/log.ts";
import type { Attempt, Kind, Outcome } from "../../../../engine/kinds/kind.ts";
import { createEngine, type Engine } from "../../../../engine/mod.ts";
import type { Session, Store } from "../../../../engine/store/store.ts";
import { noFiles } from "../_harness.ts";

/** An attempt that runs, until the test ends it. */
export interface OpenCall {
  attempt: Attempt;
  end(outcome: Outcome): void;
}

/** What a process needs of the world around it. */
export interface Surroundings {
  store: Store;
  clock: Clock;
  ids: Ids;
  /** A number in [0, 1). */
  draw(): number;
  /** A call of a handler begins. */
  called(attempt: Attempt): Promise<void>;
  /** A commit was durable. */
  committed(puts: Parameters<Store["commit"]>[2]): void;
}

/** Something that a process waits for, which the test lets come. */
type Gate = () => void;

const never = () => new Promise<never>(() => {});

/** See the module comment. */
export class Process {
  dead = false;
  engine: Engine | undefined;
  readonly gates: Gate[] = [];
  readonly calls: OpenCall[] = [];
  /** What becomes of its next commit: durable without an answer, or neither. */
  loses: "answer" | "commit" | undefined;
  readonly #fenced = new WeakSet<Session>();

  constructor(readonly worker: string | null, private readonly around: Surroundings) {}

  /** Starts the engine; resolves when it is up. */
  async boot(): Promise<void> {
    const { clock, ids } = this.around;
    const kinds = new Map<string, Kind>([["ts", this.#kind()]]);
    const ports = {
      store: this.#store(),
      kinds,
      workspace: noFiles,
      clock: this.#clock(clock),
      ids,
      log: noLog,
    };
    const engine = await createEngine(this.worker === null ? ports : { ...ports, worker: this.worker });
    if (!this.dead) this.engine = engine;
  }

  /** Dies without a word. */
  die(): void {
    this.dead = true;
    this.engine = undefined;
    this.gates.length = this.calls.length = 0;
  }

  /** What its awaits go through: most at once, some when the test says so. */
  async #gate(): Promise<void> {
    if (this.dead) return await never();
    if (this.around.draw() < 0.5) await new Promise<void>((open) => this.gates.push(open));
    if (this.dead) return await never();
  }

  #clock(clock: Clock): Clock {
    return {
      now: clock.now,
      monotonic: clock.monotonic,
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal);
        if (this.dead) await never();
      },
    };
  }

  #kind(): Kind {
    return {
      name: "ts",
      title: "Model",
      description: "Ends when the test says so",
      attempts: 1,
      run: async (attempt) => {
        await this.around.called(attempt);
        return await new Promise<Outcome>((resolve) => {
          const call: OpenCall = {
            attempt,
            end: (outcome) => {
              const at = this.calls.indexOf(call);
              if (at >= 0) this.calls.splice(at, 1);
              resolve(outcome);
            },
          };
          this.calls.push(call);
          if (attempt.signal.aborted) call.end({ type: "cancelled" });
          attempt.signal.addEventListener("abort", () => call.end({ type: "cancelled" }), { once: true });
        });
      },
    };
  }

  #store(): Store {
    const { store, committed } = this.around;
    const through = async <T>(act: () => Promise<T>): Promise<T> => {
      await this.#gate();
      const answer = await act();
      await this.#gate();
      return answer;
    };
    const gate = () => this.#gate();
    return {
      limits: store.limits,
      get: (keys) => through(() => store.get(keys)),
      post: (...command) => through(() => store.post(...command)),
      submit: (...record) => through(() => store.submit(...record)),
      openSession: (...session) => through(() => store.openSession(...session)),
      closeSession: (session) => through(() => store.closeSession(session)),
      renew: (session) => through(async () => !this.#fenced.has(session) && await store.renew(session)),
      commit: (session, checks, puts, deletes) =>
        through(async () => {
          const loses = this.loses;
          this.loses = undefined;
          const away = new EngineError("store_unavailable", "The store does not answer");
          if (this.#fenced.has(session)) return "fenced";
          if (loses === "commit") throw away;
          const answer = await store.commit(session, checks, puts, deletes);
          if (answer === "ok") committed(puts);
          if (loses !== "answer") return answer;
          // As the contract says: what the caller holds in memory is behind the store now.
          if (answer === "ok") this.#fenced.add(session);
          throw away;
        }),
      async *list(prefix, options) {
        await gate();
        yield* store.list(prefix, options);
      },
      close: () => Promise.resolve(),
    };
  }
}
