/**
 * What is due now: frames, runs and contents whose time is over. Owns: in which order they are looked at.
 *
 * EN-1901, R28 Each class has an order of its own and they take turns, so that none holds up another; what is kept
 * beyond its time moves to a later one, so that it does not stand before what may go.
 */
import { collect } from "../../artifacts/collect.ts";
import { encodeRecord } from "../../store/codec.ts";
import { byNotebookPrefix, type DueClass, duePrefix, leaseKey, pinKey, runKey } from "../../store/keys.ts";
import type { Entry, Key } from "../../store/store.ts";
import { readHead } from "../records.ts";
import type { RunHead } from "../commit/live_run.ts";
import { deleteRun } from "./delete_run.ts";
import { dueEntry, duePut, retentionFor, verdictOn } from "./due.ts";
import { readable, type UpkeepPorts } from "./ports.ts";
import { trimFrames } from "./trim_frames.ts";

const CLASSES: readonly DueClass[] = ["frames", "run", "blob", "version"];
/** Entries of one class before the next class has its turn. */
const TURN = 50;

/** What a pass did. */
export interface Retained {
  trimmed: number;
  deleted: number;
  collected: number;
  /** Looked at and kept. */
  kept: number;
}

/**
 * Looks at everything that is due. What cannot be read is passed over.
 *
 * @param mayCollect whether contents may go: not before every run is known to hold what it names
 */
export async function retain(ports: UpkeepPorts, mayCollect: boolean): Promise<Retained> {
  const done: Retained = { trimmed: 0, deleted: 0, collected: 0, kept: 0 };
  const newest = new Newest(ports);
  const classes = CLASSES.filter((what) => mayCollect || what === "frames" || what === "run");
  const places = new Map<DueClass, Key | undefined>(classes.map((what) => [what, undefined]));
  while (places.size > 0) {
    for (const [what, after] of places) {
      const last = await takeTurn(ports, what, after, newest, done);
      if (last === undefined) places.delete(what);
      else places.set(what, last);
      await ports.breathe();
    }
  }
  return done;
}

/** One class's turn; where the next one goes on, or nothing if there is no more. */
async function takeTurn(
  ports: UpkeepPorts,
  what: DueClass,
  after: Key | undefined,
  newest: Newest,
  done: Retained,
): Promise<Key | undefined> {
  const options = after === undefined ? { limit: TURN } : { limit: TURN, after };
  const entries = await Array.fromAsync(ports.store.list(duePrefix(what), options));
  for (const { key } of entries) {
    const [, , at, id] = key as [string, string, number, string];
    if (at > ports.clock.now()) return undefined;
    await readable(ports, id, async () => {
      if (what === "frames" || what === "run") await lookAtRun(ports, id, key, newest, done);
      else if (await collect(ports, what, id, key)) done.collected++;
    });
  }
  return entries.length < TURN ? undefined : entries.at(-1)!.key;
}

async function lookAtRun(
  ports: UpkeepPorts,
  run: string,
  due: Key,
  newest: Newest,
  done: Retained,
): Promise<void> {
  const { store, clock, retention } = ports;
  const [entry, pin] = await store.get([runKey(run), pinKey(run)]);
  const head = entry === undefined ? undefined : readHead(entry);
  if (entry === undefined || head === undefined || String(dueEntry(head)) !== String(due)) {
    await ports.write([{ key: runKey(run), version: entry?.version ?? null }], [], [due]);
    return;
  }
  const frames = head.due!.what === "frames";
  const beyond = frames || await newest.isBeyond(head, retentionFor(head, retention).keepRuns);
  const verdict = verdictOn({ head, pinned: pin !== undefined, beyond }, retention, clock.now());
  if (verdict.type === "again") {
    if (await move(ports, entry, head, verdict.at)) done.kept++;
  } else if (frames && head.deletedAt === undefined) {
    if (await trimFrames(ports, entry)) done.trimmed++;
  } else if (await deleteRun(ports, entry)) done.deleted++;
}

function move({ write }: UpkeepPorts, { key, version }: Entry, head: RunHead, at: number): Promise<boolean> {
  const after: RunHead = { ...head, due: { ...head.due!, at } };
  return write([{ key, version }, { key: leaseKey(head.id), version: null }], [{
    key,
    value: encodeRecord(after),
  }, ...duePut(after)], [
    dueEntry(head)!,
  ]);
}

/** Which runs are beyond the newest of their notebook: one walk a notebook and pass. */
class Newest {
  readonly #oldestKept = new Map<string, Promise<[createdAt: number, run: string] | undefined>>();

  constructor(private readonly ports: UpkeepPorts) {}

  async isBeyond({ notebook, createdAt, id }: RunHead, keepRuns: number): Promise<boolean> {
    if (keepRuns === 0) return true;
    const name = `${keepRuns} ${notebook}`;
    const walk = this.#oldestKept.get(name) ?? this.#walk(notebook, keepRuns);
    this.#oldestKept.set(name, walk);
    const oldest = await walk;
    if (oldest === undefined) return false;
    return createdAt < oldest[0] || (createdAt === oldest[0] && id < oldest[1]);
  }

  /** The last of the newest, or nothing if there are not that many. What is newer by the end of the pass does no harm. */
  async #walk(notebook: string, keepRuns: number): Promise<[number, string] | undefined> {
    let count = 0;
    const newest = this.ports.store.list(byNotebookPrefix(notebook), { reverse: true, limit: keepRuns });
    for await (const { key } of newest) {
      if (++count === keepRuns) return [key[3] as number, key[4] as string];
    }
  }
}
