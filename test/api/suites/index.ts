/** All suites, in the order in which they run; the last looks back on the others. */
import { describe } from 'vitest';
import type { World } from '../support/world.js';
import { accountPromises } from './accounts.js';
import { badInputPromises } from './bad-input.js';
import { batchPromises } from './batches.js';
import { consistencyPromises } from './consistency.js';
import { dryRunPromises } from './dry-runs.js';
import { formPromises } from './forms.js';
import { holdPromises } from './holds.js';
import { keyPromises } from './keys.js';
import { limitPromises } from './limits.js';
import { listPromises } from './lists.js';
import { metricsPromises } from './metrics.js';
import { problemPromises } from './problems.js';
import { racePromises } from './races.js';
import { reversalPromises } from './reversals.js';
import { sizePromises } from './sizes.js';
import { streamPromises } from './streams.js';
import { tenantPromises } from './tenants.js';
import { timePromises } from './times.js';
import { transactionPromises } from './transactions.js';

const SUITES = [
  transactionPromises,
  limitPromises,
  timePromises,
  dryRunPromises,
  holdPromises,
  reversalPromises,
  racePromises,
  keyPromises,
  batchPromises,
  accountPromises,
  listPromises,
  tenantPromises,
  consistencyPromises,
  formPromises,
  streamPromises,
  badInputPromises,
];

/** Tests share an engine and nothing else, so they run beside each other: most of their time is waiting for commits. */
export function apiPromises(world: World): void {
  describe.concurrent('the API', () => {
    for (const suite of SUITES) suite(world);
  });
  sizePromises(world);
  metricsPromises(world);
  problemPromises(world);
}
