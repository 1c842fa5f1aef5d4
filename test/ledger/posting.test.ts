import { describe, expect, test } from 'vitest';
import { RecordKind } from '../../src/ledger/record.js';
import { BOOK, codeOf, DAY, factsOf, positionOf, START, World } from './helpers.js';

const OPEN = { openAccounts: true } as const;
const MAX = 9_223_372_036_854_775_807n;

function funded(amount = 100n): World {
  const world = new World();
  expect(codeOf(world.move(`external/card>wallet ${amount}`, OPEN))).toBe('ok');
  return world;
}

describe('a posting', () => {
  test('moves its amount and opens accounts at first use', () => {
    const world = funded();
    expect(world.balances('wallet')).toEqual([100n, 0n, 0n]);
    expect(world.balances('external/card')).toEqual([-100n, 0n, 0n]);
    expect(world.log.records.map((one) => one.kind)).toEqual([
      RecordKind.merchantOpened,
      RecordKind.accountOpened,
      RecordKind.accountOpened,
      RecordKind.posted,
    ]);
    expect(world.log.records.map((one) => one.sequence)).toEqual([0, 1, 2, 3]);
    expect(world.account('external/card').minBalance).toBeNull();
    expect(world.account('wallet')).toMatchObject({ minBalance: 0n, maxBalance: null, currency: 'EUR', version: 1 });
  });

  test('opens only what is named where accounts are named', () => {
    const world = new World();
    const extras = { open: { 'external/a': { metadata: '{"x":1.0}' }, b: { max_balance: 10n } } };
    expect(codeOf(world.move('external/a>c 1', { extras }))).toBe('unknown_account');
    expect(world.ledger.accountCount).toBe(0);
    expect(codeOf(world.move('external/a>b 11', { extras }))).toBe('balance_limit_exceeded');
    expect(world.ledger.accountCount).toBe(0);
    expect(codeOf(world.move('external/a>b 10', { extras }))).toBe('ok');
    expect(world.account('b').maxBalance).toBe(10n);
    expect(world.log.records[2]?.details).toContain('"metadata":{"x":1.0}');
  });

  test('is refused without a trace but the refusal, which its key remembers', () => {
    const world = funded();
    const before = world.ledger.digest();
    const refused = world.move('wallet>new 101', { ...OPEN, key: 'k' });
    expect(codeOf(refused)).toBe('insufficient_funds');
    expect(factsOf(refused)).toEqual({ param: '/legs/0/debit', account: 'wallet', available: '100', min_balance: '0' });
    expect(world.ledger.account(BOOK, 'new')).toBeNull();
    expect(world.ledger.digest()).not.toBe(before);
    expect(world.log.records.at(-1)?.kind).toBe(RecordKind.refused);
    expect(codeOf(world.move('wallet>new 1', { ...OPEN, key: 'k' }))).toBe('replay');
  });

  test('of an unknown account is not remembered', () => {
    const world = funded();
    const head = world.ledger.head;
    const refused = world.move('wallet>nobody 1', { key: 'k' });
    expect(refused).toMatchObject({ type: 'answered', code: 'unknown_account' });
    expect(factsOf(refused)).toEqual({ param: '/legs/0/credit', account: 'nobody' });
    expect(world.ledger.head).toBe(head);
  });

  test('is judged on its end state, not between its legs', () => {
    const world = funded();
    world.open({ name: 'b' });
    world.open({ name: 'c' });
    expect(codeOf(world.move('b>c 50, wallet>b 50'))).toBe('ok');
    expect(world.balances('b')).toEqual([0n, 0n, 0n]);
    expect(world.account('b').version).toBe(1);
    expect(codeOf(world.move('b>c 50, wallet>b 49'))).toBe('insufficient_funds');
  });

  test('into an overdrawn account is never refused', () => {
    const world = new World();
    world.open({ name: 'a', min_balance: -100n });
    world.open({ name: 'external/b' });
    expect(codeOf(world.move('a>external/b 100'))).toBe('ok');
    expect(codeOf(world.move('a>external/b 1'))).toBe('insufficient_funds');
    expect(codeOf(world.change('a', { min_balance: 0n }))).toBe('ok');
    expect(codeOf(world.move('external/b>a 1'))).toBe('ok');
    expect(codeOf(world.move('a>external/b 1'))).toBe('insufficient_funds');
  });

  test('guards the other side of a debit-normal account', () => {
    const world = new World();
    world.open({ name: 'cash', normal_balance: 'debit', max_balance: 100n });
    world.open({ name: 'external/x' });
    expect(codeOf(world.move('cash>external/x 100'))).toBe('ok');
    expect(world.balances('cash')).toEqual([100n, 0n, 0n]);
    expect(codeOf(world.move('cash>external/x 1'))).toBe('balance_limit_exceeded');
    expect(codeOf(world.move('external/x>cash 101'))).toBe('insufficient_funds');
    expect(codeOf(world.move('external/x>cash 100'))).toBe('ok');
  });

  test('keeps to the currencies of its accounts; several may meet in one transaction', () => {
    const world = new World();
    expect(codeOf(world.move('external/e>we 5 EUR, external/u>wu 7 USD', OPEN))).toBe('ok');
    const refused = world.move('external/e>wu 5 EUR');
    expect(codeOf(refused)).toBe('currency_mismatch');
    expect(factsOf(refused)).toEqual({ param: '/legs/0/credit', account: 'wu', currency: 'USD' });
    expect(codeOf(world.move('we>x 1 EUR, external/u>x 1 USD', OPEN))).toBe('currency_mismatch');
    expect(world.ledger.account(BOOK, 'x')).toBeNull();
  });

  test('of the largest amount is exact, and one more is an overflow', () => {
    const world = new World();
    expect(codeOf(world.move(`external/a>external/b ${MAX}`, OPEN))).toBe('ok');
    expect(world.balances('external/b')).toEqual([MAX, 0n, 0n]);
    expect(world.balances('external/a')).toEqual([-MAX, 0n, 0n]);
    const refused = world.move('external/a>external/c 1, external/c>external/b 1', OPEN);
    expect(codeOf(refused)).toBe('amount_overflow');
    expect(factsOf(refused)).toEqual({ param: '/legs/0/amount', account: 'external/a' });
    expect(codeOf(world.move(`external/b>external/a ${MAX}`))).toBe('ok');
    expect(world.balances('external/b')).toEqual([0n, 0n, 0n]);
  });

  test('counts what is held when it judges an overflow', () => {
    const world = new World();
    expect(codeOf(world.move(`external/a>external/b ${MAX}`, { ...OPEN, pending: true }))).toBe('ok');
    expect(codeOf(world.move('external/a>external/b 1'))).toBe('amount_overflow');
    expect(codeOf(world.move(`external/a>external/c ${MAX}, external/a>external/c ${MAX}`, OPEN))).toBe(
      'amount_overflow',
    );
  });

  test('carries an effective time of the past, within the bound', () => {
    const world = new World({ backdatingMax: DAY });
    world.move('external/a>b 1', OPEN);
    expect(codeOf(world.move('external/a>b 1', { effectiveAt: START - DAY }))).toBe('ok');
    expect(world.log.records.at(-1)).toMatchObject({ effectiveAt: START - DAY, recordedAt: START });
    expect(codeOf(world.move('external/a>b 1', { effectiveAt: START - DAY - 1 }))).toBe('effective_at_out_of_range');
    expect(codeOf(world.move('external/a>b 1', { effectiveAt: START + 1 }))).toBe('effective_at_out_of_range');
  });

  test('has 64 legs over 128 accounts, each with one version more', () => {
    const world = new World();
    const legs = Array.from({ length: 64 }, (_, leg) => `external/d${leg}>c${leg} ${leg + 1}`).join(', ');
    expect(codeOf(world.move(legs, OPEN))).toBe('ok');
    expect(codeOf(world.move(legs))).toBe('ok');
    for (let leg = 0; leg < 64; leg++) {
      expect(world.account(`c${leg}`)).toMatchObject({ creditsPosted: BigInt(leg + 1) * 2n, version: 2 });
    }
  });

  test('never goes back in recorded time', () => {
    const world = funded();
    world.now -= 10;
    world.move('external/card>wallet 1');
    expect(world.log.records.at(-1)?.recordedAt).toBe(START);
  });
});

describe('conditions', () => {
  test.each([
    ['available is at least', { available: { gte: 100n } }, 'ok'],
    ['available is more', { available: { gt: 100n } }, 'condition_failed'],
    ['all of several', { posted: { eq: 100n }, pending_out: { lte: 0n }, pending_in: { lt: 1n } }, 'ok'],
    ['the version', { version: 1 }, 'ok'],
    ['another version', { version: 2 }, 'version_conflict'],
    ['the config version', { config_version: 1 }, 'ok'],
    ['versions before amounts', { config_version: 2, available: { gt: 100n } }, 'version_conflict'],
  ])('%s, on an account with 100', (_, condition, code) => {
    const world = funded();
    const outcome = world.move('wallet>external/card 1', { extras: { if: [{ account: 'wallet', ...condition }] } });
    expect(codeOf(outcome)).toBe(code);
  });

  test('name the account and the field where they fail', () => {
    const world = new World();
    world.move('external/card>w/1 5', OPEN);
    const refused = world.move('w/1>external/card 1', { extras: { if: [{ account: 'w/1', available: { lt: 5n } }] } });
    expect(factsOf(refused)).toEqual({ param: '/if/w~11/available', account: 'w/1', available: '5' });
  });

  test('on an account that is not there are a 404', () => {
    const world = funded();
    const outcome = world.move('wallet>external/card 1', { extras: { if: [{ account: 'nobody', version: 0 }] } });
    expect(outcome).toMatchObject({ type: 'answered', code: 'unknown_account' });
  });
});

describe('which error wins', () => {
  test('is the order of the table, whatever the order of the legs', () => {
    const world = funded();
    world.open({ name: 'usd', currency: 840 });
    world.open({ name: 'shut' });
    world.close('shut');
    world.open({ name: 'full', max_balance: 1n });
    const poor = 'wallet>external/card 1000';
    expect(codeOf(world.move(`${poor}, wallet>shut 1, wallet>usd 1`))).toBe('currency_mismatch');
    expect(codeOf(world.move(`${poor}, wallet>shut 1`))).toBe('account_closed');
    expect(codeOf(world.move(`external/card>full 2, ${poor}`))).toBe('insufficient_funds');
    const late = { effectiveAt: START + 1 };
    expect(codeOf(world.move(`${poor}, wallet>usd 1`, late))).toBe('effective_at_out_of_range');
    expect(codeOf(world.move(`${poor}, wallet>nobody 1`, late))).toBe('unknown_account');
  });

  test('between equal errors, it is the first leg, the debit side first', () => {
    const world = new World();
    for (const name of ['a', 'b', 'c']) world.open({ name });
    expect(factsOf(world.move('a>b 1, c>a 1'))).toMatchObject({ param: '/legs/1/debit', account: 'c' });
    expect(factsOf(world.move('b>c 1, a>c 1'))).toMatchObject({ param: '/legs/0/debit', account: 'b' });
  });
});

describe('bounds', () => {
  test('of accounts and of holds are refused, not remembered', () => {
    const world = new World({ accountsMax: 2, openHoldsMax: 1 });
    expect(codeOf(world.move('external/a>b 5, external/a>c 5', { ...OPEN, key: 'k' }))).toBe('accounts_full');
    expect(codeOf(world.move('external/a>b 5', { ...OPEN, key: 'k' }))).toBe('ok');
    expect(codeOf(world.open({ name: 'd' }))).toBe('accounts_full');
    const hold = world.move('b>external/a 1', { pending: true });
    expect(codeOf(world.move('b>external/a 1', { pending: true, key: 'h' }))).toBe('holds_full');
    expect(codeOf(world.act('void', positionOf(hold)))).toBe('ok');
    expect(codeOf(world.move('b>external/a 1', { pending: true, key: 'h' }))).toBe('ok');
  });
});
