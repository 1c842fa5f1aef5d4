/** Faults of the state machine: money, limits, holds, batches, dry runs, places and times. */
import type { Fault } from '../fault.js';

const ACTING = 'src/ledger/acting.ts';
const POSTING = 'src/ledger/posting.ts';
const JUDGE = 'src/ledger/judge.ts';
const DECIDER = 'src/ledger/decider.ts';
const BATCHING = 'src/ledger/batching.ts';
const PARENT = 'src/ledger/parent.ts';
const FOLD = 'src/ledger/fold.ts';
const WRITER = 'src/ledger/writer.ts';

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
  {
    name: 'dry run leaves a trace',
    breaks: 'a dry run changes nothing',
    patches: [
      {
        file: DECIDER,
        find: '    const records = this.#writer.endPreview();\n    journal.rollback();',
        replace:
          '    const records = this.#writer.endPreview();\n    journal.rollback();\n    if (records.length > 0) this.#state.accounts.bumpVersion(1);',
      },
    ],
  },
  {
    name: 'atomic batch half applied',
    breaks: 'all items of a batch or none',
    patches: [
      {
        file: DECIDER,
        find: '      journal.rollback();\n      (this.#sink as LogSink).rewind(mark);',
        replace:
          "      if (command.type === 'atomic_batch') journal.keep();\n      else {\n        journal.rollback();\n        (this.#sink as LogSink).rewind(mark);\n      }",
      },
    ],
  },
  {
    name: 'item of a batch twice',
    breaks: 'each item of a batch is one transaction',
    patches: [
      {
        file: BATCHING,
        find: 'of command.items.entries()) {',
        replace: 'of [...command.items, ...command.items.slice(-1)].entries()) {',
      },
      {
        file: BATCHING,
        find: 'return command.items.length + opened.size;',
        replace: 'return command.items.length + 1 + opened.size;',
      },
    ],
  },
  {
    name: 'last item of a batch lost',
    breaks: 'all items of a batch or none',
    patches: [
      {
        file: BATCHING,
        find: 'of command.items.entries()) {',
        replace: 'of command.items.slice(0, Math.max(1, command.items.length - 1)).entries()) {',
      },
      {
        file: BATCHING,
        find: 'for (const item of command.items) this.#posting',
        replace: 'for (const item of command.items.slice(0, Math.max(1, command.items.length - 1))) this.#posting',
      },
      {
        file: BATCHING,
        find: 'return command.items.length + opened.size;',
        replace: 'return Math.max(1, command.items.length - 1) + opened.size;',
      },
    ],
  },
  {
    name: 'sequence skipped',
    breaks: 'sequences of a merchant are gapless',
    patches: [
      {
        file: WRITER,
        find: 'record.sequence = this.#state.books.sequence(book) + 1;',
        replace: 'record.sequence = this.#state.books.sequence(book) + (record.position % 97 === 0 ? 2 : 1);',
      },
      {
        file: FOLD,
        find: 'assert(record.sequence === state.books.sequence(record.book) + 1,',
        replace: 'assert(record.sequence > state.books.sequence(record.book),',
      },
    ],
  },
  {
    name: 'time goes back',
    breaks: 'no record is recorded before the one before it',
    patches: [
      { file: WRITER, find: 'this.#now = Math.max(this.#state.lastRecordedAt, now);', replace: 'this.#now = now;' },
      {
        file: FOLD,
        find: "assert(record.recordedAt >= state.lastRecordedAt, 'recorded times never go back');",
        replace: '',
      },
    ],
  },
  {
    name: 'clock believed',
    breaks: 'a clock that has jumped is not to be trusted with records',
    patches: [
      {
        file: 'src/platform/time.ts',
        find: "if (drift > TOLERANCE_MICROS || drift < -TOLERANCE_MICROS) return 'disagrees';",
        replace: '',
      },
    ],
  },
  {
    name: 'conditions skipped with several legs',
    breaks: 'a condition that does not hold refuses',
    patches: [
      {
        file: POSTING,
        find: 'if (conditions === undefined) return null;',
        replace: 'if (conditions === undefined || command.legCount > 1) return null;',
      },
    ],
  },
  {
    name: 'accounts without a bound',
    breaks: 'bounded: more accounts are opened than accounts_max',
    patches: [
      {
        file: POSTING,
        find: 'accounts.count + this.#missing.size > settings.accountsMax)',
        replace: 'accounts.count - 1 + this.#missing.size > settings.accountsMax)',
      },
    ],
  },
  {
    name: 'reopening compared with the present',
    breaks: 'an account asked for again is compared with its fields at creation',
    patches: [
      {
        file: 'src/ledger/opening.ts',
        find: 'const position = opened === 0 ? accounts.configPosition(account) : opened;',
        replace: 'const position = opened === 0 ? opened : accounts.configPosition(account);',
      },
    ],
  },
];
