/**
 * Looks now and then at what others write into the shard's database: who has the fence, and how far the folds are.
 *
 * That another owner has taken the shard a commit finds out by itself; but reads are answered from memory, and with nothing to
 * commit they would grow old and nobody would know.
 */
import type { Position } from '../../ledger/record.js';
import type { ShardStore } from '../../store/shard-store.js';

const LOOK_MS = 500;

export interface Sight {
  /** Of whoever has the fence. */
  readonly epoch: number;
  /** Everything up to here is folded. */
  readonly folded: Position;
}

export class DatabaseWatch {
  readonly #store: ShardStore;
  readonly #onLook: (sight: Sight) => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param onLook called again and again; also with an epoch that is not this store's any more */
  constructor(store: ShardStore, onLook: (sight: Sight) => void) {
    this.#store = store;
    this.#onLook = onLook;
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
      const [row] = await this.#store.sql.query(
        `SELECT f.epoch, (SELECT b.position FROM fold b WHERE b.name = 'balances') AS folded FROM fence f WHERE f.log_id = $1`,
        [this.#store.logId],
      );
      if (this.#timer !== null && row !== undefined) {
        this.#onLook({ epoch: Number(row.epoch), folded: Number(row.folded) });
      }
    } catch {
      // A database that does not answer says nothing about who owns it; commits deal with that.
    }
    if (this.#timer === timer && timer !== null) this.start();
  }
}
