import type { ImportWorkload } from './workload.js';

export const importFile: ImportWorkload = {
  kind: 'import',
  name: 'import',
  title: '`millrace import` of a CSV file, a transaction a line, as an operator runs it',
  seed: 113,
  merchants: 1,
  accounts: 10_000,
  transactionsPerRequest: 1,
  lines: 500_000,
};
