/** Faults of the state machine beyond money: dry runs, batches, places, times, bounds. */
import type { Fault } from '../fault.js';

const POSTING = 'src/ledger/posting.ts';
const DECIDER = 'src/ledger/decider.ts';
const BATCHING = 'src/ledger/batching.ts';
const FOLD = 'src/ledger/fold.ts';
const WRITER = 'src/ledger/writer.ts';

export const STATE_FAULTS: readonly Fault[] = [
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
        find: 'return opened === 0 ? accounts.configPosition(account) : opened;',
        replace: 'return opened === 0 ? opened : accounts.configPosition(account);',
      },
    ],
  },
  {
    name: 'expiry told as the answer',
    breaks: 'an action is answered with its own record, not with the expiry that it wrote first',
    patches: [
      {
        file: 'src/engine/shard/answer-writer.ts',
        find: 'isTransaction(kind) && kind !== RecordKind.expiry;',
        replace: 'isTransaction(kind) && kind < RecordKind.refused;',
      },
    ],
  },
];
