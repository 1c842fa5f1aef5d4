/**
 * One shard and its single writer: applies commands in the order in which they come, gathers their records while the
 * previous commit is in flight, and answers when the records are committed.
 *
 * States: `starting` (recovering) → `ready` → `resolving` (a commit's outcome is not known, or the shard is loaded anew)
 * → `ready`, or `stopped` (another owner holds the fence; it is never taken back by itself). Only `ready` takes commands;
 * in the others they are refused with 503 and nothing of them is done.
 */

import type { LedgerSettings } from '../../ledger/command.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Micros, Position } from '../../ledger/record.js';
import type { ShardClock } from '../../platform/time.js';
import { FencedError } from '../../store/errors.js';
import type { ShardStore } from '../../store/shard-store.js';
import type { ShardStatus } from '../supervisor/messages.js';
import { requestIdOf } from '../wire/head.js';
import type { ReadAccountRequest, ReadHeadRequest } from '../wire/messages.js';
import { AnswerWriter, writeUnavailable } from './answer-writer.js';
import { Batch } from './batch.js';
import { FenceWatch } from './fence-watch.js';
import type { FrontLink } from './front-link.js';
import { KeyIndexer } from './key-indexer.js';
import { Loader } from './loader.js';
import { Parking } from './parking.js';
import { recoverLedger } from './recover.js';
import type { DecodedRequest } from './request.js';
import { keyText, RequestDecoder } from './request.js';

export type ShardState = 'starting' | 'ready' | 'resolving' | 'stopped';

export interface ShardBounds {
  /** A batch takes no more commands at this many records or bytes; a unit of several records may pass it. */
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** Commands that wait for room in a batch or for something to be loaded. */
  readonly parkedMax: number;
  /** Keys kept in memory whole; older partitions are behind a filter. */
  readonly residentKeysMax: number;
}

export interface ShardOptions {
  readonly name: string;
  readonly store: ShardStore;
  readonly clock: ShardClock;
  readonly bounds: ShardBounds;
  readonly settings: LedgerSettings;
  readonly takeOver: boolean;
  /** The merchants that the control log knows, by book. */
  readonly merchants: Pick<
    ReadonlyMap<number, { readonly merchant: string; readonly environment: 'test' | 'live' }>,
    'get'
  >;
  readonly onState: (state: ShardState, error: Error | null) => void;
  readonly onCommitted: (position: Position) => void;
  readonly onError: (error: Error, doing: string) => void;
}

/** What a parked command waits for. */
type Wants = { readonly parent: Position } | { readonly keyHash: Int32Array };

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Due expiries written before the commands of a turn; more of them follow in the next turns. */
const EXPIRIES_A_TURN = 512;
const EVICT_A_BATCH = 1024;
const RETRY_AFTER_SECONDS = 1;
/** µs between this machine's clock and the database's, at most, for the shard to start. */
const CLOCKS_APART_MAX = 5_000_000;
/** The longest sleep to the next expiry: the clock may be set meanwhile. */
const EXPIRY_SLEEP_MAX_MS = 1000;

export class Shard {
  readonly name: string;
  readonly #options: ShardOptions;
  readonly #store: ShardStore;
  readonly #decoder = new RequestDecoder();
  readonly #answers = new AnswerWriter();
  readonly #parking: Parking;
  readonly #waiting: { readonly link: FrontLink; readonly bytes: Uint8Array }[] = [];
  readonly #loader: Loader;
  readonly #watch: FenceWatch;
  #keyIndexer: KeyIndexer | null = null;
  #ledger: Ledger | null = null;
  #state: ShardState = 'starting';
  #gathering: Batch;
  #spare: Batch;
  #inFlight: Batch | null = null;
  #commits: Promise<void> | null = null;
  #committed: Position = 0;
  #uncommitted: { readonly position: Position; readonly resolve: () => void }[] = [];
  #expiryTimer: NodeJS.Timeout | null = null;
  #closing = false;
  /** Counts since the start, for the operator. */
  readonly counts = { commits: 0, records: 0, ambiguous: 0, failed: 0, refusedFull: 0 };

  constructor(options: ShardOptions) {
    this.name = options.name;
    this.#options = options;
    this.#store = options.store;
    this.#parking = new Parking(options.bounds.parkedMax);
    this.#gathering = new Batch(options.store.encoder());
    this.#spare = new Batch(options.store.encoder());
    this.#loader = new Loader(options.store);
    this.#watch = new FenceWatch(options.store, (epoch) => this.#overtaken(epoch));
  }

  get state(): ShardState {
    return this.#state;
  }
  get epoch(): number {
    return this.#store.epoch;
  }
  get committed(): Position {
    return this.#committed;
  }
  get ledger(): Ledger | null {
    return this.#ledger;
  }

  /** For a shard that has no database yet. */
  static refuseBeforeStart(link: FrontLink, view: DataView, offset: number): void {
    const outbox = link.takeOutbox();
    writeUnavailable(outbox, requestIdOf(view, offset), 'shard_unavailable', RETRY_AFTER_SECONDS);
    link.deliver(outbox);
  }

  /** Takes the fence, reads the folded state and the tail of the log. */
  async start(): Promise<void> {
    await this.#store.acquire({ takeOver: this.#options.takeOver });
    const offset = this.#store.clockOffset;
    if (Math.abs(offset) > CLOCKS_APART_MAX) {
      throw new Error(`the clock of this machine and that of the database are ${offset / 1e6} s apart; set them right`);
    }
    await this.#load();
    this.#become('ready', null);
    this.#watch.start();
    // Commits what loading wrote, and sets the timer of the next expiry without waiting for a command.
    this.turnEnded();
  }

  status(): Omit<ShardStatus, 'shard'> {
    const { commits, records, ambiguous, failed } = this.counts;
    const ledger = this.#ledger;
    return {
      name: this.name,
      state: this.#state,
      // A store has none before the shard is acquired.
      epoch: ledger === null ? 0 : this.#store.epoch,
      position: this.#committed,
      commits,
      records,
      ambiguous,
      failed,
      parked: this.#parking.size + this.#waiting.length,
      accounts: ledger?.accountCount ?? 0,
      keys: ledger?.keys.count ?? 0,
      keysMax: ledger?.keys.max ?? 0,
      openHolds: ledger?.openHoldCount ?? 0,
    };
  }

  static statusBeforeStart(name: string): Omit<ShardStatus, 'shard'> {
    const none = { epoch: 0, position: 0, commits: 0, records: 0, ambiguous: 0, failed: 0, parked: 0 };
    return { name, state: 'starting', ...none, accounts: 0, keys: 0, keysMax: 0, openHolds: 0 };
  }

  async #load(): Promise<void> {
    await this.#keyIndexer?.close();
    const ledger = await recoverLedger(this.#store, this.#options.settings);
    this.#ledger = ledger;
    this.#committed = ledger.head;
    this.#keyIndexer = new KeyIndexer(this.#store.sql, ledger.keys, {
      partitionRecords: this.#store.partitionRecords,
      residentKeysMax: this.#options.bounds.residentKeysMax,
      onError: (error) => this.#options.onError(error, 'indexing the keys of a partition'),
    });
    ledger.apply({ type: 'configure', settings: this.#options.settings }, this.#recordTime(), this.#gathering.encoder);
    this.#keyIndexer.catchUp(this.#committed, ledger.lastRecordedAt);
  }

  /** A command from a front; the bytes are valid during the call only. */
  submit(link: FrontLink, bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    if (this.#state !== 'ready' || this.#closing) {
      this.#refuseBytes(link, view, offset, this.#closing ? 'draining' : 'shard_unavailable');
      return;
    }
    if (this.#waiting.length > 0 || this.#gatheringFull()) {
      if (this.#waiting.length >= this.#options.bounds.parkedMax) {
        this.counts.refusedFull++;
        this.#refuseBytes(link, view, offset, 'overloaded');
      } else {
        this.#waiting.push({ link, bytes: bytes.slice(offset, offset + length) });
      }
      return;
    }
    this.#take(link, this.#decoder.decode(bytes, view, offset, length), bytes, offset, length);
  }

  /** After a turn's commands: writes due expiries and starts a commit where none is in flight. */
  turnEnded(): void {
    if (this.#state !== 'ready') return;
    this.#expire();
    if (this.#commits !== null) return;
    if (this.#gathering.encoder.records === 0) this.#flushNow();
    else {
      this.#commits = this.#commitLoop().finally(() => {
        this.#commits = null;
      });
    }
  }

  /** Takes no more commands; resolves when all that was taken is committed and answered, or cannot be. */
  async drain(): Promise<void> {
    // Commands that wait for a load or for room were taken: they are finished before the door closes behind them.
    while (this.#state === 'ready' && (this.#waiting.length > 0 || !this.#parking.idle || this.#commits !== null)) {
      this.turnEnded();
      await (this.#commits ?? this.#loader.settled());
    }
    this.#closing = true;
    this.#watch.stop();
    this.turnEnded();
    await this.#commits;
    if (this.#expiryTimer !== null) clearTimeout(this.#expiryTimer);
    await this.#keyIndexer?.close();
  }

  #gatheringFull(): boolean {
    const { encoder } = this.#gathering;
    const { batchRecordsMax, batchBytesMax } = this.#options.bounds;
    return encoder.records >= batchRecordsMax || encoder.sizeBytes >= batchBytesMax;
  }

  #take(link: FrontLink, request: DecodedRequest, bytes: Uint8Array, offset: number, length: number): void {
    const { book } = request;
    if (this.#parking.has(book)) {
      const key = keyText(request);
      if (this.#parking.holdsKey(book, key)) {
        this.#refuse(link, request.requestId, 'key_in_flight');
        return;
      }
      this.#park(link, request, key, bytes, offset, length);
      if (request.parent !== 0) this.#prefetch(request.parent);
      return;
    }
    const wants = this.#decide(link, request);
    if (wants === null) return;
    if (this.#park(link, request, keyText(request), bytes, offset, length)) this.#loadFor(book, wants);
  }

  #park(
    link: FrontLink,
    request: DecodedRequest,
    key: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    if (this.#parking.push(request.book, { link, bytes: bytes.slice(offset, offset + length), key })) return true;
    this.#refuse(link, request.requestId, 'overloaded');
    return false;
  }

  /** Applies a command and attaches its answer. @returns what must be loaded first, or null when it is done */
  #decide(link: FrontLink, request: DecodedRequest): Wants | null {
    const ledger = this.#mustLedger();
    const command = request.what;
    if (command.type === 'read_account' || command.type === 'read_head') {
      this.#read(link, request, command, ledger);
      return null;
    }
    const now = this.#options.clock.now();
    if (now === 'disagrees') {
      this.#refuse(link, request.requestId, 'clock_disagrees');
      return null;
    }
    if (!ledger.hasBook(request.book)) this.#openMerchant(request.book, now);
    const outcome = ledger.apply(command, now, this.#answers.sinkFor(command, this.#gathering.encoder));
    switch (outcome.type) {
      case 'recorded':
        this.#answers.recorded(this.#gathering.outbox(link), request, command, outcome, ledger);
        return null;
      case 'answered':
        this.#answers.answered(this.#latestOutbox(link), request, outcome);
        return null;
      case 'replay':
        this.#answers.replay(this.#outboxFor(link, outcome.position), request, command, outcome.position);
        return null;
      case 'load_parent':
        return { parent: outcome.position };
      case 'load_key':
        return { keyHash: Int32Array.from(command.keyHash) };
    }
  }

  #read(link: FrontLink, request: DecodedRequest, read: ReadAccountRequest | ReadHeadRequest, ledger: Ledger): void {
    if (read.type === 'read_account') this.#expireOn(request.book, read.account, ledger);
    const outbox = this.#latestOutbox(link);
    const { book } = request;
    const sequence = ledger.hasBook(book) ? ledger.bookSequence(book) : 0;
    if (read.type === 'read_head') this.#answers.head(outbox, request, sequence, ledger.lastRecordedAt);
    else this.#answers.account(outbox, request, sequence === 0 ? null : ledger.account(book, read.account), sequence);
  }

  /** What a read shows has not lapsed: what is due is written first, and the answer waits for its commit. */
  #expireOn(book: number, account: string, ledger: Ledger): void {
    if (ledger.nextExpiry() === 0) return;
    const now = this.#options.clock.now();
    if (now !== 'disagrees') ledger.expireOn(book, account, now, this.#gathering.encoder);
  }

  #openMerchant(book: number, now: Micros): void {
    const known = this.#options.merchants.get(book);
    if (known === undefined) throw new Error(`a command came for book ${book}, which the control log does not know`);
    this.#mustLedger().apply({ type: 'open_merchant', book, ...known }, now, this.#gathering.encoder);
  }

  /** What depends on all that memory holds now: released with the newest batch that is not committed. */
  #latestOutbox(link: FrontLink) {
    if (this.#gathering.encoder.records > 0 || this.#inFlight === null) return this.#gathering.outbox(link);
    return this.#inFlight.outbox(link);
  }

  /** What depends on the record at `position`. */
  #outboxFor(link: FrontLink, position: Position) {
    if (this.#inFlight !== null && position <= this.#inFlight.encoder.last) return this.#inFlight.outbox(link);
    return this.#gathering.outbox(link);
  }

  #loadFor(book: number, wants: Wants): void {
    const ledger = this.#mustLedger();
    const loaded =
      'parent' in wants
        ? this.#whenCommitted(wants.parent)
            .then(() => this.#loader.parent(wants.parent))
            .then((records) => () => {
              if (records.length > 0) ledger.admitParent(records);
              else ledger.admitAbsentParent(wants.parent);
            })
        : this.#loader.key(ledger.keys, wants.keyHash, ledger.lastRecordedAt).then((fact) => () => {
            ledger.admitKey(wants.keyHash, fact.position, fact.recordedAt);
          });
    loaded.then(
      (admit) => {
        // Loaded for a memory that is gone: what was parked on it has been refused.
        if (this.#ledger !== ledger || this.#state !== 'ready') return;
        admit();
        this.#unpark(book);
        this.turnEnded();
      },
      (error: Error) => {
        this.#options.onError(error, 'loading what a command needs');
        if (this.#ledger === ledger) this.#failParked(book);
      },
    );
  }

  /** What stands in the log of memory may not stand in the database yet: it is read when it does. */
  #whenCommitted(position: Position): Promise<void> {
    if (position <= this.#committed) return Promise.resolve();
    return new Promise((resolve) => this.#uncommitted.push({ position, resolve }));
  }

  /** Starts a load ahead of its turn, so that a queue of actions waits for one round trip and not for one each. */
  #prefetch(parent: Position): void {
    if (parent > this.#committed || this.#mustLedger().transactionView(parent) !== null) return;
    void this.#loader.parent(parent).catch(() => undefined);
  }

  #unpark(book: number): void {
    for (let parked = this.#parking.head(book); parked !== undefined; parked = this.#parking.head(book)) {
      const { bytes, link } = parked;
      const view = viewOf(bytes);
      const wants = this.#decide(link, this.#decoder.decode(bytes, view, 0, bytes.length));
      if (wants !== null) {
        this.#loadFor(book, wants);
        return;
      }
      this.#parking.shift(book);
    }
  }

  #failParked(book: number): void {
    for (let parked = this.#parking.head(book); parked !== undefined; parked = this.#parking.head(book)) {
      this.#parking.shift(book);
      this.#refuse(parked.link, requestIdOf(viewOf(parked.bytes), 0), 'shard_unavailable');
    }
    this.#flushNow();
  }

  #expire(): void {
    const ledger = this.#mustLedger();
    const due = ledger.nextExpiry();
    if (due === 0) return;
    const now = this.#options.clock.now();
    if (now === 'disagrees') return;
    if (due <= now && !this.#gatheringFull()) ledger.expireDue(now, EXPIRIES_A_TURN, this.#gathering.encoder);
    const next = ledger.nextExpiry();
    if (next === 0 || this.#expiryTimer !== null) return;
    const sleepMs = Math.min(EXPIRY_SLEEP_MAX_MS, Math.max(1, Math.ceil((next - now) / 1000)));
    this.#expiryTimer = setTimeout(() => {
      this.#expiryTimer = null;
      this.turnEnded();
    }, sleepMs);
  }

  async #commitLoop(): Promise<void> {
    while (this.#state === 'ready' && this.#gathering.encoder.records > 0) {
      const batch = this.#gathering;
      this.#gathering = this.#spare;
      this.#inFlight = batch;
      batch.encoder.chainHash = this.#mustLedger().chainHash;
      const result = await this.#store.commit(batch.encoder);
      this.counts.commits++;
      if (result.type === 'committed') this.#acknowledge(batch);
      else if (!(await this.#recoverFrom(result.type, batch, result.error))) return;
      this.#takeWaiting();
      this.#expire();
    }
    // Answers that needed no commit of their own may have gathered meanwhile.
    this.#flushNow();
  }

  #acknowledge(batch: Batch): void {
    this.#committed = batch.encoder.last;
    this.counts.records += batch.encoder.records;
    this.#inFlight = null;
    batch.deliver();
    batch.clear();
    this.#spare = batch;
    const ledger = this.#mustLedger();
    ledger.evictParents(this.#committed, EVICT_A_BATCH);
    this.#keyIndexer?.catchUp(this.#committed, ledger.lastRecordedAt);
    this.#options.onCommitted(this.#committed);
    this.#wake(this.#committed);
  }

  #wake(committed: Position): void {
    const due = this.#uncommitted.filter(({ position }) => position <= committed);
    if (due.length === 0) return;
    this.#uncommitted = this.#uncommitted.filter(({ position }) => position > committed);
    for (const { resolve } of due) resolve();
  }

  /** After a commit that was not acknowledged. @returns false when the shard has stopped */
  async #recoverFrom(how: 'failed' | 'ambiguous' | 'fenced', batch: Batch, error: Error): Promise<boolean> {
    this.counts[how === 'failed' ? 'failed' : 'ambiguous']++;
    this.#options.onError(error, how === 'failed' ? 'committing a batch' : 'committing a batch, outcome not known');
    this.#become('resolving', error);
    this.#refuseAll(batch, how === 'ambiguous' ? 'outcome_unknown' : 'shard_unavailable');
    this.#refuseAll(this.#gathering, how === 'ambiguous' ? 'outcome_unknown' : 'shard_unavailable');
    this.#refuseParked();
    this.#flushNow();
    if (how === 'fenced') {
      this.#become('stopped', error);
      return false;
    }
    try {
      await this.#settle(batch, how);
    } catch (stop) {
      this.#become('stopped', stop as Error);
      return false;
    }
    this.#become('ready', null);
    return true;
  }

  /** Another owner has the fence and this one had nothing to commit. Where it has, the commit says so. */
  #overtaken(epoch: number): void {
    if (this.#state !== 'ready' || this.#commits !== null || this.#gathering.encoder.records > 0) return;
    this.#watch.stop();
    this.#refuseParked();
    this.#become('stopped', new FencedError(`shard "${this.name}" has another owner since epoch ${epoch}; this one stops`));
  }

  /** Raises the fence, then does what the log says: the batch is there, or is written again, or memory is loaded anew. */
  async #settle(batch: Batch, how: 'failed' | 'ambiguous'): Promise<void> {
    for (;;) {
      const { head } = await this.#store.resolve();
      if (head >= batch.encoder.last) return this.#acknowledge(batch);
      if (how === 'failed') return this.#loadAnew(batch);
      // Not there for certain, and nobody was told that it was: the same records go in again under the new epoch.
      const result = await this.#store.commit(batch.encoder);
      if (result.type === 'committed') return this.#acknowledge(batch);
      this.#options.onError(result.error, 'committing a batch again');
      if (result.type === 'fenced') throw result.error;
      how = result.type;
    }
  }

  /** A batch that the database refuses goes, and with it all that was applied on top of it. */
  async #loadAnew(batch: Batch): Promise<void> {
    this.#inFlight = null;
    batch.clear();
    this.#gathering.clear();
    this.#spare = batch;
    // Who waits for a record that is gone finds its memory gone too.
    this.#wake(Number.MAX_SAFE_INTEGER);
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 2000)) {
      try {
        return await this.#load();
      } catch (error) {
        this.#options.onError(error as Error, 'loading the shard anew');
        await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
      }
    }
  }

  #takeWaiting(): void {
    let taken = 0;
    for (; taken < this.#waiting.length && !this.#gatheringFull(); taken++) {
      const next = this.#waiting[taken];
      if (next === undefined) break;
      const { bytes, link } = next;
      const view = viewOf(bytes);
      this.#take(link, this.#decoder.decode(bytes, view, 0, bytes.length), bytes, 0, bytes.length);
    }
    if (taken > 0) this.#waiting.splice(0, taken);
  }

  #refuseParked(): void {
    for (const parked of [...this.#parking.takeAll(), ...this.#waiting.splice(0)]) {
      this.#refuse(parked.link, requestIdOf(viewOf(parked.bytes), 0), 'shard_unavailable');
    }
  }

  #refuseAll(batch: Batch, code: ErrorCode): void {
    for (const { link, requestId } of batch.takeWaiting()) this.#refuse(link, requestId, code);
  }

  #refuseBytes(link: FrontLink, view: DataView, offset: number, code: ErrorCode): void {
    this.#refuse(link, requestIdOf(view, offset), code);
  }

  /** Depends on no state, so it goes out at once. */
  #refuse(link: FrontLink, requestId: number, code: ErrorCode): void {
    const outbox = link.takeOutbox();
    writeUnavailable(outbox, requestId, code, RETRY_AFTER_SECONDS);
    link.deliver(outbox);
  }

  #flushNow(): void {
    if (this.#gathering.encoder.records === 0) this.#gathering.deliver();
  }

  #become(state: ShardState, error: Error | null): void {
    this.#state = state;
    this.#options.onState(state, error);
  }

  #recordTime(): Micros {
    const now = this.#options.clock.now();
    if (now === 'disagrees') throw new Error('the clock moved while the shard was loaded');
    return now;
  }

  #mustLedger(): Ledger {
    if (this.#ledger === null) throw new Error(`shard ${this.name} is used before it has started`);
    return this.#ledger;
  }
}
