/** Applies commands to the ledger, and has each answer wait for the commit of what it saw. */
import type { ErrorCode } from '../../ledger/errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Micros } from '../../ledger/record.js';
import type { ShardClock } from '../../platform/time.js';
import type { ReadAccountRequest, ReadHeadRequest } from '../wire/messages.js';
import { AnswerWriter } from './answer-writer.js';
import type { Batches } from './batches.js';
import type { FrontLink } from './front-link.js';
import type { Wants } from './parked-commands.js';
import type { DecodedRequest } from './request.js';

/** The merchants that the control log knows, by book. */
export type Merchants = Pick<
  ReadonlyMap<number, { readonly merchant: string; readonly environment: 'test' | 'live' }>,
  'get'
>;

export interface DecidingOptions {
  readonly batches: Batches;
  readonly clock: ShardClock;
  readonly merchants: Merchants;
  readonly refuse: (link: FrontLink, requestId: number, code: ErrorCode) => void;
}

export class Deciding {
  readonly #options: DecidingOptions;
  readonly #batches: Batches;
  readonly #answers = new AnswerWriter();

  constructor(options: DecidingOptions) {
    this.#options = options;
    this.#batches = options.batches;
  }

  /** @returns what must be loaded first, or null when the command is done */
  decide(ledger: Ledger, link: FrontLink, request: DecodedRequest, now: Micros | 'disagrees'): Wants | null {
    const command = request.what;
    if (command.type === 'read_account' || command.type === 'read_head') {
      this.#read(ledger, link, request, command);
      return null;
    }
    if (now === 'disagrees') {
      this.#options.refuse(link, request.requestId, 'clock_disagrees');
      return null;
    }
    if (!ledger.hasBook(request.book)) this.#openMerchant(ledger, request.book, now);
    const batches = this.#batches;
    const outcome = ledger.apply(command, now, this.#answers.sinkFor(command, batches.encoder));
    switch (outcome.type) {
      case 'recorded':
        this.#answers.recorded(batches.gathering.outbox(link), request, command, outcome, ledger);
        return null;
      case 'answered':
        this.#answers.answered(batches.latestOutbox(link), request, outcome);
        return null;
      case 'replay':
        this.#answers.replay(batches.outboxOf(link, outcome.position), request, command, outcome.position);
        return null;
      case 'load_parent':
        return { parents: outcome.positions };
      case 'load_key':
        return { keyHash: Int32Array.from(command.keyHash) };
    }
  }

  #read(ledger: Ledger, link: FrontLink, request: DecodedRequest, read: ReadAccountRequest | ReadHeadRequest): void {
    if (read.type === 'read_account') this.#expireOn(ledger, request.book, read.account);
    const outbox = this.#batches.latestOutbox(link);
    const { book } = request;
    const sequence = ledger.hasBook(book) ? ledger.bookSequence(book) : 0;
    if (read.type === 'read_head') this.#answers.head(outbox, request, sequence, ledger.lastRecordedAt);
    else this.#answers.account(outbox, request, sequence === 0 ? null : ledger.account(book, read.account), sequence);
  }

  /** What a read shows has not lapsed: what is due is written first, and the answer waits for its commit. */
  #expireOn(ledger: Ledger, book: number, account: string): void {
    if (ledger.nextExpiry() === 0) return;
    const now = this.#options.clock.now();
    if (now !== 'disagrees') ledger.expireOn(book, account, now, this.#batches.encoder);
  }

  #openMerchant(ledger: Ledger, book: number, now: Micros): void {
    const known = this.#options.merchants.get(book);
    if (known === undefined) throw new Error(`a command came for book ${book}, which the control log does not know`);
    ledger.apply({ type: 'open_merchant', book, ...known }, now, this.#batches.encoder);
  }
}
