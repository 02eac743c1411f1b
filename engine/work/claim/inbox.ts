/**
 * Commands from elsewhere than a run's owner. Owns: the order in which they are read, and what becomes of those that
 * nobody can apply. Never: what a command means.
 */
import type { RunCommand } from "../../run/command.ts";
import { inboxPrefix } from "../../store/keys.ts";
import type { Entry, Key } from "../../store/store.ts";
import type { Answer } from "../commit/turn.ts";
import type { LiveRun } from "../commit/live_run.ts";
import { type PostedCommand, readPosted } from "../records.ts";
import { claimOne, type ClaimPorts } from "./claim.ts";

/** What reading the inbox needs beside claiming. */
export interface InboxPorts extends ClaimPorts {
  /** A run that this worker has. */
  live(run: string): LiveRun | undefined;
  warn(what: string, error: unknown): void;
}

/** Applies posted commands in the order of their ids, each in the commit that takes it away; one to a run that is over is dropped. */
export async function readInbox(ports: InboxPorts): Promise<void> {
  for await (const entry of ports.store.list(inboxPrefix())) {
    const [, run] = entry.key as [string, string];
    const live = ports.live(run) ?? await claimTold(ports, run);
    if (live === undefined) continue;
    const command = live === "over" ? "over" : readOrDrop(ports, entry);
    if (live === "over" || command === "over") await ports.committer.claim([], [], [entry.key]);
    else await apply(ports, live, command, entry.key);
  }
}

/** A run that was told something while nobody owned it; `over` if it has ended, nothing if it is another's. */
async function claimTold(ports: InboxPorts, run: string): Promise<LiveRun | "over" | undefined> {
  const head = await ports.journals.head(run).catch(() => undefined);
  if (head === undefined) return undefined;
  if (head.phase === "ended") return "over";
  if (!ports.wants(run)) return undefined;
  await claimOne(ports, run, head.createdAt);
  return ports.live(run);
}

/** An entry that cannot be read, such as one of a newer version, is dropped: it would block those behind it. */
function readOrDrop(ports: InboxPorts, entry: Entry): PostedCommand | "over" {
  try {
    return readPosted(entry);
  } catch (error) {
    ports.warn("A posted command was dropped", error);
    return "over";
  }
}

function apply({ committer }: InboxPorts, live: LiveRun, command: RunCommand, key: Key): Promise<Answer> {
  return new Promise((settle) => committer.submit({ live, command, deletes: [key], settle }));
}
