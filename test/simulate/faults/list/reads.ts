/** Faults of statements and lists. */
import type { Fault } from '../fault.js';

const STATEMENT = 'src/folds/read/statement.ts';

export const READ_FAULTS: readonly Fault[] = [
  {
    name: 'page begins one too late',
    breaks: 'a statement is whole: its pages follow one on another without a gap',
    patches: [
      {
        file: STATEMENT,
        find: 'if (lines.length === query.limit) return { data: await toEntries(names, lines), next: lastSequence };',
        replace:
          'if (lines.length === query.limit) return { data: await toEntries(names, lines), next: toNumber(line.row.sequence) };',
      },
    ],
  },
  {
    name: 'lists do not wait for their fold',
    breaks: 'a read with a token is not older than the token',
    patches: [
      {
        file: 'src/folds/read/shard-reader.ts',
        find: '    const deadline = performance.now() + timeoutMs;',
        replace: '    if (timeoutMs > 0) return true;\n    const deadline = performance.now() + timeoutMs;',
      },
    ],
  },
  {
    name: 'statement forgets what was released',
    breaks: 'each line of a statement says how the account stood after it',
    patches: [
      {
        file: 'src/folds/read/row.ts',
        find: 'if (takesPending(row.kind)) pending -= leg.amount + leg.released;',
        replace: 'if (takesPending(row.kind)) pending -= leg.amount;',
      },
    ],
  },
];
