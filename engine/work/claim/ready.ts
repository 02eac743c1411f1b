/**
 * Claiming what is ready: lane by lane as their weights say, and in each lane by rank.
 * Owns: in which order, and how many of a lane that has a limit.
 *
 * L6 A lane with a limit has at most so many runs that a worker has: whoever claims one has counted them, and rewrites
 * the lane's gate, so that of two who have counted the same one wins.
 */
import { encodeRecord } from "../../store/codec.ts";
import { LANE, laneGateKey, lastText, leasePrefix, readyPrefix } from "../../store/keys.ts";
import type { Entry, Key, Put } from "../../store/store.ts";
import type { OpenLane } from "../lanes/lane_book.ts";
import { readLease } from "../records.ts";
import { claimEntry, type ClaimPorts, WINDOW } from "./claim.ts";

/** Claims ready runs in their order until there is none or no room. */
export async function claimReady(ports: ClaimPorts): Promise<void> {
  const queues: Queue[] = [];
  for (const lane of ports.lanes.open()) {
    const queue = new Queue(ports, lane);
    if (lane.maxRuns === undefined) queues.push(queue);
    else await claimLimited(ports, queue, lane.maxRuns);
  }
  for (;;) {
    const batch = await take(ports, queues, Math.min(WINDOW, ports.room()));
    if (batch.length === 0) return;
    // Together, so that their records are read at once and few operations write them.
    await Promise.all(batch.map((entry) => claimEntry(ports, entry)));
  }
}

/** The next runs, over all lanes, at most so many. */
async function take({ lanes }: ClaimPorts, queues: Queue[], most: number): Promise<Entry[]> {
  const taken: Entry[] = [];
  let waiting = queues;
  while (taken.length < most) {
    const some: Queue[] = [];
    for (const queue of waiting) if (await queue.filled()) some.push(queue);
    waiting = some;
    if (waiting.length === 0) break;
    taken.push((waiting.length === 1 ? waiting[0]! : lanes.stride.next(waiting)).shift());
  }
  return taken;
}

/** One by one, each in the order of the lane's gate. */
async function claimLimited(ports: ClaimPorts, queue: Queue, maxRuns: number): Promise<void> {
  const { store } = ports;
  const key = laneGateKey(queue.name);
  while (ports.room() > 0 && await queue.filled()) {
    // The gate before the count: whoever claims after it has been read changes it.
    const [gate] = await store.get([key]);
    let under = 0;
    for await (const lease of store.list(leasePrefix)) {
      if ((readLease(lease).lane ?? LANE) === queue.name) under++;
    }
    if (under >= maxRuns) return;
    const put: Put = { key, value: encodeRecord(null) };
    await claimEntry(ports, queue.shift(), {
      checks: [{ key, version: gate?.version ?? null }],
      puts: [put],
    });
  }
}

/** What is ready in a lane, read as far as it is wanted. */
class Queue {
  readonly name: string;
  readonly weight: number;
  #entries: Entry[] = [];
  #after: Key | undefined;
  #read = false;

  constructor(private readonly ports: ClaimPorts, { name, weight }: OpenLane) {
    this.name = name;
    this.weight = weight;
  }

  /** Whether there is one more that this worker may take. */
  async filled(): Promise<boolean> {
    const { store, wants, owns } = this.ports;
    while (this.#entries.length === 0 && !this.#read) {
      const options = this.#after === undefined ? {} : { after: this.#after };
      const window = await Array.fromAsync(store.list(readyPrefix(this.name), { limit: WINDOW, ...options }));
      this.#read = window.length < WINDOW;
      this.#after = window.at(-1)?.key;
      this.#entries = window.filter(({ key }) => wants(lastText(key)) && !owns(lastText(key)));
    }
    return this.#entries.length > 0;
  }

  /** Takes the first. Call it only while `filled`. */
  shift(): Entry {
    return this.#entries.shift()!;
  }
}
