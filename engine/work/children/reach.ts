/**
 * What a run and the runs of its own tell each other. Owns: the commands that are written for that, each in the commit
 * of what it follows from. Never: how they are applied; they lie in inboxes like any other (`work/claim/inbox.ts`).
 *
 * C5 What a run is told reaches its children, and a child's end its parent, whoever dies in between: both are in one
 * commit with their cause. Ids of commands come from places in journals, so that nothing is told twice.
 */
import type { ControlCommand } from "../../run/command.ts";
import type { RunEvent } from "../../run/event.ts";
import type { ChildRun } from "../../run/state.ts";
import { encodeRecord } from "../../store/codec.ts";
import { inboxKey } from "../../store/keys.ts";
import type { Put } from "../../store/store.ts";
import type { LiveRun } from "../commit/live_run.ts";

/** What one run passes on because of the events of a turn. A run that has no relatives costs two comparisons. */
export function passedOn(live: LiveRun, events: readonly RunEvent[]): Put[] {
  const up = live.head.parent === undefined ? [] : toParent(live, live.head.parent.run, events);
  if (live.reached === undefined && live.run.children === undefined) return up;
  const down = toChildren(live, events);
  live.reached = live.run.children;
  return up.length === 0 ? down : [...up, ...down];
}

function toParent({ run: { id, seq } }: LiveRun, parent: string, events: readonly RunEvent[]): Put[] {
  return events.flatMap((event) => {
    if (event.type !== "run.ended") return [];
    return [posted(parent, `end_${id}_${seq}`, {
      type: "childEnded",
      child: id,
      n: seq,
      outcome: event.outcome,
    })];
  });
}

/** EN-810 Pause, resume, stop, cancel and deadline reach down, and so does the end of the step that waits. */
function toChildren({ run, reached = {} }: LiveRun, events: readonly RunEvent[]): Put[] {
  const by = `run ${run.id}`;
  const { children = {} } = run;
  const puts: Put[] = [];
  const tell = (child: string, command: ControlCommand) => {
    // Sorted as they were said: the inbox is read in the order of ids.
    const n = String(puts.length).padStart(4, "0");
    puts.push(posted(child, `told_${String(run.seq).padStart(12, "0")}_${n}`, command));
  };
  const known: Record<string, ChildRun> = { ...reached };
  for (const event of events) {
    if (event.type === "child.opened") known[event.child] = { step: event.step };
    const command = passing(event, by);
    if (command === undefined) continue;
    for (const [child, { ended }] of Object.entries(known)) if (!ended) tell(child, command);
  }
  for (const [child, { ended }] of Object.entries(known)) {
    if (ended || children[child] !== undefined) continue;
    tell(child, { type: run.intent === "stop" ? "stopRun" : "cancelRun", by });
  }
  return puts;
}

function passing(event: RunEvent, by: string): ControlCommand | undefined {
  switch (event.type) {
    case "run.paused":
      return { type: "pauseRun", by };
    case "run.resumed":
      return { type: "resumeRun", by };
    case "run.stopping":
      return { type: "stopRun", by };
    case "run.cancelling":
    case "run.expiring":
      return { type: "cancelRun", by };
    case "run.changed":
      return event.deadline === undefined ? undefined : { type: "changeRun", by, deadline: event.deadline };
  }
}

function posted(run: string, id: string, command: ControlCommand): Put {
  return { key: inboxKey(run, id), value: encodeRecord(command) };
}
