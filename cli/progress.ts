/**
 * Progress of a run as lines of text. Owns: glyph, word and time for each change of a cell.
 */
import type { WireEvent } from "../engine/wire/frame.ts";

/** Takes the events of one run and prints what a person wants to know of each, with times of the engine's clock. */
export function progressOf(print: (line: string) => void): (event: WireEvent) => void {
  const startedAt = new Map<string, number>();
  let createdAt = 0;
  const since = (from: number | undefined, at: number) => seconds(at - (from ?? at));
  return (event) => {
    switch (event.type) {
      case "run.queued":
        createdAt = event.at;
        break;
      case "run.adopted":
        return print("⌁ going on with a run that was interrupted");
      case "run.paused":
        return print("⏸ paused");
      case "run.resumed":
        return print("▶ going on");
      case "run.stopping":
        return print("■ stopping");
      case "run.cancelling":
        return print("■ cancelling");
      case "run.ended": {
        const cause = event.problem === undefined ? "" : `: ${firstLine(event.problem.message)}`;
        return print(
          `${event.label === "succeeded" ? "✓" : "✕"} run ${event.label}, ${
            since(createdAt, event.at)
          }${cause}`,
        );
      }
      case "step.started":
        startedAt.set(event.step, event.at);
        return print(
          `▶ ${event.step} running${
            event.attempt === 1 ? "" : `, attempt ${event.attempt} (${event.reason})`
          }`,
        );
      case "step.succeeded":
        print(
          `${event.label === "warned" ? "⚠" : "✓"} ${event.step} done ${
            since(startedAt.get(event.step), event.at)
          }`,
        );
        for (const { message } of event.warnings ?? []) print(`    ${message}`);
        break;
      case "step.reused":
        return print(`⟲ ${event.step} reused from ${event.run}`);
      case "step.retried":
        return print(
          `↻ ${event.step} ${event.problem === undefined ? "worker lost" : firstLine(event.problem.message)}`,
        );
      case "step.failed":
        return print(`✕ ${event.step} ${firstLine(event.problem.message)}`);
      case "step.skipped":
        return print(
          `↷ ${event.step} skipped${event.because === undefined ? "" : ` because of ${event.because}`}`,
        );
      case "step.cancelled":
        return print(`■ ${event.step} cancelled`);
    }
  };
}

function seconds(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}
