/**
 * `npm run fuzz -- --requests N --seed S --minutes M`: the fuzz tests, longer than in the ordinary suite.
 * Without options: 100,000 requests from a new seed, as long as it takes.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
    minutes: { type: 'string', default: '60' },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9][0-9]*$/.test(value)) {
    console.error(`--${name}: is "${value}", must be a whole number from 1`);
    process.exit(2);
  }
  process.env[`MILLRACE_TEST_FUZZ_${name.toUpperCase()}`] = value;
}
console.log(`seed ${values.seed}`);
const vitest = await startVitest('test', ['test/fuzz'], { watch: false, config: 'vitest.long.config.ts' });
await vitest.close();
