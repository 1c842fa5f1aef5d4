/**
 * Reads on in a shard's log by SQL and checks what must hold of it at any time: positions without a gap, batches in one
 * chain, a key at most once for ever, and epochs that never fall. So an owner of yesterday has written nothing since
 * the new one began.
 */
import { whenThere } from './database.js';
import { must } from './failure.js';

export interface Place {
  readonly position: number;
  readonly epoch: number;
  /** Ends the batch that it was committed in. */
  readonly batch: number;
  readonly refused: boolean;
}

interface BatchRow {
  readonly prev: string;
  readonly last: string;
  readonly epoch: string;
}
interface LogRow {
  readonly position: string;
  readonly key: string | null;
  readonly kind: number;
}
const REFUSED = 8;

export class LogFollower {
  /** As last seen. */
  epoch = 0;
  #last = 0;
  readonly #keys = new Map<string, Place>();

  /** @param url of the shard's database */
  constructor(readonly url: string) {}

  get position(): number {
    return this.#last;
  }

  /** Where the outcome of a key stands; undefined: nowhere. As of the last {@link follow}. */
  find(key: string): Place | undefined {
    return this.#keys.get(key);
  }

  async look(): Promise<void> {
    await whenThere(this.url, async (client) => {
      const { rows } = await client.query<{ epoch: string }>('SELECT epoch FROM millrace.fence');
      this.epoch = Number(rows[0]?.epoch ?? 0);
    });
  }

  async follow(): Promise<void> {
    await this.look();
    await whenThere(this.url, async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const batches = await client.query<BatchRow>(
        'SELECT prev, last, epoch FROM millrace.batch WHERE prev >= $1 ORDER BY prev',
        [this.#last],
      );
      const records = await client.query<LogRow>(
        'SELECT position, key, kind FROM millrace.log WHERE position > $1 ORDER BY position',
        [this.#last],
      );
      await client.query('COMMIT');
      this.#take(batches.rows, records.rows);
    });
  }

  #take(batches: readonly BatchRow[], records: readonly LogRow[]): void {
    let next = 0;
    for (const { prev, last, epoch } of batches) {
      must(Number(prev) === this.#last, () => `a batch begins after ${prev}, the one before it ended at ${this.#last}`);
      must(
        Number(epoch) >= this.#epochOfLast,
        () => `the batch after ${prev} is of epoch ${epoch}, one before it of ${this.#epochOfLast}: an old owner wrote`,
      );
      this.#epochOfLast = Number(epoch);
      for (; this.#last < Number(last); this.#last++) {
        const record = records[next++];
        must(Number(record?.position) === this.#last + 1, () => `position ${this.#last + 1} is missing from the log`);
        if (record?.key == null) continue;
        const known = this.#keys.get(record.key);
        must(known === undefined, () => `key ${record.key} stands at ${known?.position} and ${record.position}`);
        this.#keys.set(record.key, {
          position: Number(record.position),
          epoch: Number(epoch),
          batch: Number(last),
          refused: record.kind === REFUSED,
        });
      }
    }
    must(next === records.length, () => `${records.length - next} records lie behind the last batch`);
  }

  #epochOfLast = 0;
}
