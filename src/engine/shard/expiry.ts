/** Lets holds expire in time, also where no command comes. */
import type { Ledger } from '../../ledger/ledger.js';
import type { LogSink, Micros } from '../../ledger/record.js';

/** Due expiries written in one turn; more of them follow in the next ones. */
const EXPIRIES_A_TURN = 512;
/** The longest sleep to the next expiry: the clock may be set meanwhile. */
const SLEEP_MAX_MS = 1000;

export class Expiry {
  #timer: NodeJS.Timeout | null = null;

  /** @param onDue called when the next expiry is due */
  constructor(readonly onDue: () => void) {}

  /** Writes what is due, and sees to it that what comes next is not forgotten. */
  run(ledger: Ledger, now: Micros, sink: LogSink): void {
    const due = ledger.nextExpiry();
    if (due === 0) return;
    if (due <= now) ledger.expireDue(now, EXPIRIES_A_TURN, sink);
    this.#sleepUntil(ledger.nextExpiry(), now);
  }

  /** While nobody knows what time it is. */
  later(): void {
    this.#wake(SLEEP_MAX_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #sleepUntil(next: Micros, now: Micros): void {
    if (next !== 0) this.#wake(Math.min(SLEEP_MAX_MS, Math.max(1, Math.ceil((next - now) / 1000))));
  }

  #wake(afterMs: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.onDue();
    }, afterMs);
  }
}
