/** A signal between two loops of one connection. Owns: that no ring is lost. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  /** Wakes who waits, or the next to wait. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves once the bell has been rung since the last wait; at once when `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
