/**
 * A process that deletes what is due in a store file. Arguments: store path, and optionally at which passing of the
 * fault point `retention.half` to die by SIGKILL. Prints what it did.
 */
import { artifacts as openArtifacts } from "../../../engine/artifacts/artifacts.ts";
import { systemClock } from "../../../engine/base/clock.ts";
import { onFault } from "../../../engine/base/faults.ts";
import { noLog } from "../../../engine/base/log.ts";
import { openStore } from "../../../engine/store/open.ts";
import { journals } from "../../../engine/work/journal.ts";
import { retain } from "../../../engine/work/upkeep/retain.ts";

const [path, passing = "0"] = Deno.args as [string, string?];
let left = Number(passing);
onFault((point) => {
  if (point === "retention.half" && --left === 0) Deno.kill(Deno.pid, "SIGKILL");
});
const { store, release } = await openStore(path);
const session = (await store.openSession("w1", 15_000, ""))!;
const done = await retain({
  store,
  clock: systemClock,
  log: noLog,
  journals: journals(store, openArtifacts({ store })),
  retention: { keepRuns: 0, keepDays: 0, keepFramesDays: 0 },
  unreadable: new Set(),
  write: async (...operation) => await store.commit(session, ...operation) === "ok",
  breathe: () => Promise.resolve(),
}, true);
await store.closeSession(session);
await release();
console.log(JSON.stringify(done));
