/** What a worker is made of. Owns: the list. */
import type { Artifacts } from "../../artifacts/artifacts.ts";
import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Kinds } from "../../kinds/kind.ts";
import type { Retention } from "../../notebook/policy.ts";
import type { Egress } from "../../sandbox/egress/egress.ts";
import type { Store } from "../../store/store.ts";
import type { Nursery } from "../children/children.ts";
import type { LiveRun } from "../commit/live_run.ts";
import type { Documents } from "../documents.ts";
import type { Journals } from "../journal.ts";
import type { Feed } from "../stream/feed.ts";

/** What a worker needs. */
export interface WorkerPorts {
  store: Store;
  artifacts: Artifacts;
  documents: Documents;
  journals: Journals;
  kinds: Kinds;
  feed: Feed;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** Id of this worker; no two live processes may share it. */
  worker: string;
  /** How long its session lives without a write. */
  sessionTtlMs?: number;
  /** Attempts at a time, and runs in memory; 32 and 1,000 if absent. */
  slots?: number;
  maxRuns?: number;
  /** What workers of one process that have the same store know each other by; the store itself if absent. */
  bell?: object;
  /** Tokens of what it can do that others may not. */
  capabilities?: readonly string[];
  /** Lanes whose runs it takes up; absent: all. */
  lanes?: readonly string[];
  /** Version of the code, for whoever looks at the workers. */
  code?: string;
  /** How long what runs left is kept. */
  retention: Retention;
  /** The way out for what undoes effects; absent: nothing that has to be sent is undone. */
  egress?: Egress;
  /** Folder of values over 1 MiB. */
  artifactsFolder?: string;
  /** Takes up only these runs and those that this process submits. Absent: every run that is ready. */
  only?: readonly string[];
  /** Makes runs for steps. */
  nursery: Nursery;
  /** A run was taken in. */
  taken(live: LiveRun): void;
}
