/**
 * What a request says of its run beside the notebook: when, until when, how urgent, under which names.
 * Owns: the limits of that (EN-2401).
 */
import { EngineError } from "../../base/errors.ts";
import { LONGEST_DELAY_MS } from "../../run/commands/attempt.ts";
import { LANE } from "../../store/keys.ts";
import type { RunRequest } from "../submit.ts";

/** EN-2401: an option that is over its limit is refused, with the limit. */
export function checkOptions(
  { startAt, deadline, priority, tags, overrides }: RunRequest,
  now: number,
): void {
  const refuse = (message: string) => {
    throw new EngineError("schema_invalid", message);
  };
  if (startAt !== undefined && startAt > now + LONGEST_DELAY_MS) {
    refuse("A run may begin a year from now at the latest");
  }
  if (deadline !== undefined && deadline <= Math.max(now, startAt ?? now)) {
    refuse("The deadline of a run must lie after its beginning");
  }
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 100)) {
    refuse(`A priority is a whole number from 0 to 100: ${priority}`);
  }
  const { concurrency } = overrides ?? {};
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1)) {
    refuse(`Concurrency is a whole number from 1: ${concurrency}`);
  }
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  const entries = Object.entries(tags ?? {});
  const long = entries.find(([name, value]) => bytes(name) > 64 || bytes(value) > 256);
  if (entries.length > 32) throw new EngineError("tag_limit", `A run may have 32 tags: ${entries.length}`);
  if (long !== undefined) {
    throw new EngineError(
      "tag_limit",
      `A tag may have 64 bytes of name and 256 of value: ${long[0].slice(0, 64)}`,
    );
  }
}

/** Options as a head and the first event have them. */
export function optionsOf({ startAt, deadline, priority, lane, tags }: RunRequest, now: number) {
  return {
    ...(startAt === undefined || startAt <= now ? {} : { startAt }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(priority === undefined ? {} : { priority }),
    ...(lane === undefined || lane === LANE ? {} : { lane }),
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags }),
  };
}
