/**
 * Notices that another owner has taken the shard while this one has nothing to commit. A commit finds that out by
 * itself; but reads are answered from memory, and without a look they would grow old and nobody would know.
 */
import type { ShardStore } from '../../store/shard-store.js';

const LOOK_MS = 500;

export class FenceWatch {
  readonly #store: ShardStore;
  readonly #onOvertaken: (epoch: number) => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param onOvertaken may be called again and again, with the epoch of the other owner */
  constructor(store: ShardStore, onOvertaken: (epoch: number) => void) {
    this.#store = store;
    this.#onOvertaken = onOvertaken;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    try {
      const [row] = await this.#store.sql.query('SELECT epoch FROM fence WHERE log_id = $1', [this.#store.logId]);
      // Compared now and not before the question: our own raise may have come between.
      const epoch = Number(row?.epoch ?? 0);
      if (this.#timer !== null && epoch > this.#store.epoch) this.#onOvertaken(epoch);
    } catch {
      // A database that does not answer says nothing about who owns it; commits deal with that.
    }
    if (this.#timer === timer && timer !== null) this.start();
  }
}
