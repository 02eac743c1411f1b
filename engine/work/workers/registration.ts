/**
 * What a worker offers, told with its session (EN-518). Owns: the shape.
 */

/** The record of a worker; true while its session lasts. */
export interface Registration {
  /** Name of its session. */
  session: string;
  /** Tokens such as `gpu`, sorted. */
  capabilities: string[];
  /** Lanes whose runs it takes up; absent: all. */
  lanes?: string[];
  /** Attempts that it runs at a time. */
  slots: number;
  /** Version of its code. */
  code: string;
  startedAt: number;
}
