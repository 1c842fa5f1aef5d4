/** A shard's store whose every commit waits for the test to say what becomes of it. */

import type { Position } from '../../../../src/ledger/record.js';
import { LogRecord } from '../../../../src/ledger/record.js';
import type {
  BatchEncoder,
  CommitResult,
  FoldedState,
  RememberedKey,
  Resolution,
  ShardStore,
} from '../../../../src/store/shard-store.js';
import type { Sql } from '../../../../src/store/sql.js';

class FakeEncoder implements BatchEncoder {
  readonly kept: LogRecord[] = [];
  chainHash = 0n;

  get records(): number {
    return this.kept.length;
  }
  get sizeBytes(): number {
    return this.kept.length * 100;
  }
  get first(): Position {
    return this.kept[0]?.position ?? 0;
  }
  get last(): Position {
    return this.kept.at(-1)?.position ?? 0;
  }
  append(record: LogRecord): void {
    this.kept.push(new LogRecord().copyFrom(record));
  }
  mark(): number {
    return this.kept.length;
  }
  rewind(mark: number): void {
    this.kept.length = mark;
  }
  clear(): void {
    this.kept.length = 0;
  }
}

/** How a commit ends; `isThere` says whether its records are in the log. */
interface Ending {
  readonly type: CommitResult['type'];
  readonly isThere: boolean;
}

interface Commit {
  readonly records: number;
  end(type: CommitResult['type'], isThere?: boolean): void;
}

async function* nothing(): AsyncGenerator<never> {}

export class FakeStore implements ShardStore {
  readonly logId = 1;
  readonly incarnation = 1;
  readonly hashKey = new Uint8Array(16).fill(7);
  readonly partitionRecords = 1 << 20;
  readonly clockOffset = 0;
  epoch = 0;
  /** How far the folds are. */
  foldedTo = Number.MAX_SAFE_INTEGER;
  /** What is committed. */
  readonly log: LogRecord[] = [];
  /** True: commits succeed at once, without being asked about. */
  easy = true;
  loads: { readonly positions: readonly Position[]; release(): void }[] = [];
  #headHash = 0n;
  #asked: Commit[] = [];
  #waiting: (() => void)[] = [];

  readonly sql: Sql = {
    query: (text: string) =>
      Promise.resolve(text.includes('FROM fence') ? [{ epoch: this.epoch, folded: this.foldedTo }] : []),
    close: () => Promise.resolve(),
  } as unknown as Sql; // as much of it as a shard asks for

  acquire(): Promise<Resolution> {
    return this.resolve();
  }

  encoder(): BatchEncoder {
    return new FakeEncoder();
  }

  /** Records of each commit. */
  readonly sizes: number[] = [];

  async commit(batch: BatchEncoder): Promise<CommitResult> {
    const { kept, chainHash } = batch as FakeEncoder;
    this.sizes.push(kept.length);
    const ending = this.easy ? { type: 'committed' as const, isThere: true } : await this.#ask(kept.length);
    if (ending.isThere) {
      this.log.push(...kept.map((record) => new LogRecord().copyFrom(record)));
      this.#headHash = chainHash;
    }
    if (ending.type === 'committed') return { type: 'committed' };
    return { type: ending.type, error: new Error('by the test') };
  }

  #ask(records: number): Promise<Ending> {
    return new Promise((resolve) => {
      this.#asked.push({ records, end: (type, isThere = type === 'committed') => resolve({ type, isThere }) });
      for (const tell of this.#waiting.splice(0)) tell();
    });
  }

  /** The next commit that has begun and waits. */
  async begun(): Promise<Commit> {
    for (;;) {
      const commit = this.#asked.shift();
      if (commit !== undefined) return commit;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  resolve(): Promise<Resolution> {
    this.epoch++;
    return Promise.resolve({ epoch: this.epoch, head: this.log.length });
  }

  /** Loading the shard fails by this. */
  broken: Error | null = null;

  folded(): Promise<FoldedState> {
    if (this.broken !== null) return Promise.reject(this.broken);
    const log = [...this.log];
    return Promise.resolve({
      foldedTo: 0,
      foldedHash: 0n,
      foldedAt: 0,
      head: log.length,
      headHash: this.#headHash,
      books: nothing(),
      accountCount: 0,
      accounts: nothing(),
      openHolds: nothing(),
      configured: nothing(),
      tail: (async function* () {
        yield log;
      })(),
    });
  }

  loadParents(positions: readonly Position[]): Promise<readonly LogRecord[]> {
    return new Promise((resolve) => {
      const found = this.log.filter(
        ({ position, parent }) => positions.includes(position) || positions.includes(parent),
      );
      this.loads.push({ positions, release: () => resolve(found) });
      for (const tell of this.#waiting.splice(0)) tell();
    });
  }

  async *keysBetween(): AsyncGenerator<readonly RememberedKey[]> {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
