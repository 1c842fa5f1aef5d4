/**
 * `npm run restart -- --accounts N --transactions M`: how soon an engine is ready again with a large book behind it.
 * Without options: 1,000,000 accounts and 10,000,000 transactions, which takes some minutes and 8 GB of disk.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '1000000' },
    transactions: { type: 'string', default: '10000000' },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9][0-9]*$/.test(value)) {
    console.error(`--${name}: is "${value}", must be a whole number from 1`);
    process.exit(2);
  }
  process.env[`MILLRACE_TEST_RESTART_${name.toUpperCase()}`] = value;
}
const vitest = await startVitest('test', ['test/restart'], { watch: false, config: 'vitest.long.config.ts' });
await vitest.close();
