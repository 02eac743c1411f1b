/**
 * The lane and the priority that a request gets: its own, or those of front matter (EN-208). Owns: which lanes are refused.
 */
import { EngineError } from "../../base/errors.ts";
import { didYouMean, nearest } from "../../notebook/nearest.ts";
import { configProblem } from "../../notebook/problem.ts";
import { frontMatterPlace } from "../../notebook/syntax/front_matter.ts";
import type { FrontMatter, Problem } from "../../notebook/types.ts";
import { LANE, lanePrefix, lastText } from "../../store/keys.ts";
import type { Store } from "../../store/store.ts";
import { type LaneRules, takesRuns } from "./lane.ts";
import { rulesOf } from "./lanes.ts";

/** What a request says of its place in the queue. */
interface Asked {
  lane?: string;
  priority?: number;
}

/** The same with what front matter says where the request says nothing. */
export function placeAsked({ lane, priority }: Asked, { data }: FrontMatter): Asked {
  const own = lane ?? (typeof data.lane === "string" ? data.lane : undefined);
  const how = priority ?? (typeof data.priority === "number" ? data.priority : undefined);
  return {
    ...(own === undefined ? {} : { lane: own }),
    ...(how === undefined ? {} : { priority: how }),
  };
}

/** A problem `lane_unknown` if front matter names a lane that nobody has made and the request names no other. */
export async function laneProblems(store: Store, asked: Asked, front: FrontMatter): Promise<Problem[]> {
  const { lane } = placeAsked(asked, front);
  if (lane === undefined || asked.lane !== undefined || await rulesOf(store, lane) !== undefined) return [];
  const place = frontMatterPlace(front, ["lane"]);
  return [configProblem("lane_unknown", place, await unknownLane(store, lane))];
}

/**
 * Throws `lane_unknown`, and `lane_closed` for one that takes no runs.
 *
 * @param own what this process knows of the default lane, which spares the reading
 */
export async function checkLane(store: Store, lane: string = LANE, own?: LaneRules): Promise<void> {
  const rules = lane === LANE && own !== undefined ? own : await rulesOf(store, lane);
  if (rules === undefined) throw new EngineError("lane_unknown", await unknownLane(store, lane));
  if (!takesRuns(rules)) {
    throw new EngineError("lane_closed", `Lane ${lane} is ${rules.state} and takes no new runs`);
  }
}

async function unknownLane(store: Store, lane: string): Promise<string> {
  const names = [LANE];
  for await (const { key } of store.list(lanePrefix)) names.push(lastText(key));
  return `No lane is named '${lane.slice(0, 64)}'${didYouMean(nearest(lane, names))}`;
}
