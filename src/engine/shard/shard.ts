/**
 * One shard and its single writer: applies commands in the order in which they come, gathers their records while the
 * previous commit is in flight, and answers when the records are committed.
 *
 * States: `starting` (recovering) → `ready` → `resolving` (a commit's outcome is not known, a batch waits until its database
 * is back, or the shard is loaded anew) → `ready`, or `stopped` (another owner holds the fence, which is never taken back by
 * itself; or the log is not what was committed, which an operator has to look at). Only `ready` takes commands; in the others
 * they are refused with 503 and nothing of them is done. From `ready` it is `stalled` while a commit takes much longer than
 * commits do: those who are in it wait, the others are told at once.
 */

import type { LedgerSettings } from '../../ledger/command.js';
import type { ErrorCode } from '../../ledger/errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Micros, Position } from '../../ledger/record.js';
import type { Breaker } from '../../platform/breaker.js';
import type { ShardClock } from '../../platform/time.js';
import { FencedError } from '../../store/errors.js';
import type { CommitResult, ShardStore } from '../../store/shard-store.js';
import { requestIdOf } from '../wire/head.js';
import { writeUnavailable } from './answer-writer.js';
import type { Batch } from './batch.js';
import { Batches } from './batches.js';
import { CommitWatch } from './commit-watch.js';
import { DatabaseWatch, type Sight } from './database-watch.js';
import type { Merchants } from './deciding.js';
import { Deciding } from './deciding.js';
import { Expiry } from './expiry.js';
import { FoldPace } from './fold-pace.js';
import type { FrontLink } from './front-link.js';
import { KeyIndexer } from './key-indexer.js';
import { Loader } from './loader.js';
import { ParkedCommands, viewOf } from './parked-commands.js';
import { recoverLedger } from './recover.js';
import { foreseePost, RequestDecoder } from './request.js';
import { Rest } from './rest.js';
import { restAfter, settle, untilItSucceeds } from './settle.js';
import type { ShardBounds, ShardState, ShardStatus } from './status.js';
import { NOTHING_COUNTED } from './status.js';
import type { OnWaiting } from './waiting-commands.js';
import { WaitingCommands } from './waiting-commands.js';

export interface ShardOptions {
  readonly name: string;
  readonly store: ShardStore;
  readonly clock: ShardClock;
  readonly bounds: ShardBounds;
  readonly settings: LedgerSettings;
  readonly takeOver: boolean;
  /** Told of every attempt to reach a database that is away. */
  readonly breaker: Breaker;
  readonly merchants: Merchants;
  readonly onState: (state: ShardState, error: Error | null) => void;
  /** While it is busy, commands may wait where they are; once it is not, they are brought at once. */
  readonly onBusy: (busy: boolean) => void;
  /** Whether others have work for the processor while this one rests between two commits; if not given, they have not. */
  readonly mayRest?: () => boolean;
  /** Whether another one is in the middle of a commit; if not given, one is. */
  readonly othersCommit?: () => boolean;
  readonly onCommitted: (position: Position) => void;
  readonly onError: (error: Error, doing: string) => void;
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Transactions that leave memory at once, at least; where more are closed by a batch, twice as many as it has records. */
const EVICTED_AT_ONCE = 1024;
/** Holds that have lapsed and have no record of it, beyond which commands wait until they have. */
const LAPSED_MAX = 4096;
const RETRY_AFTER_SECONDS = 1;
/** µs between this machine's clock and the database's, at most, for the shard to start. */
const CLOCKS_APART_MAX = 5_000_000;
export class Shard {
  readonly name: string;
  readonly #options: ShardOptions;
  readonly #store: ShardStore;
  readonly #decoder = new RequestDecoder();
  readonly #batches: Batches;
  readonly #deciding: Deciding;
  readonly #parked: ParkedCommands;
  readonly #waiting = new WaitingCommands();
  readonly #loader: Loader;
  readonly #watch: DatabaseWatch;
  readonly #foldPace: FoldPace;
  readonly #commitWatch = new CommitWatch((forMs) => this.#stalls(forMs));
  readonly #rest = new Rest();
  readonly #expiry = new Expiry(() => this.turnEnded());
  #keyIndexer: KeyIndexer | null = null;
  #ledger: Ledger | null = null;
  #state: ShardState = 'starting';
  #commits: Promise<void> | null = null;
  #committed: Position = 0;
  #closing = false;
  #drained = false;
  /** Batches that the database refused since it last took one. */
  #refusedInARow = 0;
  /** The clock as it was first read in this turn of the event loop: one reading serves all of its commands. null: not read. */
  #turnTime: Micros | 'disagrees' | null = null;
  /** Whether there was more to let lapse then than a command may find. */
  #behind = false;
  /** Counts since the start, for the operator. */
  readonly #counts = { commits: 0, records: 0, ambiguous: 0, failed: 0 };

  constructor(options: ShardOptions) {
    this.name = options.name;
    this.#options = options;
    this.#store = options.store;
    this.#batches = new Batches(() => options.store.encoder(), options.bounds);
    this.#deciding = new Deciding({
      batches: this.#batches,
      clock: options.clock,
      merchants: options.merchants,
      refuse: (link, requestId, code) => this.#refuse(link, requestId, code),
    });
    this.#loader = new Loader(options.store);
    this.#parked = new ParkedCommands({
      max: options.bounds.parkedMax,
      loader: this.#loader,
      ledger: () => (this.#state === 'ready' ? this.#ledger : null),
      decide: (link, bytes) =>
        this.#deciding.decide(
          this.#mustLedger(),
          link,
          this.#decoder.decode(bytes, viewOf(bytes), 0, bytes.length),
          options.clock.now(),
        ),
      refuse: (link, requestId, code) => this.#refuse(link, requestId, code),
      onProgress: () => {
        // Dry runs load transactions too, and no commit follows them.
        this.#mustLedger().evictParents(this.#committed, EVICTED_AT_ONCE);
        this.turnEnded();
      },
      onError: (error) => options.onError(error, 'loading what a command needs'),
    });
    this.#watch = new DatabaseWatch(options.store, (sight) => this.#saw(sight));
    this.#foldPace = new FoldPace(options.bounds.foldLagMax, (records) =>
      options.onError(
        new Error(`the folds are ${records} records behind: commits slow down`),
        'keeping the folds close',
      ),
    );
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
    const { commits, records, ambiguous, failed } = this.#counts;
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
      parked: this.#parked.size + this.#waiting.count,
      accounts: ledger?.accountCount ?? 0,
      keys: ledger?.keys.count ?? 0,
      keysMax: ledger?.keys.max ?? 0,
      openHolds: ledger?.openHoldCount ?? 0,
      quickestCommitMs: this.#commitWatch.quickestMs,
      foldRestMs: this.#foldPace.lastMs,
      foldRestedMs: this.#foldPace.allMs,
      attempts: this.#options.breaker.attempts,
      clockAgrees: this.#options.clock.now() !== 'disagrees',
      nextAttemptAt: this.#options.breaker.nextAttemptAt,
    };
  }

  static statusBeforeStart(name: string, { attempts, nextAttemptAt }: Breaker): Omit<ShardStatus, 'shard'> {
    return { ...NOTHING_COUNTED, name, state: 'starting', attempts, nextAttemptAt };
  }

  async #load(): Promise<void> {
    await this.#keyIndexer?.close();
    const ledger = await recoverLedger(this.#store, this.#options.settings);
    this.#ledger = ledger;
    this.#committed = ledger.head;
    this.#parked.committed(ledger.head);
    this.#keyIndexer = new KeyIndexer(this.#store.sql, ledger.keys, {
      partitionRecords: this.#store.partitionRecords,
      residentKeysMax: this.#options.bounds.residentKeysMax,
      onError: (error) => this.#options.onError(error, 'indexing the keys of a partition'),
    });
    ledger.apply({ type: 'configure', settings: this.#options.settings }, this.#recordTime(), this.#batches.encoder);
    this.#keyIndexer.catchUp(this.#committed, ledger.lastRecordedAt);
  }

  /** A command that is submitted soon, so that what it reads can be fetched before: see {@link fetchForeseen}. */
  foresee(bytes: Uint8Array, view: DataView, offset: number): void {
    if (this.#state === 'ready' && this.#ledger !== null) foreseePost(bytes, view, offset, this.#ledger.foresight);
  }

  /** Fetches what the foreseen commands read, all of it together. */
  fetchForeseen(): void {
    this.#ledger?.foresight.fetch();
  }

  /** A command from a front; the bytes are valid during the call only. */
  submit(link: FrontLink, bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    if (this.#state !== 'ready' || this.#closing) {
      this.#refuseBytes(link, view, offset, this.#closing ? 'draining' : 'shard_unavailable');
      return;
    }
    if (this.#waiting.count === 0 && !this.#batches.isFull && !this.#isBehindWithExpiries())
      this.#take(link, bytes, view, offset, length);
    else if (this.#waiting.count < this.#options.bounds.parkedMax)
      this.#waiting.push(link, bytes, view, offset, length);
    else this.#refuseBytes(link, view, offset, 'overloaded');
  }

  /** After a turn's commands: writes due expiries and starts a commit where none is in flight. */
  turnEnded(): void {
    this.#turnTime = null;
    if (this.#state !== 'ready' || this.#drained) return;
    this.#expire();
    this.#rest.look(this.#batches.isFull ? Number.MAX_SAFE_INTEGER : this.#batches.records, this.#othersCommit());
    if (this.#commits !== null) return;
    if (this.#batches.records === 0) this.#batches.deliverIfNothingGathers();
    else this.#commits = this.#commitLoop();
  }

  /** While it rests for the folds it leaves the processor to others, and is not who they may wait for. */
  get isBusy(): boolean {
    return this.#commits !== null && !this.#foldPace.isResting;
  }

  get isCommitting(): boolean {
    return this.#batches.isCommitting;
  }

  /** Takes no more commands; resolves when all that was taken is committed and answered, or cannot be. */
  async drain(): Promise<void> {
    this.#foldPace.hurry();
    // Commands that wait for a load or for room were taken: they are finished before the door closes behind them.
    while (this.#state === 'ready' && (this.#waiting.count > 0 || !this.#parked.idle || this.#commits !== null)) {
      this.turnEnded();
      await (this.#commits ?? this.#loader.settled());
    }
    this.#closing = true;
    this.#watch.stop();
    this.turnEnded();
    await this.#commits;
    // The store is closed while the last answers are on their way: what lapses from here on is the next owner's.
    this.#drained = true;
    this.#expiry.stop();
    await this.#keyIndexer?.close();
  }

  /**
   * A command writes what has lapsed on all that it touches before itself, in one batch. After hours in which nothing was
   * written that may be any number of holds: they are worked off in bounded batches, and commands wait for that.
   */
  #isBehindWithExpiries(): boolean {
    if (this.#turnTime !== null) return this.#behind;
    this.#turnTime = this.#options.clock.now();
    this.#behind = this.#turnTime !== 'disagrees' && this.#mustLedger().lapsedCount(this.#turnTime) > LAPSED_MAX;
    return this.#behind;
  }

  #take(link: FrontLink, bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    this.#turnTime ??= this.#options.clock.now();
    const request = this.#decoder.decode(bytes, view, offset, length);
    if (this.#parked.blocks(request.book)) {
      this.#parked.queue(link, request, bytes.slice(offset, offset + length));
      return;
    }
    const wants = this.#deciding.decide(this.#mustLedger(), link, request, this.#turnTime);
    if (wants !== null) this.#parked.park(link, request, wants, bytes.slice(offset, offset + length));
  }

  #expire(): void {
    const now = this.#options.clock.now();
    if (now === 'disagrees') this.#expiry.later();
    else if (!this.#batches.isFull) this.#expiry.run(this.#mustLedger(), now, this.#batches.encoder);
  }

  async #commitLoop(): Promise<void> {
    try {
      while (this.#state === 'ready' && this.#batches.records > 0) {
        const rest = this.#foldPace.rest();
        if (rest !== null) {
          this.#options.onBusy(false);
          await rest;
        }
        this.#options.onBusy(true);
        if (!(await this.#commitOne())) return;
        this.#takeWaiting();
        this.#expire();
        this.#options.onBusy(false);
        await this.#restABit();
      }
    } finally {
      // At once and not when somebody hears of this end: what comes in between would wait for nobody.
      this.#commits = null;
      this.#batches.deliverIfNothingGathers();
      this.#options.onBusy(false);
    }
  }

  #othersCommit(): boolean {
    return this.#options.othersCommit?.() ?? true;
  }

  /** The clients just answered may ask again: larger batches, fewer commits. */
  async #restABit(): Promise<void> {
    const rest = this.#rest.begin(this.#batches.records, this.#othersCommit());
    if (rest === null) {
      await turnOfTheLoop();
      return;
    }
    this.#options.onBusy(true);
    await rest;
  }

  /** @returns false when the shard has stopped */
  async #commitOne(): Promise<boolean> {
    const batch = this.#batches.depart();
    batch.encoder.chainHash = this.#mustLedger().chainHash;
    this.#foldPace.begins(batch.encoder.records, batch.encoder.last);
    this.#batches.limit(this.#foldPace.recordsMax);
    this.#commitWatch.begin();
    const result = await this.#store.commit(batch.encoder);
    this.#commitWatch.end(result.type === 'committed');
    this.#counts.commits++;
    if (result.type !== 'committed') return this.#recoverFrom(result.type, batch, result.error);
    this.#refusedInARow = 0;
    if (this.#options.mayRest?.() === true) batch.expectAnswered(this.#rest);
    this.#acknowledge(batch);
    if (this.#state === 'stalled') this.#become('ready', null);
    return true;
  }

  /** Nothing was done of what waits, here or in the rings: it is refused. */
  #stalls(forMs: number): void {
    this.#become('stalled', new Error(`a COMMIT has not ended after ${forMs} ms`));
    this.#refuseParked();
    this.#options.onBusy(false);
  }

  #acknowledge(batch: Batch): void {
    this.#committed = batch.encoder.last;
    this.#counts.records += batch.encoder.records;
    this.#batches.arrive(batch);
    const ledger = this.#mustLedger();
    ledger.evictParents(this.#committed, Math.max(EVICTED_AT_ONCE, 2 * batch.encoder.records));
    this.#keyIndexer?.catchUp(this.#committed, ledger.lastRecordedAt);
    this.#options.onCommitted(this.#committed);
    this.#parked.committed(this.#committed);
  }

  /** After a commit that was not acknowledged. @returns false when the shard has stopped */
  async #recoverFrom(how: Exclude<CommitResult['type'], 'committed'>, batch: Batch, error: Error): Promise<boolean> {
    const isNotThere = how === 'failed' || how === 'unsent';
    this.#counts[isNotThere ? 'failed' : 'ambiguous']++;
    this.#options.onError(error, isNotThere ? 'committing a batch' : 'committing a batch, outcome not known');
    this.#become('resolving', error);
    // What comes from here on is refused, not kept waiting.
    this.#options.onBusy(false);
    // What was never sent stays, and is written when the database is back: memory need not be loaded anew for it. So
    // nobody may be told that it was not done.
    const code = how === 'ambiguous' || how === 'unsent' ? 'outcome_unknown' : 'shard_unavailable';
    this.#refuseAll(batch, code);
    this.#refuseAll(this.#batches.gathering, code);
    this.#refuseParked();
    this.#batches.deliverIfNothingGathers();
    if (how === 'fenced') {
      this.#become('stopped', error);
      return false;
    }
    try {
      const end = await settle(this.#store, batch, how, this.#options.breaker, (again) => {
        this.#options.onError(again, 'committing a batch again');
      });
      if (end === 'committed') this.#acknowledge(batch);
      else await this.#loadAnew(batch);
    } catch (stop) {
      this.#watch.stop();
      this.#become('stopped', stop as Error);
      return false;
    }
    this.#become('ready', null);
    return true;
  }

  #saw({ epoch, folded }: Sight): void {
    this.#foldPace.saw(folded);
    // Compared now and not before the question: our own raise may have come between.
    if (epoch > this.#store.epoch) this.#overtaken(epoch);
  }

  /** Another owner has the fence and this one had nothing to commit. Where it has, the commit says so. */
  #overtaken(epoch: number): void {
    if (this.#state !== 'ready' || this.#commits !== null || this.#batches.records > 0) return;
    this.#watch.stop();
    this.#refuseParked();
    this.#become(
      'stopped',
      new FencedError(`shard "${this.name}" has another owner since epoch ${epoch}; this one stops`),
    );
  }

  /** A batch that the database refuses goes, and with it all that was applied on top of it. */
  async #loadAnew(batch: Batch): Promise<void> {
    this.#batches.drop(batch);
    await restAfter(this.#refusedInARow++, this.#options.breaker);
    await untilItSucceeds(
      () => this.#load(),
      (error) => this.#options.onError(error, 'loading the shard anew'),
      this.#options.breaker,
    );
  }

  #takeWaiting(): void {
    // They came in earlier turns: the time is read anew for them, and for whoever comes after them.
    this.#turnTime = null;
    while (!this.#batches.isFull && !this.#isBehindWithExpiries() && this.#waiting.take(this.#takeOne));
    this.#turnTime = null;
  }

  readonly #takeOne: OnWaiting = (link, bytes, view, offset, length) => this.#take(link, bytes, view, offset, length);

  #refuseParked(): void {
    this.#parked.refuseAll();
    while (this.#waiting.take(this.#refuseOne));
  }

  readonly #refuseOne: OnWaiting = (link, _bytes, view, offset) =>
    this.#refuseBytes(link, view, offset, 'shard_unavailable');

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

  #become(state: ShardState, error: Error | null): void {
    this.#state = state;
    // The next owner writes what is left of them.
    if (state === 'stopped') void this.#keyIndexer?.close();
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
