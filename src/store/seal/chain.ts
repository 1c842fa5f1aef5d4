/** The end of a log's chain of digests, as its single writer carries it from batch to batch. */
import type { CopyEncoder } from '../copy/encoder.js';
import type { ShardRow } from '../shard-row.js';
import type { BatchHead, Seal } from './seal.js';
import { BatchSealer, genesisOf } from './seal.js';

export interface SealedBatch {
  readonly head: BatchHead;
  readonly seal: Seal;
}

export class SealChain {
  readonly #sealer: BatchSealer;
  readonly #genesis: Buffer;
  #digest: Buffer;

  /** @param digest the last batch's as the database has it; null where there is none */
  constructor({ logId, hashKey }: Pick<ShardRow, 'logId' | 'hashKey'>, digest: Buffer | null) {
    this.#sealer = new BatchSealer(hashKey);
    this.#genesis = genesisOf(logId);
    this.#digest = digest ?? this.#genesis;
  }

  /** Seals a batch as the next one. Until it is known to be committed, the chain ends where it did. */
  seal(batch: CopyEncoder, epoch: number): SealedBatch {
    const head = { prev: batch.first - 1, last: batch.last, epoch, hash: batch.chainHash };
    return { head, seal: this.#sealer.seal(batch.rows(), head, this.#digest) };
  }

  committed({ seal }: SealedBatch): void {
    this.#digest = seal.digest;
  }

  /** After the end of the log was read again: the batch whose fate was open is its last one, or it is not. */
  endsWith(digest: Buffer | null): void {
    this.#digest = digest ?? this.#genesis;
  }
}
