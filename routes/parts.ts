/**
 * What the front door stands on. Owns: the shape, which handlers take and `app.ts` fills.
 */
import type { Clock } from "../engine/base/clock.ts";
import type { Ids } from "../engine/base/ids.ts";
import type { Json } from "../engine/base/json.ts";
import type { Log } from "../engine/base/log.ts";
import type { Logins } from "../engine/access/logins.ts";
import type { Workspace } from "../engine/access/workspace.ts";
import type { Engine } from "../engine/mod.ts";
import type { Assets } from "./assets.ts";
import type { Watch } from "./live/live_stream.ts";

/** What the front door stands on. */
export interface AppOptions {
  engine: Engine;
  workspace: Workspace;
  logins: Logins;
  /** From `buildAssets`. */
  assets: Assets;
  clock: Clock;
  log: Log;
  /** Port under which browsers reach this server; asked at each request, as a listener may choose it. */
  port: () => number;
  /** Host names besides the loopback's, without port. */
  names?: readonly string[];
  /** Version of this program. */
  version?: string;
  /** Draws a Vega-Lite specification; without it there are no charts. */
  chart?: (
    spec: Json,
    theme: "light" | "dark",
  ) => Promise<{ ok: true; svg: string } | { ok: false; reason: string }>;
  /** Notices changed files; by default one look a second. */
  watch?: Watch;
  ids?: Ids;
  /** Aborts when the server begins to end: streams are sent elsewhere (AP-716) and it is not ready any more (OB-121). */
  draining?: AbortSignal;
}

/** The same with every choice made. */
export type AppParts =
  & AppOptions
  & Required<Pick<AppOptions, "names" | "version" | "watch" | "ids" | "draining">>;
