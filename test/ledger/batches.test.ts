import { describe, expect, test } from 'vitest';
import { RecordKind } from '../../src/ledger/record.js';
import { BOOK, codeOf, factsOf, World } from './helpers.js';

const OPEN = { openAccounts: true } as const;

describe('an atomic batch', () => {
  test('is judged item by item and headed by the record of its key', () => {
    const world = new World();
    const done = world.batch([['external/x>a 5', OPEN], ['a>b 5', OPEN], ['b>external/x 5']], { key: 'k' });
    expect(done).toMatchObject({ type: 'recorded', code: null, position: 2, sequence: 1, count: 6 });
    expect(world.log.records[1]).toMatchObject({ kind: RecordKind.batch, keyed: true, details: '{"count":6}' });
    expect(world.log.records.slice(2).map((one) => one.keyed)).toEqual([false, false, false, false, false, false]);
    expect(codeOf(world.batch([['external/x>a 5']], { key: 'k' }))).toBe('replay');
    expect(world.balances('b')).toEqual([0n, 0n, 0n]);
  });

  test('with one refusal does nothing but remember it, and names the place', () => {
    const world = new World();
    world.move('external/x>a 5', OPEN);
    const before = { accounts: world.ledger.accountCount, records: world.log.records.length };
    const refused = world.batch(
      [['external/x>new 5', OPEN], ['a>external/x 3', { pending: true }], ['a>external/x 3']],
      {
        key: 'k',
      },
    );
    expect(codeOf(refused)).toBe('insufficient_funds');
    expect(factsOf(refused)).toMatchObject({ param: '/transactions/2/legs/0/debit', account: 'a', available: '2' });
    expect(world.ledger.accountCount).toBe(before.accounts);
    expect(world.ledger.openHoldCount).toBe(0);
    expect(world.log.records.length).toBe(before.records + 1);
    expect(world.ledger.account(BOOK, 'new')).toBeNull();
    expect(world.balances('a')).toEqual([5n, 0n, 0n]);
    expect(codeOf(world.batch([['external/x>a 5']], { key: 'k' }))).toBe('replay');
    expect(world.replayed().digest()).toBe(world.ledger.digest());
  });

  test('may use in a later item what an earlier one opened', () => {
    const world = new World();
    const extras = { open: { c: {} } };
    const done = world.batch([
      ['external/x>a 5', OPEN],
      ['a>c 5', { extras }],
    ]);
    expect(done).toMatchObject({ code: null, count: 5 });
    const unknown = world.batch([['external/x>a 5'], ['a>nobody 5']], { key: 'k' });
    expect(unknown).toMatchObject({ type: 'answered', code: 'unknown_account' });
    expect(factsOf(unknown)).toMatchObject({ param: '/transactions/1/legs/0/credit' });
    expect(world.replayed().digest()).toBe(world.ledger.digest());
  });

  test('as a dry run shows its transactions and leaves no trace', () => {
    const world = new World();
    const before = [world.ledger.digest(), world.ledger.chainHash, world.log.records.length];
    const dry = world.batch(
      [
        ['external/x>a 5', OPEN],
        ['a>b 5', OPEN],
      ],
      { dryRun: true },
    );
    expect(dry).toMatchObject({ type: 'answered', code: null });
    if (dry.type !== 'answered') throw new Error();
    expect(dry.preview?.records.map((one) => one.legs[0]?.credit)).toEqual(['a', 'b']);
    expect([world.ledger.digest(), world.ledger.chainHash, world.log.records.length]).toEqual(before);
  });
});
