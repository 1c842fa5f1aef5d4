/** What clients ask for: commands of every kind, over few accounts, so that they meet. */

import type { LegRequest, PostRequest } from '../../../src/engine/wire/messages.js';
import type { PostExtras } from '../../../src/ledger/command.js';
import type { SimulatedCommand } from '../history.js';
import { isWriting } from '../model/decide.js';
import type { Random } from '../random.js';
import { type Currency, EUR, ownCurrency, USD } from './currencies.js';

const CUSTOMERS = [
  'customer/1',
  'customer/2',
  'customer/3',
  'customer/4',
  'customer/5/wallet',
  'fees',
  'merchant/cash',
];
const OUTSIDE = 'external/card';
const SECOND = 10 ** 6;

/** A transaction that a client knows of. */
export interface KnownTransaction {
  readonly position: number;
  readonly legs: number;
}

/** What the clients of one book have been told so far. */
export class Knowledge {
  readonly transactions: KnownTransaction[] = [];

  learn(position: number, legs: number): void {
    this.transactions.push({ position, legs });
    if (this.transactions.length > 60) this.transactions.shift();
  }
}

/** Each currency has accounts of its own: a wrong one is a mistake that clients make rarely. */
const named = (name: string, { currencyCode }: Currency): string =>
  currencyCode === 'EUR' ? name : `${currencyCode.toLowerCase()}/${name}`;

/** What is asked for, by weights. */
const KINDS = [
  [46, 'post'],
  [14, 'hold'],
  [18, 'action'],
  [3, 'open'],
  [4, 'change'],
  [2, 'close'],
  [3, 'batch'],
  [8, 'account'],
  [3, 'head'],
  [2, 'statement'],
  [1, 'list'],
] as const;

export class Commands {
  readonly #random: Random;
  #strays = 0;
  /** How many currencies of the operator's own there are. */
  #own = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * @param now true time, µs since 1970
   * @param own how many currencies of the operator's own there are
   */
  next(known: Knowledge, now: number, own: number): SimulatedCommand {
    this.#own = own;
    switch (this.#random.weighted(KINDS)) {
      case 'post':
        return this.#post(now, false);
      case 'hold':
        return this.#post(now, true);
      case 'action':
        return this.#action(known);
      case 'open':
        return this.#openAccounts();
      case 'change':
        return this.#changeAccount();
      case 'close':
        return { type: this.#random.chance(0.4) ? 'close_account' : 'reopen_account', account: this.#account() };
      case 'batch':
        return this.#atomicBatch(now);
      case 'account':
        return { type: 'read_account', account: this.#account() };
      case 'head':
        return { type: 'read_head' };
      case 'statement':
        return this.#readStatement();
      case 'list':
        return this.#list();
    }
  }

  #readStatement(): SimulatedCommand {
    const random = this.#random;
    const [account, kind] = [this.#account(), random.chance(0.3) ? ('posted' as const) : null];
    return { type: 'read_statement', account, kind, limit: random.pick([1, 5, 20, 100]), fresh: random.chance(0.7) };
  }

  #list(): SimulatedCommand {
    const random = this.#random;
    const prefix = random.pick(['', 'customer/', 'usd/']);
    return { type: 'list_accounts', prefix, limit: random.pick([2, 10, 100]), fresh: random.chance(0.7) };
  }

  /** The same request with another payload, as a client with a bug sends it. */
  otherPayload(command: SimulatedCommand): SimulatedCommand {
    if (command.type !== 'post') return { type: 'post', ...this.#request(0, false, false) };
    return { ...command, reference: `${command.reference ?? ''}!` };
  }

  #currency(): Currency {
    const random = this.#random;
    if (this.#own > 0 && random.chance(0.2)) return ownCurrency(random.between(0, this.#own - 1));
    return random.chance(0.85) ? EUR : USD;
  }

  #account(): string {
    const name = this.#random.chance(0.03) ? OUTSIDE : this.#random.pick(CUSTOMERS);
    return named(name, this.#currency());
  }

  #amount(): number | bigint {
    const { chance, between } = this.#bound;
    if (chance(0.004)) return 2n ** 62n + BigInt(between(0, 1_000));
    return chance(0.1) ? between(1_000, 100_000) : between(1, 400);
  }

  readonly #bound = {
    chance: (probability: number) => this.#random.chance(probability),
    between: (from: number, to: number) => this.#random.between(from, to),
  };

  #leg(): LegRequest {
    const random = this.#random;
    const currency = this.#currency();
    const amount = this.#amount();
    const other = random.chance(0.01) ? (currency === EUR ? USD : EUR) : currency;
    if (random.chance(0.4)) {
      return { debit: named(OUTSIDE, currency), credit: named(random.pick(CUSTOMERS), other), amount, ...currency };
    }
    const debit = random.pick(CUSTOMERS);
    const credit = random.pick(CUSTOMERS.filter((name) => name !== debit));
    return { debit: named(debit, currency), credit: named(credit, other), amount, ...currency };
  }

  #legs(): LegRequest[] {
    const count = this.#random.weighted([
      [400, 1],
      [80, this.#random.between(2, 4)],
      [1, this.#random.between(20, 64)],
    ]);
    return Array.from({ length: count }, () => this.#leg());
  }

  #post(now: number, pending: boolean): SimulatedCommand {
    return { type: 'post', ...this.#request(now, pending, this.#random.chance(0.03)) };
  }

  #request(now: number, pending: boolean, dryRun: boolean): PostRequest {
    const random = this.#random;
    const legs = this.#legs();
    const expiresIn = pending
      ? random.weighted([
          [4, 0],
          [4, random.between(1, 40) * 10_000],
          [2, SECOND],
          [1, random.between(1, 100) * SECOND],
        ])
      : 0;
    return {
      legs,
      pending,
      expiresIn,
      effectiveAt: random.chance(0.05) ? Math.max(0, now - random.between(1, 10 ** 9)) : 0,
      openAccounts: random.chance(0.85),
      dryRun,
      reference: random.chance(0.1) ? `ref ${random.between(1, 9)}` : null,
      description: random.chance(0.03) ? `Zwölf Äpfel — ${'x'.repeat(random.between(0, 300))}` : null,
      metadata: random.chance(0.05) ? `{"n": ${random.between(1, 99)}}` : null,
      extras: random.chance(0.08) ? this.#extras(legs) : null,
    };
  }

  #extras(legs: readonly LegRequest[]): PostExtras {
    const random = this.#random;
    const account = random.pick(legs).debit;
    if (random.chance(0.3)) {
      return { open: { [account]: { min_balance: BigInt(-random.between(0, 500)) }, [named('new', EUR)]: {} } };
    }
    if (random.chance(0.3)) return { if: [{ account, version: random.between(0, 8) }] };
    return { if: [{ account, available: { gte: BigInt(random.between(0, 300)) } }] };
  }

  /** Takes or releases all that is held. */
  actionOn(parent: number): SimulatedCommand {
    return {
      type: this.#random.chance(0.7) ? 'capture' : 'void',
      parent,
      amount: 0n,
      legs: [],
      final: false,
      force: false,
      dryRun: false,
      reference: null,
      description: null,
      metadata: null,
    };
  }

  #action(known: Knowledge): SimulatedCommand {
    const random = this.#random;
    const of = known.transactions.length === 0 ? undefined : random.pick(known.transactions);
    const isStray = of === undefined || random.chance(0.03);
    const parent = isStray ? random.between(1, 60 + this.#strays++) : of.position;
    const type = random.weighted([
      [5, 'capture' as const],
      [3, 'void' as const],
      [2, 'increment' as const],
      [4, 'reverse' as const],
    ]);
    const legs =
      !isStray && of.legs > 1 && random.chance(0.4)
        ? [{ leg: random.between(0, of.legs - 1), amount: BigInt(random.between(1, 300)) }]
        : [];
    const wantsAmount = legs.length === 0 && (type === 'increment' || random.chance(0.4));
    return {
      type,
      parent,
      amount: wantsAmount ? BigInt(random.between(1, 300)) : 0n,
      legs,
      final: type === 'capture' && random.chance(0.2),
      force: type === 'reverse' && random.chance(0.15),
      dryRun: random.chance(0.03),
      reference: null,
      description: null,
      metadata: random.chance(0.05) ? '{"by":"clerk"}' : null,
    };
  }

  #openAccounts(): SimulatedCommand {
    const random = this.#random;
    const count = random.chance(0.5) ? 1 : random.between(2, 5);
    const accounts = Array.from({ length: count }, () => {
      const currency = this.#currency();
      const name = random.chance(0.5) ? random.pick(CUSTOMERS) : `opened/${random.between(1, 12)}`;
      return { name: named(name, currency), currency: currency.currency, ...this.#limits() };
    });
    const distinct = accounts.filter(({ name }, index) => accounts.findIndex((other) => other.name === name) === index);
    return { type: 'open_accounts', accounts: distinct, batch: distinct.length > 1 || random.chance(0.3) };
  }

  #limits(): { min_balance?: bigint | null; max_balance?: bigint | null } {
    const random = this.#random;
    return random.weighted([
      [6, {}],
      [1, { min_balance: null }],
      [2, { min_balance: BigInt(-random.between(0, 1_000)) }],
      [1, { max_balance: BigInt(random.between(0, 5_000)) }],
    ]);
  }

  #changeAccount(): SimulatedCommand {
    const random = this.#random;
    return {
      type: 'change_account',
      account: this.#account(),
      ...(random.chance(0.7) ? this.#limits() : { metadata: random.chance(0.5) ? '{"vip":true}' : null }),
      ...(random.chance(0.2) ? { ifMatch: random.between(1, 4) } : {}),
    };
  }

  #atomicBatch(now: number): SimulatedCommand {
    const random = this.#random;
    const items = Array.from({ length: random.between(1, 4) }, () => this.#request(now, random.chance(0.2), false));
    return { type: 'atomic_batch', items, dryRun: random.chance(0.05) };
  }
}

/** Method, route and path id, as the HTTP side would say. */
export function routeOf(command: SimulatedCommand): string {
  switch (command.type) {
    case 'post':
      return 'POST /v1/transactions';
    case 'capture':
    case 'void':
    case 'increment':
    case 'reverse':
      return `POST /v1/transactions/{id}/${command.type} ${command.parent}`;
    case 'open_accounts':
      return command.batch ? 'POST /v1/accounts/batch' : 'POST /v1/accounts';
    case 'change_account':
      return `PATCH /v1/accounts/{name} ${command.account}`;
    case 'close_account':
    case 'reopen_account':
      return `POST /v1/accounts/{name}/${command.type} ${command.account}`;
    case 'atomic_batch':
      return 'POST /v1/transactions/batch';
    case 'read_account':
    case 'read_head':
    case 'read_statement':
    case 'list_accounts':
      return `GET ${command.type}`;
  }
}

/** Reads and dry runs take no key. */
export const takesKey = (command: SimulatedCommand): boolean =>
  isWriting(command) && !('dryRun' in command && command.dryRun);
