import { describe, expect, test } from 'vitest';
import { currencyByCode } from '../../src/ledger/currency.js';
import { type LogRecord, RecordKind } from '../../src/ledger/record.js';
import { codeOf, factsOf, positionOf, World } from './helpers.js';

const OPEN = { openAccounts: true } as const;

describe('looking up an account', () => {
  test('does not find one that was taken back, nor that of another book, although it was the last one found', () => {
    const world = new World();
    world.apply({ type: 'open_merchant', book: 8, merchant: 'other', environment: 'live' });
    world.move('external/x>a 5', OPEN);
    expect(codeOf(world.move('external/x>a 5', { book: 8 }))).toBe('unknown_account');
    expect(codeOf(world.move('b>a 5', OPEN))).toBe('insufficient_funds');
    expect(codeOf(world.move('b>a 5'))).toBe('unknown_account');
    expect(codeOf(world.move('a>c 9', OPEN))).toBe('insufficient_funds');
    expect(codeOf(world.move('a>c 1'))).toBe('unknown_account');
    expect(world.balances('a')).toEqual([5n, 0n, 0n]);
  });
});

describe('opening an account', () => {
  test('again with the same fields is confirmed, with others refused', () => {
    const world = new World();
    expect(codeOf(world.open({ name: 'a', max_balance: 5n }))).toBe('ok');
    expect(codeOf(world.open({ name: 'a', max_balance: 5n }))).toBe('ok');
    expect(world.log.records.at(-1)?.kind).toBe(RecordKind.accountConfirmed);
    for (const other of [
      {},
      { max_balance: 6n },
      { max_balance: 5n, currency: 840 },
      { max_balance: 5n, metadata: '{}' },
    ]) {
      expect(codeOf(world.open({ name: 'a', ...other }))).toBe('account_exists');
    }
    expect(codeOf(world.open({ name: 'a', max_balance: 5n, normal_balance: 'debit' }))).toBe('account_exists');
    expect(codeOf(world.open({ name: 'a', max_balance: 5n, min_balance: null }))).toBe('account_exists');
    expect(world.ledger.accountCount).toBe(1);
  });

  test('compares metadata by value, and with how it was opened, whatever was changed since', () => {
    const world = new World();
    world.open({ name: 'a', metadata: '{"x":1,"y":[2]}' });
    expect(codeOf(world.open({ name: 'a', metadata: '{"y":[2],"x":1}' }))).toBe('ok');
    expect(codeOf(world.open({ name: 'a', metadata: '{"y":[3],"x":1}' }))).toBe('account_exists');
    world.change('a', { max_balance: 9n, metadata: null });
    expect(world.account('a')).toMatchObject({ maxBalance: 9n, metadata: null, configVersion: 2 });
    expect(codeOf(world.open({ name: 'a', metadata: '{"x":1,"y":[2]}' }))).toBe('ok');
    expect(codeOf(world.open({ name: 'a', max_balance: 9n }))).toBe('account_exists');
  });

  test('as a batch opens all or none, behind a head', () => {
    const world = new World();
    const done = world.openBatch([{ name: 'a' }, { name: 'b', metadata: '{"b":1}' }]);
    expect(done).toMatchObject({ type: 'recorded', code: null, position: 2, sequence: 1, count: 2 });
    expect(world.log.records.map((one) => one.kind).slice(1)).toEqual([
      RecordKind.batch,
      RecordKind.accountOpened,
      RecordKind.accountOpened,
    ]);
    const refused = world.openBatch([{ name: 'c' }, { name: 'a', max_balance: 1n }]);
    expect(codeOf(refused)).toBe('account_exists');
    expect(factsOf(refused)).toEqual({ param: '/accounts/1', account: 'a' });
    expect(world.ledger.accountCount).toBe(2);
    expect(codeOf(world.openBatch([{ name: 'c' }, { name: 'b', metadata: '{"b":1}' }, { name: 'c' }]))).toBe('ok');
    expect(world.replayed().digest()).toBe(world.ledger.digest());
  });

  test('as a batch of accounts that are there asks for all of their records at once, whatever was changed since', () => {
    const world = new World();
    const accounts = Array.from({ length: 6_000 }, (_, n) => ({ name: `customer/${n}`, metadata: `{"n":${n}}` }));
    expect(codeOf(world.openBatch(accounts))).toBe('ok');
    const byPosition = (): Map<number, LogRecord> => new Map(world.log.records.map((one) => [one.position, one]));
    const opened = byPosition();
    for (const [n, { name }] of accounts.entries()) {
      world.ledger.admitParent([opened.get(3 + n) as LogRecord]); // behind the merchant and the head
      world.change(name, { max_balance: 9n });
    }
    const log = byPosition();
    const currency = currencyByCode('EUR')?.number ?? 0;
    const command = {
      type: 'open_accounts' as const,
      ...world.head(undefined),
      accounts: accounts.map((one) => ({ currency, ...one })),
      batch: true,
    };
    const asked = world.ledger.apply(command, world.now, world.log);
    if (asked.type !== 'load_parent') throw new Error(asked.type);
    expect(new Set(asked.positions).size).toBe(2 * accounts.length);
    for (const position of asked.positions) world.ledger.admitParent([log.get(position) as LogRecord]);
    expect(world.ledger.apply(command, world.now, world.log)).toMatchObject({
      type: 'recorded',
      code: null,
      count: 6_000,
    });
    // What was loaded for it is not kept.
    expect(world.ledger.apply({ ...command, ...world.head(undefined) }, world.now, world.log).type).toBe('load_parent');
  });

  test('as a batch that names a new account twice compares the second one with the first, metadata included', () => {
    const world = new World();
    const twice = [
      { name: 'a', metadata: '{"b":1}' },
      { name: 'a', metadata: '{"b":1}' },
    ];
    expect(codeOf(world.openBatch(twice))).toBe('ok');
    const other = [
      { name: 'c', metadata: '{"b":1}' },
      { name: 'c', metadata: '{"b":2}' },
    ];
    const refused = world.openBatch(other);
    expect(codeOf(refused)).toBe('account_exists');
    expect(factsOf(refused)).toEqual({ param: '/accounts/1', account: 'c' });
    expect(world.ledger.accountCount).toBe(1);
    // What was taken back is not remembered as what stands there.
    expect(codeOf(world.open({ name: 'd', metadata: '{"b":3}' }))).toBe('ok');
    expect(codeOf(world.open({ name: 'd', metadata: '{"b":1}' }))).toBe('account_exists');
    expect(world.replayed().digest()).toBe(world.ledger.digest());
  });
});

describe('changing an account', () => {
  test('touches the named fields only and keeps metadata to the byte', () => {
    const world = new World();
    world.open({ name: 'a', metadata: '{"ratio": 1.0}' });
    expect(codeOf(world.change('a', { min_balance: null }))).toBe('ok');
    expect(world.log.records.at(-1)?.details).toBe(
      '{"name":"a","currency":978,"normal_balance":"credit","min_balance":null,"max_balance":null,' +
        '"config_version":2,"open":true,"metadata":{"ratio": 1.0}}',
    );
    expect(world.account('a')).toMatchObject({ minBalance: null, metadata: undefined, configVersion: 2, version: 0 });
    expect(codeOf(world.change('a', { max_balance: 5n, ifMatch: 1 }))).toBe('precondition_failed');
    expect(codeOf(world.change('a', { max_balance: 5n, ifMatch: 2 }))).toBe('ok');
    expect(codeOf(world.change('a', { min_balance: 0n, max_balance: null, metadata: null }))).toBe('ok');
    expect(world.account('a')).toMatchObject({ minBalance: 0n, maxBalance: null, metadata: null, configVersion: 4 });
    expect(codeOf(world.change('nobody', {}))).toBe('unknown_account');
  });
});

describe('closing an account', () => {
  test('needs a zero balance and no holds; then nothing moves until it is reopened', () => {
    const world = new World();
    world.move('external/x>a 5', OPEN);
    const refused = world.close('a');
    expect(codeOf(refused)).toBe('account_not_empty');
    expect(factsOf(refused)).toMatchObject({ account: 'a', posted: '5' });
    const hold = positionOf(world.move('a>external/x 5', { pending: true }));
    world.act('void', hold);
    world.move('a>external/x 5');
    expect(codeOf(world.close('a'))).toBe('ok');
    expect(world.account('a')).toMatchObject({ open: false, configVersion: 2 });
    expect(codeOf(world.close('a'))).toBe('account_closed');
    expect(codeOf(world.move('external/x>a 5'))).toBe('account_closed');
    expect(codeOf(world.reopen('a'))).toBe('ok');
    expect(codeOf(world.reopen('a'))).toBe('account_not_closed');
    expect(codeOf(world.move('external/x>a 5'))).toBe('ok');
  });

  test('keeps its metadata', () => {
    const world = new World();
    world.open({ name: 'a', metadata: '{"k":1}' });
    world.close('a');
    world.reopen('a');
    expect(world.log.records.at(-1)?.details).toContain('"open":true,"metadata":{"k":1}}');
  });
});

describe('configuration', () => {
  test('enters the log when it changes, and currencies keep their numbers', () => {
    const world = new World();
    const settings = { ...world.settings, customCurrencies: [{ code: 'POINTS', exponent: 0 }], openHoldsMax: 3 };
    expect(codeOf(world.apply({ type: 'configure', settings }))).toBe('ok');
    const { head } = world.ledger;
    expect(world.apply({ type: 'configure', settings })).toMatchObject({ type: 'answered', code: null });
    expect(world.ledger.head).toBe(head);
    expect(codeOf(world.move('external/p>p 5 POINTS', OPEN))).toBe('ok');
    expect(world.account('p').currency).toBe('POINTS');
    const other = { ...settings, customCurrencies: [{ code: 'POINTS', exponent: 2 }] };
    expect(() => world.apply({ type: 'configure', settings: other })).toThrow(/keeps it/);
    expect(world.replayed().digest()).toBe(world.ledger.digest());
    expect(world.replayed().settings).toEqual(settings);
  });
});
