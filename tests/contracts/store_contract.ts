/**
 * What every store driver must do, as tests. Owns: the list of parts and how a driver is put on stage.
 * A driver's own test file calls `storeContract` once for each way to run it.
 */
import type { Session } from "../../engine/store/store.ts";
import { ManualClock } from "../_support/manual_clock.ts";
import { commitTests } from "./store/commit.ts";
import { limitTests } from "./store/limits.ts";
import { listTests } from "./store/list.ts";
import { lossTests } from "./store/loss.ts";
import { sessionTests } from "./store/session.ts";
import { type ContractTest, type Fault, openSession, type Profile, type Stage } from "./store/stage.ts";
import { submitTests } from "./store/submit.ts";
import { valueTests } from "./store/values.ts";

const TESTS: ContractTest[] = [
  ...sessionTests,
  ...commitTests,
  ...lossTests,
  ...submitTests,
  ...listTests,
  ...limitTests,
  ...valueTests,
];

/** Registers the whole contract for one way to run a driver. */
export function storeContract(
  name: string,
  { driver, reopenBetweenSteps = false, skip = [] }: Profile,
): void {
  const skipped = new Set(skip.flatMap(({ tests }) => tests));
  for (const test of skipped) {
    if (!TESTS.some(([known]) => known === test)) throw new Error(`No contract test has this name: ${test}`);
  }
  for (const [test, run] of TESTS) {
    if (skipped.has(test)) continue;
    Deno.test(`${name}: ${test}`, async () => {
      const clock = new ManualClock();
      const faults: (Fault | undefined)[] = [];
      let store = await driver.open(clock, faults);
      let session: Session | undefined;
      const stage: Stage = {
        clock,
        driver,
        faults,
        get store() {
          return store;
        },
        async again() {
          if (!reopenBetweenSteps) return;
          if (driver.reopen === undefined) throw new Error("this driver cannot reopen");
          store = await driver.reopen(store, clock);
          session = undefined;
        },
        session: async () => session ??= await openSession(store),
      };
      try {
        await run(stage);
      } finally {
        await store.close();
      }
    });
  }
}
