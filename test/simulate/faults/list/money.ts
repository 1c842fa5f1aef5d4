/** Faults of the state machine about money: limits, holds, reversals, accounts. */
import type { Fault } from '../fault.js';

const ACTING = 'src/ledger/acting.ts';
const POSTING = 'src/ledger/posting.ts';
const JUDGE = 'src/ledger/judge.ts';
const DECIDER = 'src/ledger/decider.ts';
const PARENT = 'src/ledger/parent.ts';
const FOLD = 'src/ledger/fold.ts';

export const MONEY_FAULTS: readonly Fault[] = [
  {
    name: 'capture twice',
    breaks: 'captures stay within their hold: what was captured can be captured again',
    patches: [
      {
        file: PARENT,
        find: 'leg.captured += amount;',
        replace: 'leg.captured += record.kind === RecordKind.capture && amount > 1n ? 1n : amount;',
      },
    ],
  },
  {
    name: 'expiry leaks a hold',
    breaks: 'an expiry lets go of all that is left',
    patches: [
      {
        file: ACTING,
        find: 'hold.legs.forEach((leg, index) => {\n      if (remainingOf(leg) > 0n) addLeg(record, index, leg, 0n, remainingOf(leg), false);',
        replace:
          'hold.legs.forEach((leg, index) => {\n      if (remainingOf(leg) > 0n) addLeg(record, index, leg, 0n, remainingOf(leg) > 1n ? remainingOf(leg) - 1n : 1n, false);',
      },
    ],
  },
  {
    name: 'expiry a millisecond late',
    breaks: 'a command at or after expires_at sees the hold expired',
    patches: [
      {
        file: 'src/ledger/expiries.ts',
        find: 'return next !== 0 && next <= now;',
        replace: 'return next !== 0 && next <= now - 1000;',
      },
    ],
  },
  {
    name: 'limit ignores holds',
    breaks: 'available = posted less pending_out',
    patches: [
      {
        file: JUDGE,
        find: '    value[0] = BigInt.asIntN(64, (value[0] as bigint) - (counters[from + side + 2] as bigint));\n',
        replace: '',
      },
    ],
  },
  {
    name: 'min_balance off by one',
    breaks: 'available is at least min_balance',
    patches: [
      {
        file: JUDGE,
        find: 'return (value[0] as bigint) < (this.#state.accounts.minBalance(account) as bigint);',
        replace: 'return (value[0] as bigint) + 1n < (this.#state.accounts.minBalance(account) as bigint);',
      },
    ],
  },
  {
    name: 'max_balance ignores money on its way',
    breaks: 'posted + pending_in is at most max_balance',
    patches: [
      {
        file: JUDGE,
        find: 'return accounts.posted(account) + accounts.pendingIn(account) + raise >',
        replace: 'return accounts.posted(account) + raise >',
      },
    ],
  },
  {
    name: 'increment not judged',
    breaks: 'an increment is judged like a new hold',
    patches: [
      {
        file: ACTING,
        find: "if (command.type === 'capture' || command.type === 'void') return null;",
        replace: "if (command.type !== 'reverse') return null;",
      },
    ],
  },
  {
    name: 'reversal bound off by one',
    breaks: 'no more is reversed than was posted',
    patches: [
      {
        file: PARENT,
        find: 'return this.#reversibleMost(leg) - leg.reversed;',
        replace: 'return this.#reversibleMost(leg) - leg.reversed + 1n;',
      },
      {
        file: PARENT,
        find: 'assert(leg.reversed <= this.#reversibleMost(leg)',
        replace: 'assert(leg.reversed <= this.#reversibleMost(leg) + 1n',
      },
    ],
  },
  {
    name: 'currency not checked',
    breaks: 'a leg has the currency of both its accounts',
    patches: [
      {
        file: POSTING,
        find: 'if (accounts.currency(account) !== command.currency[leg]) {',
        replace: 'if (accounts.currency(account) !== command.currency[leg] && command.legCount > 64) {',
      },
    ],
  },
  {
    name: 'closed account accepted',
    breaks: 'a closed account takes and gives nothing',
    patches: [
      {
        file: POSTING,
        find: 'if (closed === null && !accounts.isOpen(account))',
        replace: 'if (closed === null && account < 0)',
      },
    ],
  },
  {
    name: "another merchant's transaction",
    breaks: "the other's things are 404",
    patches: [
      {
        file: DECIDER,
        find: 'if (parent.book !== command.book) return this.#refuse(command, unknown);',
        replace: '',
      },
    ],
  },
  {
    name: 'final capture keeps the rest',
    breaks: 'a final capture lets go of what it does not take',
    patches: [
      {
        file: ACTING,
        find: 'addLeg(record, index, leg, amount, final ? remainingOf(leg) - amount : 0n,',
        replace: 'addLeg(record, index, leg, amount, final ? 0n : 0n,',
      },
    ],
  },
  {
    name: 'final capture keeps other legs',
    breaks: 'a final capture lets go of the rest of the whole transaction',
    patches: [
      {
        file: ACTING,
        find: 'if (!amounts.has(index) && remainingOf(leg) > 0n)',
        replace: 'if (!amounts.has(index) && remainingOf(leg) < 0n)',
      },
    ],
  },
  {
    name: 'version counts legs',
    breaks: 'a version rises by one for each record, however many legs',
    patches: [
      {
        file: FOLD,
        find: 'if (record.legCount === 1 || distinct.add(debit)) touch(state, debit);',
        replace: 'touch(state, debit);',
      },
    ],
  },
];
