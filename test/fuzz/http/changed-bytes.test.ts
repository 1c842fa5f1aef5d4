/** HTTP under fire once more, byte by byte; beside http.test.ts, so that both run at the same time. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { settings } from '../support/settings.js';
import { fuzzBytes } from './campaign.js';
import { Engines } from './engines.js';
import { reported } from './report.js';

const { requests, seed, untilMs } = settings();
const FOREVER = 2 ** 31 - 1;

describe(`with seed ${seed}`, () => {
  const engines = new Engines();
  beforeAll(() => engines.start());
  afterAll(() => engines.stop());

  it(
    'requests with bytes changed anywhere are answered alike, or refused by both',
    async () => {
      const run = fuzzBytes(engines, { seed, requests: Math.ceil(requests / 20), until: performance.now() + untilMs });
      await reported(engines, seed, run);
      await engines.mustBeWhole();
    },
    FOREVER,
  );
});
