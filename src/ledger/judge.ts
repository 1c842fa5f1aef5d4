/**
 * Judges what a new posting, hold, increment or reversal would do to its accounts: overflow first, then limits, on the
 * end state of the whole transaction, and only where it makes an account worse.
 */
import { AccountFlags, Counter } from './accounts.js';
import { DistinctAccounts } from './distinct.js';
import { isNegative, isZero, wordsOf } from './int64.js';
import { LEGS_MAX, type LogRecord } from './record.js';
import { type Refusal, refusal } from './refusal.js';
import type { LedgerState } from './state.js';

const ACCOUNTS_MAX = LEGS_MAX * 2;
const NOWHERE = 255;

/** Sides of a leg; also the index of a side's posted counter. */
const DEBIT = Counter.debitsPosted;
const CREDIT = Counter.creditsPosted;

export class Judge {
  readonly #state: LedgerState;
  readonly #touched = new DistinctAccounts();
  /** What the record adds, by account and side: index · 2 + side. */
  readonly #adds = new BigInt64Array(ACCOUNTS_MAX * 2);
  readonly #addsWords = wordsOf(this.#adds);
  /** The leg at which an account first stands on a side, by index · 2 + side. */
  readonly #firstLeg = new Uint8Array(ACCOUNTS_MAX * 2);
  /** Working place: compared by sign, so that no BigInt is made. */
  readonly #value = new BigInt64Array(2);
  readonly #valueWords = wordsOf(this.#value);

  constructor(state: LedgerState) {
    this.#state = state;
  }

  /**
   * @param record with its legs; nothing else of it is read
   * @param holds whether the legs are held rather than posted
   * @param limits false with `force`: overflow is judged all the same
   */
  judge(record: LogRecord, holds: boolean, limits: boolean): Refusal | null {
    if (record.legCount === 1 && limits && this.#isPlainlyFine(record)) return null;
    this.#touched.clear();
    for (let leg = 0; leg < record.legCount; leg++) {
      if (!this.#add(record.debit[leg] as number, DEBIT, record, leg)) return this.#overflow(record, leg, DEBIT);
      if (!this.#add(record.credit[leg] as number, CREDIT, record, leg)) return this.#overflow(record, leg, CREDIT);
    }
    return limits ? this.#judgeLimits(holds) : null;
  }

  /**
   * Most records have one leg, between accounts with no limits but the usual ones, and break none: that is seen without
   * gathering what is added by account. False: not so, or not known yet.
   */
  #isPlainlyFine(record: LogRecord): boolean {
    const debit = record.debit[0] as number;
    const credit = record.credit[0] as number;
    return debit !== credit && this.#movesPlainly(debit, DEBIT, record) && this.#movesPlainly(credit, CREDIT, record);
  }

  /** Of an account that only this leg moves. */
  #movesPlainly(account: number, side: 0 | 1, record: LogRecord): boolean {
    const { accounts } = this.#state;
    const counters = accounts.counters(account);
    const from = accounts.counterIndex(account);
    const { amount } = record;
    const value = this.#value;
    value[0] = BigInt.asIntN(
      64,
      BigInt.asIntN(64, (counters[from + side] as bigint) + (counters[from + side + 2] as bigint)) +
        (amount[0] as bigint),
    );
    if (isNegative(this.#valueWords, 0)) return false;
    const flags = accounts.flags(account);
    const up = (flags & AccountFlags.debitNormal) === 0 ? CREDIT : DEBIT;
    if (side === up) return (flags & AccountFlags.maxSet) === 0;
    if ((flags & AccountFlags.minNone) !== 0) return true;
    if ((flags & AccountFlags.special) !== 0) return false;
    value[0] = BigInt.asIntN(64, (counters[from + up] as bigint) - (counters[from + side] as bigint));
    value[0] = BigInt.asIntN(64, (value[0] as bigint) - (counters[from + side + 2] as bigint));
    value[0] = BigInt.asIntN(64, (value[0] as bigint) - (amount[0] as bigint));
    return !isNegative(this.#valueWords, 0);
  }

  /** False where posted + pending + what is added would pass 2^63−1. */
  #add(account: number, side: 0 | 1, record: LogRecord, leg: number): boolean {
    const touched = this.#touched;
    const isNew = touched.add(account);
    const at = touched.index * 2;
    const adds = this.#adds;
    if (isNew) {
      adds[at] = 0n;
      adds[at + 1] = 0n;
      this.#firstLeg[at] = NOWHERE;
      this.#firstLeg[at + 1] = NOWHERE;
    }
    if (this.#firstLeg[at + side] === NOWHERE) this.#firstLeg[at + side] = leg;
    adds[at + side] = BigInt.asIntN(64, (adds[at + side] as bigint) + (record.amount[leg] as bigint));
    const counters = this.#state.accounts.counters(account);
    const from = this.#state.accounts.counterIndex(account) + side;
    // Each term is below 2^63 and their sum without this leg is too: a sum that wraps is negative.
    this.#value[0] = BigInt.asIntN(
      64,
      BigInt.asIntN(64, (counters[from] as bigint) + (counters[from + 2] as bigint)) + (adds[at + side] as bigint),
    );
    return !isNegative(this.#valueWords, 0);
  }

  #overflow(record: LogRecord, leg: number, side: 0 | 1): Refusal {
    const account = (side === DEBIT ? record.debit[leg] : record.credit[leg]) as number;
    return refusal('amount_overflow', { param: `/legs/${leg}/amount`, account: this.#state.accounts.name(account) });
  }

  #judgeLimits(holds: boolean): Refusal | null {
    const touched = this.#touched;
    // Places are leg · 2 + side: the first place wins, and funds come before upper limits.
    let fundsAt = Number.POSITIVE_INFINITY;
    let fundsOf = 0;
    let limitAt = Number.POSITIVE_INFINITY;
    let limitOf = 0;
    for (let index = 0; index < touched.count; index++) {
      const account = touched.accounts[index] as number;
      const flags = this.#state.accounts.flags(account);
      const up = (flags & AccountFlags.debitNormal) === 0 ? CREDIT : DEBIT;
      if ((flags & AccountFlags.minNone) === 0 && this.#breaksMin(index, account, flags, up, holds)) {
        const place = (this.#firstLeg[index * 2 + 1 - up] as number) * 2 + 1 - up;
        if (place < fundsAt) [fundsAt, fundsOf] = [place, account];
      }
      if ((flags & AccountFlags.maxSet) !== 0 && this.#breaksMax(index, account, up, holds)) {
        const place = (this.#firstLeg[index * 2 + up] as number) * 2 + up;
        if (place < limitAt) [limitAt, limitOf] = [place, account];
      }
    }
    if (fundsOf !== 0) return this.#insufficientFunds(fundsAt, fundsOf);
    if (limitOf !== 0) return this.#limitExceeded(limitAt, limitOf);
    return null;
  }

  /** Where it lowers `available`: whether that is below min_balance after. */
  #breaksMin(index: number, account: number, flags: number, up: 0 | 1, holds: boolean): boolean {
    const adds = this.#adds;
    const down = 1 - up;
    const value = this.#value;
    if (isZero(this.#addsWords, index * 2 + down)) return false;
    value[1] = holds ? 0n : (adds[index * 2 + up] as bigint);
    value[0] = BigInt.asIntN(64, (value[1] as bigint) - (adds[index * 2 + down] as bigint));
    if (!isNegative(this.#valueWords, 0)) return false;
    const counters = this.#state.accounts.counters(account);
    const from = this.#state.accounts.counterIndex(account);
    // All of these stay within 64 bits: counters are not negative, and each side's sum is below 2^63.
    value[0] = BigInt.asIntN(64, (value[0] as bigint) + (counters[from + up] as bigint));
    value[0] = BigInt.asIntN(64, (value[0] as bigint) - (counters[from + down] as bigint));
    value[0] = BigInt.asIntN(64, (value[0] as bigint) - (counters[from + down + 2] as bigint));
    if ((flags & AccountFlags.special) === 0) return isNegative(this.#valueWords, 0);
    return (value[0] as bigint) < (this.#state.accounts.minBalance(account) as bigint);
  }

  /** Where it raises `posted` + `pending_in`: whether that sum is above max_balance after. Rare, so plain bigints. */
  #breaksMax(index: number, account: number, up: 0 | 1, holds: boolean): boolean {
    const added = this.#adds[index * 2 + up] as bigint;
    const raise = holds ? added : added - (this.#adds[index * 2 + 1 - up] as bigint);
    if (raise <= 0n) return false;
    const { accounts } = this.#state;
    return accounts.posted(account) + accounts.pendingIn(account) + raise > (accounts.maxBalance(account) as bigint);
  }

  #insufficientFunds(place: number, account: number): Refusal {
    const { accounts } = this.#state;
    return refusal('insufficient_funds', {
      param: `/legs/${place >> 1}/${(place & 1) === DEBIT ? 'debit' : 'credit'}`,
      account: accounts.name(account),
      available: accounts.available(account).toString(),
      min_balance: String(accounts.minBalance(account)),
    });
  }

  #limitExceeded(place: number, account: number): Refusal {
    const { accounts } = this.#state;
    return refusal('balance_limit_exceeded', {
      param: `/legs/${place >> 1}/${(place & 1) === DEBIT ? 'debit' : 'credit'}`,
      account: accounts.name(account),
      posted: accounts.posted(account).toString(),
      pending_in: accounts.pendingIn(account).toString(),
      max_balance: String(accounts.maxBalance(account)),
    });
  }
}
