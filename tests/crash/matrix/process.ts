/**
 * A process of the crash matrix: an engine on a store file, one scenario, and a fault where it is told to have one.
 * Its one argument is a {@link Part} as JSON. When its part is over it prints what it saw as one line of JSON.
 */
import { openWaitpointKeys } from "../../../engine/access/waitpoint_keys/waitpoint_keys.ts";
import { type Clock, systemClock } from "../../../engine/base/clock.ts";
import { type FaultPoint, onFault } from "../../../engine/base/faults.ts";
import { denoKvStore, type Kv } from "../../../engine/store/deno_kv.ts";
import { inboxPrefix, sessionKey } from "../../../engine/store/keys.ts";
import { lockStore } from "../../../engine/store/lock.ts";
import type { Store } from "../../../engine/store/store.ts";
import type { RunView } from "../../../engine/wire/view.ts";
import { type Behaviour, engineOf, ScriptedKind, withMethods } from "../../engine/work/_harness.ts";
import { notebookCells, workspaceOf } from "../../engine/work/children/_notebooks.ts";
import { Evidence } from "./evidence.ts";
import { SCENARIOS } from "./scenarios.ts";
import { sleep, Stage } from "./stage.ts";

/** What happens at a fault point: death, a stop, a lost answer, everything said again, or a clock that jumps. */
export type Act = "die" | "stop" | "lose" | "repeat" | "jump +60" | "jump -60";

/** What a process is to do. */
export interface Part {
  folder: string;
  scenario: string;
  worker: string;
  /** Name of its evidence file. */
  name: string;
  ttlMs: number;
  fault?: { point: FaultPoint; passing: number; act: Act };
  /** Goes on where others were. */
  last?: boolean;
  /** Other processes have the file too. */
  shared?: boolean;
  /** Runs what it finds, says when this worker's session has been taken, and drives once it is told to. */
  standsBy?: { for: string };
}

/** What a process prints. */
export interface Report {
  /** How often each point was passed. */
  passed: Partial<Record<FaultPoint, number>>;
  views: Record<string, RunView>;
}

const WATCHDOG_MS = 55_000;
/** Long enough for a write that is under way to be over, so that a stopped process holds no lock of the file. */
const QUIET_MS = 30;
/** How long a clock that was set back stays wrong. */
const WRONG_MS = 300;

/** A database that loses the answer to one write when it is told to. */
function losing(kv: Kv, answers: { lose: boolean }): Kv {
  return {
    getMany: kv.getMany.bind(kv),
    list: kv.list.bind(kv),
    close: () => kv.close(),
    atomic() {
      const atomic = kv.atomic();
      const commit = atomic.commit.bind(atomic);
      atomic.commit = async () => {
        const result = await commit();
        if (answers.lose) {
          answers.lose = false;
          throw new TypeError("connection reset before the answer");
        }
        return result;
      };
      return atomic;
    },
  };
}

/** Remembers posted commands, so that they can be posted again as they were. */
function remembering(store: Store, posted: (() => Promise<void>)[]): Store {
  return withMethods(store, {
    submit(puts, unless) {
      for (const { key, value } of puts) {
        if (key[0] === "in") posted.push(() => store.post(String(key[1]), String(key[2]), value));
      }
      return store.submit(puts, unless);
    },
  });
}

async function main(part: Part): Promise<void> {
  const { folder, fault, worker } = part;
  const scenario = SCENARIOS[part.scenario]!;
  const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  setTimeout(() => {
    console.error(`${part.name} of ${part.scenario} ${JSON.stringify(fault)} takes too long`);
    Deno.exit(3);
  }, WATCHDOG_MS);

  const path = `${folder}/weft.db`;
  const lock = part.shared ? undefined : await lockStore(path);
  if (!part.shared && lock === undefined) throw new Error("The store is in use");
  const answers = { lose: false };
  const posted: (() => Promise<void>)[] = [];
  let skew = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + skew };
  const kv = await Deno.openKv(path);
  const bare = await denoKvStore({ location: path, kv: losing(kv, answers), clock });
  const evidence = new Evidence(`${folder}/${part.name}.jsonl`);
  const store = remembering(evidence.witness(bare, worker), posted);

  const repeats: Promise<unknown>[] = [];
  const acts: Record<Act, () => void> = {
    die: () => Deno.kill(Deno.pid, "SIGKILL"),
    stop() {
      print("stops");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, QUIET_MS);
      Deno.kill(Deno.pid, "SIGSTOP");
    },
    lose: () => answers.lose = true,
    repeat: () =>
      void repeats.push(...posted.map((post) => post()), held.stage?.repeat() ?? Promise.resolve()),
    "jump +60": () => skew = 60_000,
    "jump -60": () => void (skew = -60_000, setTimeout(() => skew = 0, WRONG_MS)),
  };
  const passed: Report["passed"] = {};
  onFault((point) => {
    passed[point] = (passed[point] ?? 0) + 1;
    if (fault?.point === point && fault.passing === passed[point]) acts[fault.act]();
  });

  const held: { stage?: Stage } = {};
  const behaviour = scenario.behaviour(() => held.stage!);
  const kindOf = (evidence: Evidence) =>
    new ScriptedKind(
      new Proxy<Behaviour>({}, {
        get: (_, cell: string) => async (attempt: Parameters<ScriptedKind["run"]>[0]) => {
          // The step of an item is named otherwise than its cell.
          evidence.ran(attempt.run, attempt.key.slice(attempt.run.length + 1), attempt.attempt);
          while (held.stage === undefined) await sleep(1);
          const act = behaviour[cell];
          if (act !== undefined) return await act(attempt);
          const numbers = Object.values(attempt.inputs).map(Number);
          return { type: "succeeded", value: numbers.reduce((a, b) => a + b, 1) };
        },
      }),
    );
  const log = {
    write({ code }: { code?: string }) {
      if (code === "session_lost") evidence.note({ at: "lost" });
    },
  };
  const keys = scenario.keys ? await openWaitpointKeys({ folder, clock }) : undefined;
  const engine = await engineOf(store, kindOf(evidence), {
    worker,
    clock,
    log,
    sessionTtlMs: part.ttlMs,
    ...(keys === undefined ? {} : { waitpointKeys: keys }),
    ...(scenario.notebooks === undefined
      ? {}
      : { kinds: [notebookCells], workspace: workspaceOf(scenario.notebooks) }),
  });
  if (scenario.helper !== undefined) {
    const own = new Evidence(`${folder}/${part.name}.jsonl`);
    const name = `${worker}_helper`;
    await engineOf(own.witness(withMethods(bare, {}), name), kindOf(own), {
      worker: name,
      capabilities: scenario.helper,
      // It is there for what the other offers.
      only: [],
      clock,
      log,
      sessionTtlMs: part.ttlMs,
    });
  }
  const keyless = scenario.keyless === true && fault?.act !== "repeat";
  const done = (views: Report["views"]): never => {
    lock?.release();
    print(JSON.stringify({ passed, views } satisfies Report));
    Deno.exit(0);
  };
  const stage = held.stage = new Stage(engine, store, evidence, {
    folder,
    keyless,
    last: part.last ?? false,
    left: () => done({}),
  });

  if (part.standsBy !== undefined) {
    const { for: other } = part.standsBy;
    await stage.until("its session", async () => (await store.get([sessionKey(other)]))[0] === undefined);
    await stage.until("it has gone as far as it can", async () => await scenario.calm?.(stage) ?? true);
    print("taken");
    await Deno.stdin.read(new Uint8Array(16));
  }
  await scenario.drive(stage);
  await Promise.all(repeats);
  await stage.until(
    "the inbox is empty",
    async () => (await Array.fromAsync(store.list(inboxPrefix()))).length === 0,
  );
  const views: Report["views"] = {};
  for (const { id, notebook } of await engine.runs({})) {
    if (views[notebook] !== undefined) throw new Error(`There are two runs of ${notebook}`);
    views[notebook] = await engine.view(id);
  }
  await stage.close();
  done(views);
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));
