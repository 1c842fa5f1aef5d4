/**
 * A book-keeper that works by hand: makes random histories that keep every rule, as rows of `log`, and answers by
 * brute force what readers should find in them. It shares no code with the folds.
 */
import type { TransactionStatus } from '../../../src/ledger/view.js';

export interface ModelLeg {
  leg: number;
  debit: number;
  credit: number;
  amount: bigint;
  released: bigint;
}

export interface ModelRecord {
  position: number;
  book: number;
  sequence: number;
  kind: number;
  at: number;
  effective: number | null;
  expires: number | null;
  parent: number | null;
  flags: number;
  code: number;
  legs: ModelLeg[];
  /** Account number of account records. */
  account: number | null;
  details: string | null;
  key: string | null;
  reference: string | null;
  description: string | null;
  metadata: string | null;
  fingerprint: bigint | null;
}

export interface ModelAccount {
  number: number;
  book: number;
  name: string;
  currency: number;
  credit: boolean;
  open: boolean;
  min: bigint | null;
  max: bigint | null;
  config: number;
  configPosition: number;
  openedPosition: number;
  openedAt: number;
  metadata: string | null;
  dp: bigint;
  cp: bigint;
  dh: bigint;
  ch: bigint;
  version: number;
}

interface LegState {
  held: bigint;
  captured: bigint;
  released: bigint;
  reversed: bigint;
}
interface ModelParent {
  record: ModelRecord;
  legs: LegState[];
  lastRelease: number;
}

/** 2026-01-01, µs. */
const START = 1_767_225_600_000_000;
const EUR = 978;
const JPY = 392;

export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Model {
  readonly records: ModelRecord[] = [];
  readonly accounts: ModelAccount[] = [];
  readonly parents = new Map<number, ModelParent>();
  readonly sequences = new Map<number, number>();
  readonly #random: () => number;
  #now = START;

  constructor(
    seed: number,
    readonly books = 3,
  ) {
    this.#random = random(seed);
    this.#append(0, 16, {
      details: JSON.stringify({
        customCurrencies: [
          { code: 'GOLD', exponent: 3 },
          { code: 'MILES', exponent: 0 },
        ],
        keyWindow: 604_800_000_000,
      }),
    });
    for (let book = 1; book <= books; book++) {
      this.#append(book, 15, {
        details: JSON.stringify({ merchant: `shop-${book}`, environment: book % 2 ? 'live' : 'test' }),
      });
    }
  }

  int(below: number): number {
    return Math.floor(this.#random() * below);
  }
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(items.length)];
  }
  get now(): number {
    return this.#now;
  }

  #append(book: number, kind: number, rest: Partial<ModelRecord>): ModelRecord {
    this.#now += this.int(3) === 0 ? 0 : this.int(2_000_000);
    const sequence = book === 0 || kind === 15 ? 0 : (this.sequences.get(book) ?? 0) + 1;
    if (book !== 0) this.sequences.set(book, sequence);
    const record: ModelRecord = {
      position: this.records.length + 1,
      book,
      sequence,
      kind,
      at: this.#now,
      effective: null,
      expires: null,
      parent: null,
      flags: 0,
      code: 0,
      legs: [],
      account: null,
      details: null,
      key: null,
      reference: null,
      description: null,
      metadata: null,
      fingerprint: null,
      ...rest,
    };
    this.records.push(record);
    this.#fold(record);
    return record;
  }

  account(number: number): ModelAccount {
    const account = this.accounts[number - 1];
    if (account === undefined) throw new Error(`no account ${number}`);
    return account;
  }

  #fold(record: ModelRecord): void {
    const touched = new Set<number>();
    for (const leg of record.legs) {
      const posted = [1, 3, 7].includes(record.kind) ? leg.amount : 0n;
      const pending = [2, 5].includes(record.kind)
        ? leg.amount
        : record.kind === 1 || record.kind === 7
          ? 0n
          : -leg.amount - leg.released;
      const debit = this.account(leg.debit);
      const credit = this.account(leg.credit);
      debit.dp += posted;
      debit.dh += pending;
      credit.cp += posted;
      credit.ch += pending;
      touched.add(leg.debit).add(leg.credit);
    }
    for (const number of touched) this.account(number).version++;
    if (record.kind === 1 || record.kind === 2) {
      const legs = record.legs.map((leg) => ({
        held: record.kind === 2 ? leg.amount : 0n,
        captured: 0n,
        released: 0n,
        reversed: 0n,
      }));
      this.parents.set(record.position, { record, legs, lastRelease: 0 });
    }
    const parent = record.kind >= 3 && record.kind <= 7 ? this.parents.get(record.parent ?? 0) : undefined;
    if (parent === undefined) return;
    for (const leg of record.legs) {
      const state = parent.legs[leg.leg] as LegState;
      if (record.kind === 5) state.held += leg.amount;
      else if (record.kind === 7) state.reversed += leg.amount;
      else {
        state.captured += leg.amount;
        state.released += leg.released;
        if (leg.released > 0n) parent.lastRelease = record.kind;
      }
    }
    record.details = JSON.stringify({ parent_state: { status: this.status(parent) } });
  }

  status(parent: ModelParent): TransactionStatus {
    if (parent.record.kind === 1) return 'posted';
    const captured = parent.legs.some((leg) => leg.captured > 0n);
    if (parent.legs.some((leg) => leg.held > leg.captured + leg.released))
      return captured ? 'partially_captured' : 'pending';
    if (captured) return 'captured';
    return parent.lastRelease === 6 ? 'expired' : 'voided';
  }

  #settings(account: ModelAccount): string {
    return JSON.stringify({
      name: account.name,
      currency: account.currency,
      normal_balance: account.credit ? 'credit' : 'debit',
      min_balance: account.min === null ? null : String(account.min),
      max_balance: account.max === null ? null : String(account.max),
      config_version: account.config,
      open: account.open,
      metadata: account.metadata === null ? null : JSON.parse(account.metadata),
    });
  }

  open(book: number, name: string, fields: Partial<ModelAccount> = {}): ModelAccount {
    const account: ModelAccount = {
      number: this.accounts.length + 1,
      book,
      name,
      currency: EUR,
      credit: true,
      open: true,
      min: null,
      max: null,
      config: 1,
      configPosition: this.records.length + 1,
      openedPosition: this.records.length + 1,
      openedAt: 0,
      metadata: null,
      dp: 0n,
      cp: 0n,
      dh: 0n,
      ch: 0n,
      version: 0,
      ...fields,
    };
    this.accounts.push(account);
    account.openedAt = this.#append(book, 9, {
      account: account.number,
      details: this.#settings(account),
      key: `open-${account.number}`,
      fingerprint: 7n,
    }).at;
    return account;
  }

  change(account: ModelAccount, kind: 10 | 11 | 12, fields: Partial<ModelAccount>): void {
    Object.assign(account, fields, { config: account.config + 1, configPosition: this.records.length + 1 });
    this.#append(account.book, kind, { account: account.number, details: this.#settings(account) });
  }

  /** What an account's limits are judged on. */
  #sides(account: ModelAccount): { available: bigint; expected: bigint } {
    const { dp, cp, dh, ch } = account;
    return account.credit
      ? { available: cp - dp - dh, expected: cp - dp + ch }
      : { available: dp - cp - ch, expected: dp - cp + dh };
  }

  /** Appends if no limit is broken by it. */
  transact(book: number, kind: number, legs: ModelLeg[], rest: Partial<ModelRecord> = {}): ModelRecord | null {
    const numbers = new Set(legs.flatMap((leg) => [leg.debit, leg.credit]));
    const forced = kind === 7 && ((rest.flags ?? 0) & 1) === 1;
    if ([1, 2, 5, 7].includes(kind)) {
      for (const number of numbers) {
        const account = this.account(number);
        if (!account.open) return null;
        const before = this.#sides(account);
        const copy = { ...account };
        for (const leg of legs) {
          const isHold = kind === 2 || kind === 5;
          if (leg.debit === number) copy[isHold ? 'dh' : 'dp'] += leg.amount;
          if (leg.credit === number) copy[isHold ? 'ch' : 'cp'] += leg.amount;
        }
        const after = this.#sides(copy);
        if (forced) continue;
        if (after.available < before.available && account.min !== null && after.available < account.min) return null;
        if (after.expected > before.expected && account.max !== null && after.expected > account.max) return null;
      }
    }
    return this.#append(book, kind, { legs, ...rest });
  }

  #texts(): Partial<ModelRecord> {
    const position = this.records.length + 1;
    return {
      key: this.int(2) === 0 ? `key-${position}` : null,
      fingerprint: this.int(2) === 0 ? -12_345_678_901_234n + BigInt(position) : null,
      reference: this.int(3) === 0 ? `order-${this.int(20)}` : null,
      description: this.int(9) === 0 ? 'as agreed – “quoted” 🙂' : null,
      metadata:
        this.int(3) === 0
          ? JSON.stringify({ color: this.pick(['red', 'green']), n: this.int(5), tag: `t"${this.int(3)}` })
          : null,
      effective: this.int(4) === 0 ? this.#now - this.int(400_000_000) : null,
    };
  }

  #legs(book: number): ModelLeg[] {
    const count = this.int(3) === 0 ? 2 + this.int(3) : 1;
    const legs: ModelLeg[] = [];
    for (let leg = 0; leg < count; leg++) {
      const debit = this.pick(this.accounts.filter((account) => account.book === book));
      const credit = this.pick(
        this.accounts.filter(
          (account) => account.book === book && account.currency === debit?.currency && account !== debit,
        ),
      );
      if (debit === undefined || credit === undefined) continue;
      legs.push({
        leg: legs.length,
        debit: debit.number,
        credit: credit.number,
        amount: BigInt(1 + this.int(500)),
        released: 0n,
      });
    }
    return legs;
  }

  /** One random thing that a merchant might do. */
  step(): void {
    const book = 1 + this.int(this.books);
    const dice = this.int(100);
    const mine = this.accounts.filter((account) => account.book === book);
    if (mine.length < 4 || dice < 4) {
      this.open(book, `${this.pick(['customer', 'external', 'fees'])}/${this.accounts.length + 1}`, {
        currency: this.pick([EUR, EUR, EUR, JPY, 1001]) ?? EUR,
        credit: this.int(3) > 0,
        min: this.int(3) === 0 ? 0n : null,
        max: this.int(6) === 0 ? 5_000n : null,
        metadata: this.int(4) === 0 ? '{"level":"gold"}' : null,
      });
      return;
    }
    if (dice < 8) {
      this.#settle(mine);
      return;
    }
    if (dice < 11) {
      this.#append(book, 8, {
        code: 54,
        details: '{"param":"/legs/0"}',
        key: `refused-${this.records.length}`,
        fingerprint: 1n,
        reference: 'order-1',
      });
      return;
    }
    if (dice < 45) {
      const legs = this.#legs(book);
      if (legs.length > 0) this.transact(book, 1, legs, this.#texts());
      return;
    }
    if (dice < 65) {
      const legs = this.#legs(book);
      const { effective: _, ...texts } = this.#texts();
      const expires = this.#now + 20_000_000 + this.int(300_000_000);
      if (legs.length > 0) this.transact(book, 2, legs, { ...texts, expires });
      return;
    }
    this.#act(book, dice);
  }

  #settle(mine: readonly ModelAccount[]): void {
    const closed = this.int(3) === 0 ? mine.find((each) => !each.open) : undefined;
    const account = closed ?? (this.pick(mine) as ModelAccount);
    const { available, expected } = this.#sides(account);
    if (!account.open) this.change(account, 12, { open: true });
    else if (available === 0n && expected === 0n && this.int(2) === 0) this.change(account, 11, { open: false });
    else
      this.change(account, 10, {
        min: this.int(2) === 0 ? null : -100n,
        max: null,
        metadata: this.int(2) === 0 ? null : '{"level": 1}',
      });
  }

  #act(book: number, dice: number): void {
    const own = [...this.parents.values()].filter((parent) => parent.record.book === book);
    const due = own.find((parent) => this.#rest(parent).length > 0 && (parent.record.expires ?? 0) <= this.#now);
    if (due !== undefined) {
      this.#release(due, 6);
      return;
    }
    const parent = this.pick(own.slice(-30));
    if (parent === undefined) return;
    const { position } = parent.record;
    if (dice >= 90) {
      const legs = parent.record.legs.flatMap((leg, index) => {
        const state = parent.legs[index] as LegState;
        const most = (parent.record.kind === 1 ? leg.amount : state.captured) - state.reversed;
        if (most <= 0n) return [];
        return [{ leg: index, debit: leg.credit, credit: leg.debit, amount: this.#part(most), released: 0n }];
      });
      if (legs.length > 0) this.transact(book, 7, legs, { parent: position, flags: this.int(3) === 0 ? 1 : 0 });
      return;
    }
    // Appending moves the clock: what might be due by then is left to expire.
    if (this.#rest(parent).length === 0 || (parent.record.expires ?? 0) <= this.#now + 2_000_000) return;
    if (dice >= 83) {
      this.#release(parent, 4);
      return;
    }
    if (dice >= 78) {
      const legs = this.#rest(parent).map(({ index, leg }) => ({
        ...leg,
        leg: index,
        amount: BigInt(1 + this.int(50)),
        released: 0n,
      }));
      this.transact(book, 5, legs, { parent: position });
      return;
    }
    const final = this.int(3) === 0;
    const legs = this.#rest(parent).map(({ index, leg, rest }) => {
      const amount = this.#part(rest);
      return { leg: index, debit: leg.debit, credit: leg.credit, amount, released: final ? rest - amount : 0n };
    });
    this.transact(book, 3, legs, { parent: position, flags: final ? 2 : 0 });
  }

  #part(most: bigint): bigint {
    return this.int(2) === 0 ? most : BigInt(1 + this.int(Number(most)));
  }

  #rest(parent: ModelParent): { index: number; leg: ModelLeg; rest: bigint }[] {
    return parent.record.legs.flatMap((leg, index) => {
      const state = parent.legs[index] as LegState;
      const rest = state.held - state.captured - state.released;
      return rest > 0n ? [{ index, leg, rest }] : [];
    });
  }

  #release(parent: ModelParent, kind: 4 | 6): void {
    const all = this.#rest(parent);
    const some = kind === 4 && this.int(3) === 0 ? all.slice(0, 1) : all;
    const legs = some.map(({ index, leg, rest }) => ({
      leg: index,
      debit: leg.debit,
      credit: leg.credit,
      amount: 0n,
      released: rest,
    }));
    this.transact(parent.record.book, kind, legs, { parent: parent.record.position });
  }
}
