import { describe, expect, test } from 'vitest';
import { RecordKind } from '../../src/ledger/record.js';
import { codeOf, DAY, factsOf, positionOf, SECOND, START, World } from './helpers.js';

const OPEN = { openAccounts: true } as const;

/** 100 in `wallet`, of which 60 are held for `shop`. */
function held(options: { expiresIn?: number } = {}): { world: World; hold: number } {
  const world = new World();
  world.move('external/card>wallet 100', OPEN);
  const hold = positionOf(world.move('wallet>shop 60', { ...OPEN, ...options, pending: true }));
  return { world, hold };
}

const stateOf = (world: World, hold: number): string | undefined => world.ledger.transactionView(hold)?.status;

describe('a hold', () => {
  test('takes money out of what is available and promises it to the other side', () => {
    const { world, hold } = held();
    expect(world.balances('wallet')).toEqual([100n, 0n, 60n]);
    expect(world.balances('shop')).toEqual([0n, 60n, 0n]);
    expect(codeOf(world.move('wallet>shop 41'))).toBe('insufficient_funds');
    expect(codeOf(world.move('shop>wallet 1'))).toBe('insufficient_funds');
    expect(stateOf(world, hold)).toBe('pending');
    expect(world.ledger.nextExpiry()).toBe(START + DAY);
  });

  test('counts against max_balance, so that no capture can pass it', () => {
    const { world, hold } = held();
    world.change('shop', { max_balance: 70n });
    expect(codeOf(world.move('external/card>shop 11'))).toBe('balance_limit_exceeded');
    expect(codeOf(world.move('external/card>shop 10'))).toBe('ok');
    expect(codeOf(world.act('capture', hold))).toBe('ok');
    expect(world.balances('shop')).toEqual([70n, 0n, 0n]);
  });
});

describe('a capture', () => {
  test('without an amount takes the whole rest', () => {
    const { world, hold } = held();
    const outcome = world.act('capture', hold);
    expect(codeOf(outcome)).toBe('ok');
    expect(factsOf(outcome)).toEqual({
      parent_state: {
        status: 'captured',
        captured: { EUR: '60' },
        remaining: { EUR: '0' },
        released: { EUR: '0' },
        reversed: { EUR: '0' },
      },
    });
    expect(world.log.records.at(-1)).toMatchObject({ kind: RecordKind.capture, parent: hold, legCount: 1 });
    expect(world.log.records.at(-1)?.details).toBe(JSON.stringify(factsOf(outcome)));
    expect(world.balances('shop')).toEqual([60n, 0n, 0n]);
    expect(world.ledger.nextExpiry()).toBe(0);
    expect(world.ledger.openHoldCount).toBe(0);
  });

  test('may come in parts up to what is held, and the last may release the rest', () => {
    const { world, hold } = held();
    expect(codeOf(world.act('capture', hold, { amount: 20n }))).toBe('ok');
    expect(stateOf(world, hold)).toBe('partially_captured');
    expect(codeOf(world.act('capture', hold, { amount: 41n }))).toBe('amount_exceeds_remaining');
    expect(codeOf(world.act('capture', hold, { amount: 10n, final: true }))).toBe('ok');
    expect(stateOf(world, hold)).toBe('captured');
    expect(world.balances('wallet')).toEqual([70n, 0n, 0n]);
    expect(world.balances('shop')).toEqual([30n, 0n, 0n]);
    const again = world.act('capture', hold, { amount: 1n });
    expect(codeOf(again)).toBe('transaction_closed');
    expect(factsOf(again)).toMatchObject({ parent_state: { status: 'captured', released: { EUR: '30' } } });
  });

  test('of what was posted at once is refused, and of what never was unknown', () => {
    const world = new World();
    const posted = positionOf(world.move('external/card>wallet 100', OPEN));
    expect(codeOf(world.act('capture', posted))).toBe('transaction_not_pending');
    expect(codeOf(world.act('capture', 999))).toBe('unknown_transaction');
    expect(codeOf(world.act('capture', 1))).toBe('unknown_transaction');
    expect(codeOf(world.act('void', 2))).toBe('unknown_transaction');
  });

  test('of an action is refused as not actionable, also from the log', () => {
    const { world, hold } = held();
    const capture = positionOf(world.act('capture', hold, { amount: 1n }));
    expect(codeOf(world.act('reverse', capture))).toBe('not_actionable');
    expect(codeOf(world.act('capture', capture))).toBe('not_actionable');
  });

  test("of another book's hold is unknown", () => {
    const { world, hold } = held();
    world.apply({ type: 'open_merchant', book: 8, merchant: 'other', environment: 'test' });
    expect(codeOf(world.act('capture', hold, { book: 8 }))).toBe('unknown_transaction');
  });

  test('goes through whatever limits were set meanwhile', () => {
    const { world, hold } = held();
    world.change('wallet', { min_balance: 1000n });
    world.change('shop', { max_balance: 0n });
    expect(codeOf(world.act('capture', hold))).toBe('ok');
  });
});

describe('legs of an action', () => {
  function twoLegs(): { world: World; hold: number } {
    const world = new World();
    world.move('external/card>wallet 100, external/card2>dollars 100 USD', OPEN);
    const hold = positionOf(world.move('wallet>shop 60, dollars>shop2 40 USD', { ...OPEN, pending: true }));
    return { world, hold };
  }

  test('are named with their amounts where there are several', () => {
    const { world, hold } = twoLegs();
    expect(codeOf(world.act('capture', hold, { amount: 5n }))).toBe('invalid_leg');
    expect(codeOf(world.act('capture', hold, { legs: [{ leg: 2, amount: 5n }] }))).toBe('invalid_leg');
    const twice = [
      { leg: 1, amount: 5n },
      { leg: 1, amount: 5n },
    ];
    expect(factsOf(world.act('capture', hold, { legs: twice }))).toMatchObject({ param: '/legs/1/leg' });
    expect(codeOf(world.act('capture', hold, { legs: [{ leg: 1, amount: 41n }] }))).toBe('amount_exceeds_remaining');
    expect(codeOf(world.act('capture', hold, { legs: [{ leg: 1, amount: 40n }] }))).toBe('ok');
    expect(world.balances('shop2')).toEqual([40n, 0n, 0n]);
    expect(codeOf(world.act('void', hold, { legs: [{ leg: 0, amount: 10n }] }))).toBe('ok');
    expect(world.ledger.transactionView(hold)).toMatchObject({
      status: 'partially_captured',
      legs: [
        { captured: 0n, remaining: 50n, released: 10n },
        { captured: 40n, remaining: 0n, released: 0n },
      ],
    });
    expect(codeOf(world.act('capture', hold))).toBe('ok');
    expect(world.balances('shop')).toEqual([50n, 0n, 0n]);
  });

  test('with final let go of all that is not captured, other legs included', () => {
    const { world, hold } = twoLegs();
    const outcome = world.act('capture', hold, { legs: [{ leg: 1, amount: 30n }], final: true });
    expect(factsOf(outcome)).toMatchObject({
      parent_state: {
        status: 'captured',
        captured: { EUR: '0', USD: '30' },
        released: { EUR: '60', USD: '10' },
        remaining: { EUR: '0', USD: '0' },
      },
    });
    expect(world.balances('wallet')).toEqual([100n, 0n, 0n]);
  });

  test('a void by leg leaves the rest pending', () => {
    const { world, hold } = twoLegs();
    world.act('void', hold, { legs: [{ leg: 0, amount: 60n }] });
    expect(stateOf(world, hold)).toBe('pending');
    world.act('void', hold);
    expect(stateOf(world, hold)).toBe('voided');
  });
});

describe('an increment', () => {
  test('holds more, judged like a new hold', () => {
    const { world, hold } = held();
    expect(codeOf(world.act('increment', hold, { amount: 41n }))).toBe('insufficient_funds');
    expect(codeOf(world.act('increment', hold, { amount: 40n }))).toBe('ok');
    expect(world.balances('wallet')).toEqual([100n, 0n, 100n]);
    expect(codeOf(world.act('capture', hold, { amount: 100n }))).toBe('ok');
  });

  test('needs an amount, and something that is held', () => {
    const { world, hold } = held();
    expect(codeOf(world.act('increment', hold))).toBe('invalid_leg');
    world.act('void', hold);
    expect(codeOf(world.act('increment', hold, { amount: 1n }))).toBe('transaction_closed');
  });

  test('never brings what was held in all beyond 64 bits', () => {
    const world = new World();
    const half = 2n ** 62n;
    const hold = positionOf(world.move(`external/a>external/b ${half}`, { ...OPEN, pending: true }));
    world.act('void', hold, { amount: half - 1n });
    expect(codeOf(world.act('increment', hold, { amount: half - 1n }))).toBe('ok');
    world.act('void', hold, { amount: half - 1n });
    expect(codeOf(world.act('increment', hold, { amount: half }))).toBe('amount_overflow');
  });
});

describe('a reversal', () => {
  test('turns legs round, whole or in parts, never beyond what was posted', () => {
    const world = new World();
    const posted = positionOf(world.move('external/card>wallet 100', OPEN));
    expect(codeOf(world.act('reverse', posted, { amount: 30n }))).toBe('ok');
    expect(world.balances('wallet')).toEqual([70n, 0n, 0n]);
    expect(codeOf(world.act('reverse', posted, { amount: 71n }))).toBe('amount_exceeds_reversible');
    expect(codeOf(world.act('reverse', posted))).toBe('ok');
    expect(world.balances('wallet')).toEqual([0n, 0n, 0n]);
    expect(codeOf(world.act('reverse', posted))).toBe('nothing_to_reverse');
    expect(world.log.records.at(-2)).toMatchObject({ kind: RecordKind.reversal, parent: posted });
  });

  test('of a hold is bounded by what was captured', () => {
    const { world, hold } = held();
    expect(codeOf(world.act('reverse', hold))).toBe('nothing_to_reverse');
    world.act('capture', hold, { amount: 20n });
    expect(codeOf(world.act('reverse', hold, { amount: 21n }))).toBe('amount_exceeds_reversible');
    expect(codeOf(world.act('reverse', hold))).toBe('ok');
    expect(stateOf(world, hold)).toBe('partially_captured');
    expect(codeOf(world.act('capture', hold))).toBe('ok');
    expect(codeOf(world.act('reverse', hold, { amount: 40n }))).toBe('ok');
    expect(world.balances('wallet')).toEqual([100n, 0n, 0n]);
  });

  test('keeps to limits unless it is forced, and to closed accounts always', () => {
    const world = new World();
    const posted = positionOf(world.move('external/card>wallet 100', OPEN));
    world.move('wallet>shop 100', OPEN);
    const refused = world.act('reverse', posted);
    expect(codeOf(refused)).toBe('insufficient_funds');
    expect(factsOf(refused)).toMatchObject({ account: 'wallet', parent_state: { status: 'posted' } });
    expect(codeOf(world.close('wallet'))).toBe('ok');
    expect(codeOf(world.act('reverse', posted, { force: true }))).toBe('account_closed');
    world.reopen('wallet');
    expect(codeOf(world.act('reverse', posted, { force: true }))).toBe('ok');
    expect(world.balances('wallet')).toEqual([-100n, 0n, 0n]);
  });
});

describe('an expiry', () => {
  test('is written at its time, in order, a bounded number at once', () => {
    const world = new World();
    world.move('external/card>wallet 100', OPEN);
    const later = positionOf(world.move('wallet>a 1', { ...OPEN, pending: true, expiresIn: 20 * SECOND }));
    const first = positionOf(world.move('wallet>a 1', { pending: true, expiresIn: 10 * SECOND }));
    const second = positionOf(world.move('wallet>a 1', { pending: true, expiresIn: 10 * SECOND }));
    const { ledger, log } = world;
    expect(ledger.expireDue(START + 10 * SECOND - 1, 10, log)).toBe(0);
    expect(ledger.expireDue(START + 60 * SECOND, 2, log)).toBe(2);
    expect(log.records.slice(-2).map((one) => one.parent)).toEqual([first, second]);
    expect(ledger.nextExpiry()).toBe(START + 20 * SECOND);
    expect(ledger.expireDue(START + 60 * SECOND, 2, log)).toBe(1);
    expect(log.records.at(-1)).toMatchObject({ kind: RecordKind.expiry, parent: later, keyed: false });
    expect(stateOf(world, later)).toBe('expired');
    expect(ledger.nextExpiry()).toBe(0);
    expect(world.balances('wallet')).toEqual([100n, 0n, 0n]);
  });

  test('comes before a capture at the same tick', () => {
    const { world, hold } = held({ expiresIn: 5 * SECOND });
    world.now = START + 5 * SECOND;
    const refused = world.act('capture', hold);
    expect(codeOf(refused)).toBe('transaction_closed');
    expect(factsOf(refused)).toMatchObject({ parent_state: { status: 'expired', released: { EUR: '60' } } });
    expect(world.log.records.slice(-2).map((one) => one.kind)).toEqual([RecordKind.expiry, RecordKind.refused]);
    expect(world.ledger.expireDue(world.now, 10, world.log)).toBe(0);
  });

  test('and the tick before, the capture wins', () => {
    const { world, hold } = held({ expiresIn: 5 * SECOND });
    world.now = START + 5 * SECOND - 1;
    expect(codeOf(world.act('capture', hold))).toBe('ok');
    expect(world.ledger.expireDue(world.now + 1, 10, world.log)).toBe(0);
  });

  test('frees money for the command that touches the account, dry runs included', () => {
    const { world } = held({ expiresIn: 5 * SECOND });
    world.now = START + 5 * SECOND;
    expect(codeOf(world.move('wallet>shop 100', { dryRun: true }))).toBe('ok');
    expect(world.log.records.at(-1)?.kind).toBe(RecordKind.expiry);
    expect(codeOf(world.move('wallet>shop 100'))).toBe('ok');
  });

  test('of others waits for its turn', () => {
    const { world, hold } = held({ expiresIn: 5 * SECOND });
    world.now = START + 5 * SECOND;
    world.move('external/x>y 1', OPEN);
    expect(stateOf(world, hold)).toBe('pending');
    expect(world.ledger.nextExpiry()).toBe(START + 5 * SECOND);
    expect(codeOf(world.close('shop'))).toBe('ok');
    expect(stateOf(world, hold)).toBe('expired');
  });

  test('of the rest leaves a captured hold captured', () => {
    const { world, hold } = held({ expiresIn: 5 * SECOND });
    world.act('capture', hold, { amount: 1n });
    world.ledger.expireDue(START + 5 * SECOND, 10, world.log);
    expect(stateOf(world, hold)).toBe('captured');
  });
});

describe('what is in memory', () => {
  test('closed parents go once their last change is committed; open holds stay', () => {
    const { world, hold } = held();
    const posted = positionOf(world.move('external/card>wallet 100'));
    world.act('reverse', posted, { amount: 1n });
    world.ledger.evictParents(world.ledger.head - 1, 100);
    expect(world.ledger.transactionView(posted)).not.toBeNull();
    world.ledger.evictParents(world.ledger.head, 100);
    expect(world.ledger.transactionView(posted)).toBeNull();
    expect(world.ledger.transactionView(hold)).not.toBeNull();
    expect(codeOf(world.act('reverse', posted, { amount: 100n }))).toBe('amount_exceeds_reversible');
    expect(codeOf(world.act('reverse', posted, { amount: 99n }))).toBe('ok');
  });

  test('makes no difference to the digest', () => {
    const { world } = held();
    const posted = positionOf(world.move('external/card>wallet 100'));
    world.act('reverse', posted, { amount: 1n });
    const before = world.ledger.digest();
    world.ledger.evictParents(world.ledger.head, 100);
    expect(world.ledger.digest()).toBe(before);
    expect(world.replayed().digest()).toBe(before);
  });
});
