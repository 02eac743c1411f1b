/**
 * What a command may touch of the terminal: arguments apart, everything it reads and writes. Owns: the shape and exit codes.
 * A test passes its own.
 */

/** Exit codes, as a script may rely on them. */
export const EXIT = {
  /** Done, or the run succeeded. */
  ok: 0,
  /** The run failed or expired, or a notebook has errors. */
  failed: 1,
  /** Wrong arguments or settings. */
  usage: 2,
  /** No such file. */
  notFound: 3,
  /** Not allowed. */
  refused: 4,
  /** Another state of the run than it takes, or used otherwise before. */
  conflict: 5,
  /** The store is out of reach. */
  unavailable: 6,
  /** It was not answered in time, and goes on. */
  timeout: 7,
  /** It waits for a person, and was not to wait for that. */
  person: 8,
  /** Some branches succeeded. */
  partial: 9,
  /** Stopped or cancelled. */
  stopped: 10,
  /** A bug. */
  bug: 70,
  /** Interrupted from the keyboard. */
  interrupted: 130,
} as const;

/** The terminal as a command sees it. */
export interface Io {
  /** Writes a line to standard output. */
  out(line: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
  env(name: string): string | undefined;
  /** Names of all environment variables. */
  envNames(): string[];
  /** Folder that relative paths are relative to. */
  cwd: string;
  /** Aborts when the person interrupts. */
  signal: AbortSignal;
}

/** A command that cannot go on; its message is all that is printed. */
export class CommandError extends Error {
  /**
   * @param code one of {@link EXIT}
   * @param message a sentence
   */
  constructor(readonly code: number, message: string) {
    super(message);
    this.name = "CommandError";
  }
}
