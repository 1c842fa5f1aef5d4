/**
 * Loads what is not resident: transactions that are acted on, and keys of closed partitions. Loads that are wanted in
 * the same turn go in one query, and one that is under way is not started twice.
 */
import { bucketOf, findInBucket } from '../../ledger/keys/bucket.js';
import type { KeyWindow } from '../../ledger/keys/window.js';
import type { LogRecord, Micros, Position } from '../../ledger/record.js';
import { isAction } from '../../ledger/record.js';
import type { ShardStore } from '../../store/shard-store.js';

export interface KeyFact {
  /** Where its outcome stands; null: the key is new. */
  readonly position: Position | null;
  readonly recordedAt: Micros;
}

const PARENTS_A_QUERY = 1000;

interface Wanted {
  readonly resolve: (records: readonly LogRecord[]) => void;
  readonly reject: (error: Error) => void;
}

export class Loader {
  readonly #store: ShardStore;
  readonly #loading = new Map<Position, Promise<readonly LogRecord[]>>();
  #wanted = new Map<Position, Wanted>();
  #underWay = new Set<Promise<unknown>>();

  constructor(store: ShardStore) {
    this.#store = store;
  }

  /** The transaction's record and its actions, from the committed log; empty where there is no such record. */
  parent(position: Position): Promise<readonly LogRecord[]> {
    const known = this.#loading.get(position);
    if (known !== undefined) return known;
    const loading = new Promise<readonly LogRecord[]>((resolve, reject) => {
      if (this.#wanted.size === 0) setImmediate(() => this.#loadWanted());
      this.#wanted.set(position, { resolve, reject });
    });
    this.#loading.set(position, loading);
    this.#follow(loading.finally(() => this.#loading.delete(position)));
    return loading;
  }

  /** Looks a key up in the closed partitions whose filters do not rule it out. */
  key(keys: KeyWindow, hash: Int32Array, now: Micros): Promise<KeyFact> {
    return this.#follow(this.#findKey(keys, hash, now));
  }

  /** Resolves when no load is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  #follow<T>(loading: Promise<T>): Promise<T> {
    this.#underWay.add(loading);
    const done = () => this.#underWay.delete(loading);
    loading.then(done, done);
    return loading;
  }

  #loadWanted(): void {
    const wanted = [...this.#wanted];
    this.#wanted = new Map();
    for (let at = 0; at < wanted.length; at += PARENTS_A_QUERY)
      void this.#loadSome(new Map(wanted.slice(at, at + PARENTS_A_QUERY)));
  }

  async #loadSome(wanted: Map<Position, Wanted>): Promise<void> {
    try {
      const found = new Map<Position, LogRecord[]>();
      for (const record of await this.#store.loadParents([...wanted.keys()])) {
        // An action that is wanted itself belongs to its parent all the same, and may come once for each.
        if (wanted.has(record.position)) addInOrder(found, record.position, record);
        if (isAction(record.kind) && wanted.has(record.parent)) addInOrder(found, record.parent, record);
      }
      for (const [position, { resolve }] of wanted) {
        const records = found.get(position) ?? [];
        // Of a transaction that was moved into a file its later actions may still be in the table: it is not there.
        resolve(records[0]?.position === position ? records : []);
      }
    } catch (error) {
      for (const { reject } of wanted.values()) reject(error as Error);
    }
  }

  async #findKey(keys: KeyWindow, hash: Int32Array, now: Micros): Promise<KeyFact> {
    for (const partition of keys.partitionsToSearch(hash, now)) {
      const [filter] = await this.#store.sql.query('SELECT buckets FROM key_filter WHERE partition = $1', [partition]);
      if (filter === undefined) continue;
      const [row] = await this.#store.sql.query('SELECT entries FROM key_bucket WHERE partition = $1 AND bucket = $2', [
        partition,
        bucketOf(hash[0] ?? 0, Number(filter.buckets)),
      ]);
      if (row === undefined) continue;
      const position = findInBucket(row.entries as Uint8Array, hash, partition * this.#store.partitionRecords + 1);
      if (position === 0) continue;
      const [record] = await this.#store.sql.query('SELECT recorded_at FROM log WHERE position = $1', [position]);
      return { position, recordedAt: Number(record?.recorded_at ?? 0) };
    }
    return { position: null, recordedAt: 0 };
  }
}

/** Records of a transaction come in order of position; one that comes again is there already. */
function addInOrder(found: Map<Position, LogRecord[]>, parent: Position, record: LogRecord): void {
  const group = found.get(parent);
  if (group === undefined) found.set(parent, [record]);
  else if ((group.at(-1)?.position ?? 0) < record.position) group.push(record);
}
