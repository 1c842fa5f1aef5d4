/** The API of the engine as it runs by default: two embedded Postgres shards behind uWebSockets.js. */
import { afterAll, beforeAll, describe } from 'vitest';
import { apiPromises } from './suites/index.js';
import { World } from './support/world.js';

describe('by default', () => {
  const world = new World();
  beforeAll(() => world.start({ store: 'embedded', server: 'uws' }));
  afterAll(() => world.stop());
  apiPromises(world);
});
