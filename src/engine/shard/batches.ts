/**
 * The two batches of a shard: one gathers while the other is on its way into the log. An answer waits in the one whose
 * commit makes it true.
 */
import type { Position } from '../../ledger/record.js';
import type { BatchEncoder } from '../../store/shard-store.js';
import { Batch } from './batch.js';
import type { FrontLink } from './front-link.js';
import type { Outbox } from './outbox.js';
import type { ShardBounds } from './status.js';

export class Batches {
  readonly #bounds: Pick<ShardBounds, 'batchRecordsMax' | 'batchBytesMax'>;
  #recordsMax: number;
  #gathering: Batch;
  #spare: Batch;
  #inFlight: Batch | null = null;

  constructor(newEncoder: () => BatchEncoder, bounds: Pick<ShardBounds, 'batchRecordsMax' | 'batchBytesMax'>) {
    this.#bounds = bounds;
    this.#recordsMax = bounds.batchRecordsMax;
    this.#gathering = new Batch(newEncoder());
    this.#spare = new Batch(newEncoder());
  }

  get gathering(): Batch {
    return this.#gathering;
  }

  /** Where records are written that the next commit takes. */
  get encoder(): BatchEncoder {
    return this.#gathering.encoder;
  }

  /** How many records the next commit has by now. */
  get records(): number {
    return this.#gathering.encoder.records;
  }

  /** True while a batch is on its way. */
  get isCommitting(): boolean {
    return this.#inFlight !== null;
  }

  /** True where no more is to be gathered before the next commit. */
  get isFull(): boolean {
    const { encoder } = this.#gathering;
    return encoder.records >= this.#recordsMax || encoder.sizeBytes >= this.#bounds.batchBytesMax;
  }

  /** A batch takes so many records at most, where that is less than its bound. */
  limit(records: number): void {
    this.#recordsMax = Math.min(this.#bounds.batchRecordsMax, records);
  }

  /** For what depends on all that memory holds now: the newest batch that is not committed. */
  latestOutbox(link: FrontLink): Outbox {
    if (this.records > 0 || this.#inFlight === null) return this.#gathering.outbox(link);
    return this.#inFlight.outbox(link);
  }

  /** For what depends on the record at `position`. */
  outboxOf(link: FrontLink, position: Position): Outbox {
    if (this.#inFlight !== null && position <= this.#inFlight.encoder.last) return this.#inFlight.outbox(link);
    return this.#gathering.outbox(link);
  }

  /** What gathered goes on its way; from here on the other one gathers. */
  depart(): Batch {
    const batch = this.#gathering;
    this.#gathering = this.#spare;
    this.#inFlight = batch;
    return batch;
  }

  /** The batch is in the log: its answers go out. */
  arrive(batch: Batch): void {
    this.#inFlight = null;
    batch.deliver();
    this.#empty(batch);
  }

  /** The batch never comes into the log, and with it goes what was gathered on top of it. Nobody is answered here. */
  drop(batch: Batch): void {
    this.#inFlight = null;
    this.#gathering.clear();
    this.#empty(batch);
  }

  /** Answers that wait for nothing but their turn. */
  deliverIfNothingGathers(): void {
    if (this.records === 0) this.#gathering.deliver();
  }

  #empty(batch: Batch): void {
    batch.clear();
    this.#spare = batch;
  }
}
