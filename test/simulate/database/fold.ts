/**
 * The fold that recovery starts from: books, accounts and open holds as of some batch's end. Slow and plain, and apart
 * from the engine's own, so that the two can disagree.
 */
import type { AccountState, LogRow } from '../history.js';
import { planted } from '../planted.js';
import type { LogTable } from './rows.js';

const KIND = { posted: 1, pending: 2, capture: 3, void: 4, increment: 5, expiry: 6, reversal: 7 };
const ACCOUNT_OPENED = 9;
const ACCOUNT_REOPENED = 12;
const MERCHANT_OPENED = 15;
const CONFIGURED = 16;

interface FoldedBook {
  readonly merchant: string;
  readonly environment: 'test' | 'live';
  sequence: number;
  /** That of sequence n stands at n − 1. */
  readonly positions: number[];
}

/** How the account stood before the first of these records. */
export interface EntryBlock {
  readonly positions: number[];
  readonly version: number;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
}

/** So few that statements of runs have several. */
const BLOCK_RECORDS = 6;

export interface FoldedAccountRow extends AccountState {
  readonly number: number;
  readonly configPosition: number;
  readonly openedPosition: number;
  readonly openedAt: number;
  readonly hasMetadata: boolean;
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class BalancesFold {
  /** Where it stands: always the end of a batch. */
  position = 0;
  readonly books = new Map<number, FoldedBook>();
  /** By number, from 1. */
  readonly accounts: Mutable<FoldedAccountRow>[] = [];
  /** What is left of each leg of transactions that hold money, by position. */
  readonly holds = new Map<number, bigint[]>();
  readonly configured: number[] = [];
  /** Of each account, by number: the records that changed it, in pieces, as statements are read. */
  readonly entries = new Map<number, EntryBlock[]>();
  /** The operator's own, in the order in which they came. */
  readonly currencies: string[] = [];
  readonly #log: LogTable;

  constructor(log: LogTable) {
    this.#log = log;
  }

  /** Reads on over at most so many batches, each in a transaction of its own. @returns whether it moved */
  advance(batchesMax: number): boolean {
    const from = this.position;
    for (let batch = 0; batch < batchesMax && this.position < this.#log.head; batch++) {
      const next = this.#log.batches.find(({ prev }) => prev === this.position);
      if (next === undefined) break;
      for (let position = this.position + 1; position <= next.last; position++) {
        if (planted('fold_skips_one') && position % 97 === 0) continue;
        this.#fold(this.#log.row(position) as LogRow); // the batch is there as a whole
      }
      this.position = next.last;
    }
    return this.position > from;
  }

  #fold(row: LogRow): void {
    if (row.kind === MERCHANT_OPENED) {
      const { merchant, environment } = JSON.parse(row.details ?? '{}');
      this.books.set(row.book, { merchant, environment, sequence: 0, positions: [] });
      return;
    }
    if (row.kind === CONFIGURED) {
      this.configured.push(row.position);
      for (const { code } of JSON.parse(row.details ?? '{}').customCurrencies) {
        if (!this.currencies.includes(code)) this.currencies.push(code);
      }
      return;
    }
    const book = this.books.get(row.book);
    if (book !== undefined) {
      book.sequence = row.sequence;
      book.positions.push(row.position);
    }
    if (row.kind === ACCOUNT_OPENED) this.#open(row);
    else if (row.kind > ACCOUNT_OPENED && row.kind <= ACCOUNT_REOPENED) this.#change(row);
    else if (row.kind >= KIND.posted && row.kind <= KIND.reversal) this.#move(row);
  }

  #open(row: LogRow): void {
    this.accounts[row.account - 1] = {
      number: row.account,
      book: row.book,
      debitsPosted: 0n,
      creditsPosted: 0n,
      debitsPending: 0n,
      creditsPending: 0n,
      version: 0,
      openedPosition: row.position,
      openedAt: row.recordedAt,
      configPosition: row.position,
      ...settingsOf(row),
    };
  }

  #change(row: LogRow): void {
    const account = this.accounts[row.account - 1];
    if (account !== undefined) Object.assign(account, settingsOf(row), { configPosition: row.position });
  }

  #move(row: LogRow): void {
    const touched = new Set<number>();
    const posts = row.kind === KIND.posted || row.kind === KIND.capture || row.kind === KIND.reversal;
    const holds = row.kind === KIND.pending || row.kind === KIND.increment;
    const lets = row.kind === KIND.capture || row.kind === KIND.void || row.kind === KIND.expiry;
    for (const { debit, credit, amount, released } of row.legs) {
      const from = this.accounts[debit - 1];
      const to = this.accounts[credit - 1];
      if (from === undefined || to === undefined) continue;
      for (const account of [from, to]) if (!touched.has(account.number)) this.#enter(account, row.position);
      const held = (holds ? amount : 0n) - (lets ? amount + released : 0n);
      from.debitsPosted += posts ? amount : 0n;
      to.creditsPosted += posts ? amount : 0n;
      from.debitsPending += held;
      to.creditsPending += held;
      touched.add(debit).add(credit);
    }
    for (const number of touched) (this.accounts[number - 1] as Mutable<FoldedAccountRow>).version++; // moved above
    this.#follow(row);
  }

  /** Before the record has done anything to the account. */
  #enter(account: FoldedAccountRow, position: number): void {
    let blocks = this.entries.get(account.number);
    if (blocks === undefined) {
      blocks = [];
      this.entries.set(account.number, blocks);
    }
    const last = blocks.at(-1);
    if (last !== undefined && last.positions.length < BLOCK_RECORDS) {
      last.positions.push(position);
      return;
    }
    const { version, debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
    blocks.push({ positions: [position], version, debitsPosted, creditsPosted, debitsPending, creditsPending });
  }

  /** Which transactions hold money still. */
  #follow(row: LogRow): void {
    if (row.kind === KIND.pending) {
      this.holds.set(
        row.position,
        row.legs.map(({ amount }) => amount),
      );
      return;
    }
    const rest = this.holds.get(row.parent);
    if (rest === undefined || row.kind === KIND.reversal || row.kind === KIND.posted) return;
    for (const { leg, amount, released } of row.legs) {
      rest[leg] = (rest[leg] ?? 0n) + (row.kind === KIND.increment ? amount : -(amount + released));
    }
    if (rest.every((left) => left === 0n)) this.holds.delete(row.parent);
  }
}

const limit = (text: string | null): bigint | null => (text === null ? null : BigInt(text));

function settingsOf(row: LogRow) {
  const details = JSON.parse(row.details ?? '{}');
  return {
    name: details.name as string,
    currency: details.currency as number,
    normalBalance: details.normal_balance as 'credit' | 'debit',
    minBalance: limit(details.min_balance),
    maxBalance: limit(details.max_balance),
    configVersion: details.config_version as number,
    open: details.open as boolean,
    hasMetadata: details.metadata !== null,
  };
}
