import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accounts } from '../../src/ledger/accounts.js';
import { BOOK, HASH, World } from './helpers.js';

const encoder = new TextEncoder();

/** Ends of postings, some of them refused, some opening accounts that a refusal takes back. */
const name = fc.constantFrom('a', 'b', 'external/in', 'c/with/a/longer/name', 'd0', 'd1', 'd2');
const posting = fc
  .record({ debit: name, credit: name, amount: fc.integer({ min: 1, max: 50 }), opens: fc.boolean(), key: fc.nat(20) })
  .filter(({ debit, credit }) => debit !== credit);
interface Posting {
  readonly debit: string;
  readonly credit: string;
  readonly amount: number;
  readonly opens: boolean;
  readonly key: number;
}

/** Names where a ring would have them: each round overwrites what stood there. */
const ring = new Uint8Array(4096);

function command(world: World, { debit, credit, amount, opens, key }: Posting, place: number) {
  const made = world.command([{ debit, credit, amount: BigInt(amount) }], { openAccounts: opens, key: `key-${key}` });
  made.names = ring;
  made.debitOffset[0] = place * 64;
  made.creditOffset[0] = place * 64 + debit.length;
  return made;
}

function put({ debit, credit }: Posting, place: number): void {
  ring.set(encoder.encode(debit + credit), place * 64);
}

describe('a ledger that is told what comes next', () => {
  it('decides as one that is not, also where something else comes', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.tuple(posting, posting), { maxLength: 12 }), { maxLength: 6 }), (rounds) => {
        const [told, plain] = [new World(), new World()];
        for (const round of rounds) {
          round.forEach(([foreseen], place) => {
            const { debit, credit } = foreseen;
            put(foreseen, place);
            told.ledger.foresight.add(BOOK, place * 0x1234567, ring, place * 64, debit.length, credit.length);
          });
          told.ledger.foresight.fetch();
          round.forEach(([foreseen, other], place) => {
            const comes = place % 3 === 2 ? other : foreseen;
            put(comes, place);
            expect(told.apply(command(told, comes, place))).toEqual(plain.apply(command(plain, comes, place)));
          });
        }
        expect(told.ledger.digest()).toBe(plain.ledger.digest());
        expect(told.log.records).toEqual(plain.log.records);
      }),
      { numRuns: 150 },
    );
  });

  it('does not find an account that was foreseen and then taken back', () => {
    const accounts = new Accounts(HASH);
    const config = {
      book: BOOK,
      currency: 978,
      normalBalance: 'credit',
      open: true,
      hasMetadata: false,
      minBalance: 0n,
      maxBalance: null,
      configVersion: 1,
      configPosition: 1,
      openedAt: 1,
      openedPosition: 1,
    } as const;
    const bytes = encoder.encode('a');
    const look = () => {
      accounts.foresee(BOOK, bytes, 0, 1, 0);
      accounts.fetchForeseen();
    };
    expect(accounts.open({ ...config, name: 'a' })).toBe(1);
    look();
    accounts.dropLast();
    expect(accounts.find(BOOK, bytes, 0, 1)).toBe(0);
    accounts.open({ ...config, name: 'a' });
    look();
    accounts.dropLast();
    accounts.open({ ...config, name: 'b' });
    expect(accounts.find(BOOK, bytes, 0, 1)).toBe(0);
  });

  it('may be told of more than it takes', () => {
    const world = new World();
    const posted = { debit: 'external/in', credit: 'a', amount: 5, opens: true, key: 1 };
    put(posted, 0);
    for (let index = 0; index < 200; index++) world.ledger.foresight.add(BOOK, index, ring, 0, 11, 1);
    world.ledger.foresight.fetch();
    expect(world.apply(command(world, posted, 0))).toMatchObject({ type: 'recorded', code: null });
  });
});
