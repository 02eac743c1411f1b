/**
 * What a worker asks on behalf of its attempts: quotas and shared budgets. Owns: their life together.
 */
import { type DeskPorts, QuotaDesk } from "../quota/desk.ts";
import { Till, type TillPorts } from "./shared/till.ts";

/** See the module comment. */
export class Counters {
  readonly quotas: QuotaDesk;
  readonly budgets: Till;

  constructor(ports: DeskPorts & TillPorts) {
    this.quotas = new QuotaDesk(ports);
    this.budgets = new Till(ports);
  }

  /** Reads the rules again unless that was done a moment ago; `now`: in any case. */
  async refresh(now = false): Promise<void> {
    await this.quotas.refresh(now);
    await this.budgets.refresh(now);
  }

  /** Slots of these quotas are free, and something in these budgets was settled; both are durable. */
  freed(quotas: string[], budgets: string[] = []): void {
    if (quotas.length > 0) this.quotas.freed(quotas);
    if (budgets.length > 0) this.budgets.settled(budgets);
  }
}
