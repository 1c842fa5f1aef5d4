/**
 * Commands that wait for a load: parks them, loads what they want, and lets them go on in their order. What is loaded
 * is read from the committed log only.
 */
import type { ErrorCode } from '../../ledger/errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Position } from '../../ledger/record.js';
import { requestIdOf } from '../wire/head.js';
import type { FrontLink } from './front-link.js';
import type { Loader } from './loader.js';
import { Parking } from './parking.js';
import type { DecodedRequest } from './request.js';
import { keyText } from './request.js';

/** What a command waits for. */
export type Wants = { readonly parents: readonly Position[] } | { readonly keyHash: Int32Array };

export interface ParkedCommandsOptions {
  readonly max: number;
  readonly loader: Loader;
  /** The memory that commands are decided on; null while it is not to be touched. */
  readonly ledger: () => Ledger | null;
  /** Decides a command that was parked. @returns what it still wants, null when it is done */
  readonly decide: (link: FrontLink, bytes: Uint8Array) => Wants | null;
  readonly refuse: (link: FrontLink, requestId: number, code: ErrorCode) => void;
  /** Parked commands went on: there may be something to commit. */
  readonly onProgress: () => void;
  readonly onError: (error: Error) => void;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class ParkedCommands {
  readonly #options: ParkedCommandsOptions;
  readonly #parking: Parking;
  #committed: Position = 0;
  /** Of those that are parked now; what was loaded for others is of no use. */
  #generation = 0;
  #uncommitted: { readonly position: Position; readonly resolve: () => void }[] = [];

  constructor(options: ParkedCommandsOptions) {
    this.#options = options;
    this.#parking = new Parking(options.max);
  }

  get size(): number {
    return this.#parking.size;
  }

  get idle(): boolean {
    return this.#parking.idle;
  }

  /** Whether commands of this book must queue. */
  blocks(book: number): boolean {
    return this.#parking.has(book);
  }

  /** Queues a command behind those of its book. @param record the command's bytes, copied */
  queue(link: FrontLink, request: DecodedRequest, record: Uint8Array): void {
    const key = keyText(request);
    if (this.#parking.holdsKey(request.book, key)) {
      this.#options.refuse(link, request.requestId, 'key_in_flight');
    } else if (this.#push(link, request, key, record) && request.parent !== 0) {
      this.#prefetch(request.parent);
    }
  }

  /** Parks a command until what it wants is there. */
  park(link: FrontLink, request: DecodedRequest, wants: Wants, record: Uint8Array): void {
    const { book } = request;
    if (this.#push(link, request, keyText(request), record)) this.#load(book, wants);
  }

  /** The log is committed up to here. */
  committed(position: Position): void {
    this.#committed = position;
    const due = this.#uncommitted.filter((waiting) => waiting.position <= position);
    if (due.length === 0) return;
    this.#uncommitted = this.#uncommitted.filter((waiting) => waiting.position > position);
    for (const { resolve } of due) resolve();
  }

  /** Refuses all: what they wait for is not to be had, or their memory is gone. */
  refuseAll(): void {
    this.#generation++;
    for (const { link, bytes } of this.#parking.takeAll()) {
      this.#options.refuse(link, requestIdOf(viewOf(bytes), 0), 'shard_unavailable');
    }
    // Nobody waits for these any more, and what they wait for must not be looked for before it is there.
    this.#uncommitted = [];
  }

  #push(link: FrontLink, request: DecodedRequest, key: string, record: Uint8Array): boolean {
    if (this.#parking.push(request.book, { link, bytes: record, key })) return true;
    this.#options.refuse(link, request.requestId, 'overloaded');
    return false;
  }

  #load(book: number, wants: Wants): void {
    const ledger = this.#options.ledger();
    if (ledger === null) return;
    // A fact is for the command that waits for it, which forgets it when it is decided. What comes for a command that has been
    // refused would stay, and be believed when it is true no longer.
    const generation = this.#generation;
    const isWanted = (): boolean => this.#generation === generation && this.#options.ledger() === ledger;
    this.#admission(ledger, wants).then(
      (admit) => {
        if (!isWanted()) return;
        admit();
        this.#goOn(book);
        this.#options.onProgress();
      },
      (error: Error) => {
        this.#options.onError(error);
        if (isWanted()) this.#refuseBook(book);
      },
    );
  }

  /** Loads it. @returns what tells the ledger */
  async #admission(ledger: Ledger, wants: Wants): Promise<() => void> {
    const { loader } = this.#options;
    if ('keyHash' in wants) {
      const { position, recordedAt } = await loader.key(ledger.keys, wants.keyHash, ledger.lastRecordedAt);
      return () => ledger.admitKey(wants.keyHash, position, recordedAt);
    }
    const found = await Promise.all(
      wants.parents.map(async (position) => {
        await this.#whenCommitted(position);
        return { position, records: await loader.parent(position) };
      }),
    );
    return () => {
      for (const { position, records } of found) {
        if (records.length > 0) ledger.admitParent(records);
        else ledger.admitAbsentParent(position);
      }
    };
  }

  /** What stands in the log of memory may not stand in the database yet: it is read when it does. */
  #whenCommitted(position: Position): Promise<void> {
    if (position <= this.#committed) return Promise.resolve();
    return new Promise((resolve) => this.#uncommitted.push({ position, resolve }));
  }

  /** Starts a load ahead of its turn, so that a queue of actions waits for one round trip and not for one each. */
  #prefetch(parent: Position): void {
    if (parent > this.#committed || this.#options.ledger()?.transactionView(parent) !== null) return;
    void this.#options.loader.parent(parent).catch(() => undefined);
  }

  #goOn(book: number): void {
    for (let parked = this.#parking.head(book); parked !== undefined; parked = this.#parking.head(book)) {
      const wants = this.#options.decide(parked.link, parked.bytes);
      if (wants !== null) {
        this.#load(book, wants);
        return;
      }
      this.#parking.shift(book);
    }
  }

  #refuseBook(book: number): void {
    for (let parked = this.#parking.head(book); parked !== undefined; parked = this.#parking.head(book)) {
      this.#parking.shift(book);
      this.#options.refuse(parked.link, requestIdOf(viewOf(parked.bytes), 0), 'shard_unavailable');
    }
  }
}
