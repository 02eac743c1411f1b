/**
 * Commands from elsewhere than a run's owner. Owns: the order in which they are read, and what becomes of those that
 * nobody can apply. Never: what a command means.
 */
import { hit } from "../../base/faults.ts";
import type { ControlCommand } from "../../run/command.ts";
import { encodeRecord } from "../../store/codec.ts";
import { answerKey, inboxPrefix, runKey } from "../../store/keys.ts";
import type { Entry, Key, Put } from "../../store/store.ts";
import type { Answer } from "../commit/turn.ts";
import type { LiveRun } from "../commit/live_run.ts";
import { type CommandAnswer, readPosted } from "../records.ts";
import { claimOne, type ClaimPorts } from "./claim.ts";

/** What reading the inbox needs beside claiming. */
export interface InboxPorts extends ClaimPorts {
  /** A run that this worker has. */
  live(run: string): LiveRun | undefined;
  /** Gives a run back that was taken up only to be told something. */
  back(live: LiveRun): Promise<void>;
  /** Lets a run go that has nothing to do. */
  rest(live: LiveRun): void;
  warn(what: string, error: unknown): void;
}

/**
 * Applies posted commands in the order of their ids, each in the commit that takes it away. What is known of each
 * stands in its answer (EN-511). One to a run that another worker owns is left to that worker.
 */
export async function readInbox(ports: InboxPorts): Promise<void> {
  const heldBack = new Set<LiveRun>();
  for await (const entry of ports.store.list(inboxPrefix())) {
    const [, run, id] = entry.key as [string, string, string];
    const command = readOrDrop(ports, entry);
    for (;;) {
      const live = ports.live(run) ?? (await claimTold(ports, run) ? ports.live(run) : undefined);
      if (live === undefined) {
        await dropIfGone(ports, run, entry.key);
        break;
      }
      // A repeated one has its answer already.
      const known = (await ports.store.get([answerKey(run, id)]))[0] !== undefined;
      let answer: Answer | undefined;
      if (command === undefined || known) await ports.committer.claim([], [], [entry.key]);
      else {
        hit("command.accepted");
        answer = await apply(ports, live, command, id, entry.key);
      }
      if (live.heldBack) heldBack.add(live);
      else ports.rest(live);
      // It was given up meanwhile: its next owner has to be told, before what was said later.
      if (answer === undefined || answer.ok || answer.code !== "lease_lost") break;
    }
  }
  for (const live of heldBack) await ports.back(live);
}

/** What was said to a run that is not kept any more, as by one that it began or that began it. */
async function dropIfGone({ store, committer }: InboxPorts, run: string, key: Key): Promise<void> {
  const [head] = await store.get([runKey(run)]);
  if (head === undefined) await committer.claim([], [], [key]);
}

/** Takes up a run that was told something while nobody owned it. */
async function claimTold(ports: InboxPorts, run: string): Promise<boolean> {
  return ports.wants(run) && await claimOne(ports, run);
}

/** An entry that cannot be read, such as one of a newer version, is dropped: it would block those behind it. */
function readOrDrop(ports: InboxPorts, entry: Entry): ControlCommand | undefined {
  try {
    return readPosted(entry);
  } catch (error) {
    ports.warn("A posted command was dropped", error);
  }
}

function apply(
  { committer }: InboxPorts,
  live: LiveRun,
  command: ControlCommand,
  id: string,
  key: Key,
): Promise<Answer> {
  const answers = answersTo(live.run.id, id);
  return new Promise((settle) => committer.submit({ live, command, answers, deletes: [key], settle }));
}

/** The record of what became of a command. */
export function answersTo(run: string, id: string): (answer: Answer, at: number) => Put[] {
  return (answer, at) => {
    const record: CommandAnswer = answer.ok
      ? { state: "applied", at, ...(answer.result === undefined ? {} : { result: answer.result }) }
      : { state: "refused", at, code: answer.code, reason: answer.reason };
    return [{ key: answerKey(run, id), value: encodeRecord(record) }];
  };
}
