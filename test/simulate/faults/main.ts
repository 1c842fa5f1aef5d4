import { parseArgs } from 'node:util';
import { runFaults } from './run.js';

const { values } = parseArgs({
  options: { only: { type: 'string' }, seed: { type: 'string' }, seeds: { type: 'string' } },
});
const { only, seed, seeds } = values;
const ok = await runFaults({
  ...(only === undefined ? {} : { only }),
  ...(seed === undefined ? {} : { firstSeed: Number(seed) }),
  ...(seeds === undefined ? {} : { seeds: Number(seeds) }),
});
process.exitCode = ok ? 0 : 1;
