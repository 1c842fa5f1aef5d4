/**
 * Writes the keys of closed partitions in bulk, so that they can leave memory: sorted buckets for look-ups and a filter
 * that answers most of them. Its cursor is `log_partition.keys_indexed`; a partition half-written is written again.
 */
import type { KeyBucket } from '../../ledger/keys/bucket.js';
import type { KeySlice, KeyWindow } from '../../ledger/keys/window.js';
import type { Micros, Position } from '../../ledger/record.js';
import type { Sql } from '../../store/sql.js';

export interface KeyIndexerOptions {
  readonly partitionRecords: number;
  /** Closed partitions stay resident while their keys, counted as full partitions, are no more than this. */
  readonly residentKeysMax: number;
  readonly onError: (error: Error) => void;
}

/** As the column `by_book` holds them: `[{ "from": …, "until": …, "keys": { "<book>": … } }, …]`. */
export const slicesText = (slices: readonly KeySlice[]): string =>
  JSON.stringify(slices.map(({ from, until, byBook }) => ({ from, until, keys: Object.fromEntries(byBook) })));

export function readSlices(text: string): readonly KeySlice[] {
  const slices = JSON.parse(text) as readonly {
    readonly from: number;
    readonly until: number;
    readonly keys: Readonly<Record<string, number>>;
  }[];
  return slices.map(({ from, until, keys }) => ({
    from,
    until,
    byBook: new Map(Object.entries(keys).map(([book, count]) => [Number(book), count] as const)),
  }));
}

/** Buckets a statement: about 100 KiB, so that commits on the same database are not held up. */
const BUCKETS_A_STATEMENT = 32;
const RETRY_MS = 1_000;
/** Nobody waits for these keys: after each statement commits have the thread and the database for nine times as long. */
const RESTS_FOR_WORK = 9;
const REST_MS_MAX = 250;
/** Filters between two partitions where one is due as soon as another is written: more than come. */
const SLICED_AT_LEAST = 2;

export class KeyIndexer {
  readonly #sql: Sql;
  readonly #keys: KeyWindow;
  readonly #options: KeyIndexerOptions;
  #working: Promise<void> | null = null;
  #committed: Position = 0;
  #retryAt = 0;
  #closed = false;

  constructor(sql: Sql, keys: KeyWindow, options: KeyIndexerOptions) {
    this.#sql = sql;
    this.#keys = keys;
    this.#options = options;
  }

  /**
   * Indexes partitions that end at or before the committed position, in the background, and makes those that are indexed
   * cheaper to ask.
   */
  catchUp(committed: Position, now: Micros): void {
    this.#committed = committed;
    if (this.#working !== null || this.#closed || performance.now() < this.#retryAt) return;
    const due = this.#due();
    if (due === undefined && !this.#keys.mayBeSliced) return;
    this.#working = this.#work(due, now)
      .catch((error: Error) => {
        this.#retryAt = performance.now() + RETRY_MS;
        this.#options.onError(error);
      })
      .finally(() => {
        this.#working = null;
      });
  }

  #due(): number | undefined {
    const oldest = this.#keys.oldestOpen;
    const isFull = oldest !== undefined && (oldest + 1) * this.#options.partitionRecords <= this.#committed;
    return isFull ? oldest : undefined;
  }

  /** Starts nothing more; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  async #work(due: number | undefined, now: Micros): Promise<void> {
    if (due !== undefined) await this.#index(due, now);
    if (!this.#closed) await this.#sliceFilters();
  }

  async #index(partition: number, now: Micros): Promise<void> {
    const keys = this.#keys.sortedEntries(partition);
    let some: KeyBucket[] = [];
    let since = performance.now();
    for (const bucket of keys.chunks()) {
      some.push(bucket);
      if (some.length < BUCKETS_A_STATEMENT) continue;
      await this.#writeBuckets(partition, some);
      // Where the next partition is full already, keys must leave memory as fast as they come.
      const isBehind = this.#committed >= (partition + 2) * this.#options.partitionRecords;
      await this.#rest(isBehind, performance.now() - since);
      if (this.#closed) return;
      since = performance.now();
      some = [];
    }
    if (some.length > 0) await this.#writeBuckets(partition, some);
    await this.#sql.query(
      `WITH filter AS (
         INSERT INTO key_filter (partition, keys, buckets, bits, by_book, last_expires_at)
         VALUES ($1, $2, $3, $4, $5::json, to_timestamp($6::float8 / 1000000))
         ON CONFLICT (partition) DO NOTHING
       )
       UPDATE log_partition SET keys_indexed = true WHERE number = $1`,
      [partition, keys.keys, keys.buckets, keys.filter.toBytes(), slicesText(keys.slices), keys.lastExpiresAt],
    );
    this.#keys.close(partition, keys.filter);
    this.#retireOld();
    await this.#forgetExpired(now);
    await this.#passOver();
  }

  /**
   * What ends before the oldest keys that are still to be written has none to write: they expired before their turn came, or
   * it never had any. Left as it is, every start would read the keys of all the log since then, and no detach would pass it.
   */
  async #passOver(): Promise<void> {
    const { oldestOpen } = this.#keys;
    // Of a partition that is not committed to its end, other keys may come yet.
    let end = this.#committed + 1;
    if (oldestOpen !== undefined) end = Math.min(end, this.#keys.firstPositionOf(oldestOpen));
    await this.#sql.query(
      'UPDATE log_partition SET keys_indexed = true WHERE NOT keys_indexed AND end_position <= $1::int8',
      [end],
    );
  }

  async #sliceFilters(): Promise<void> {
    let left = SLICED_AT_LEAST;
    let since = performance.now();
    for (const isWhole of this.#keys.sliceFilters()) {
      const hurries = this.#due() !== undefined;
      await this.#rest(hurries, performance.now() - since);
      if (isWhole) left--;
      if (this.#closed || (isWhole && left <= 0 && hurries)) return;
      since = performance.now();
    }
  }

  /** Leaves thread and database to others; who hurries, for a turn of the event loop only. */
  async #rest(hurries: boolean, workedMs: number): Promise<void> {
    if (this.#closed) return;
    await new Promise((resolve) => {
      if (hurries) setImmediate(resolve);
      else setTimeout(resolve, Math.min(REST_MS_MAX, workedMs * RESTS_FOR_WORK));
    });
  }

  /** The bytes of all buckets as one value: as an array they would go as text, which costs both sides more than the rest. */
  async #writeBuckets(partition: number, buckets: readonly KeyBucket[]): Promise<void> {
    const lengths = buckets.map(({ entries }) => entries.length);
    let next = 1;
    const starts = lengths.map((length) => {
      next += length;
      return next - length;
    });
    await this.#sql.query(
      `INSERT INTO key_bucket (partition, bucket, entries)
       SELECT $1, bucket, substring($5::bytea FROM start FOR length)
         FROM unnest($2::int4[], $3::int4[], $4::int4[]) AS b(bucket, start, length)
       ON CONFLICT (partition, bucket) DO NOTHING`,
      [
        partition,
        buckets.map(({ bucket }) => bucket),
        starts,
        lengths,
        Buffer.concat(buckets.map(({ entries }) => entries)),
      ],
    );
  }

  #retireOld(): void {
    const stay = Math.floor(this.#options.residentKeysMax / this.#options.partitionRecords);
    const indexed = this.#keys.residentPartitions().filter((partition) => this.#keys.isClosed(partition));
    for (const partition of indexed.slice(0, Math.max(0, indexed.length - stay))) this.#keys.retire(partition);
  }

  async #forgetExpired(now: Micros): Promise<void> {
    this.#keys.forget(now);
    const gone = this.#keys.takeForgotten();
    if (gone.length === 0) return;
    await this.#sql.query('DELETE FROM key_filter WHERE partition = ANY ($1::int4[])', [gone]);
    await this.#sql.query('DELETE FROM key_bucket WHERE partition = ANY ($1::int4[])', [gone]);
  }
}
