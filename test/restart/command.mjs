/** `npm run restart -- --accounts N --transactions M`: how soon an engine is ready again with a large book behind it. */
import { runLongTests } from '../support/long-tests.mjs';

await runLongTests('restart', 'How soon an engine is ready again with a large book behind it; 8 GB of disk.', {
  accounts: { what: 'accounts in the book', otherwise: 1_000_000 },
  transactions: { what: 'transactions behind them', otherwise: 10_000_000 },
});
