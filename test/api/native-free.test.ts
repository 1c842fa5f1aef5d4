/** The same API from the engine without native code: PGlite behind node:http. */
import { afterAll, beforeAll, describe } from 'vitest';
import { apiPromises } from './suites/index.js';
import { World } from './support/world.js';

describe('without native code', () => {
  const world = new World();
  beforeAll(() => world.start({ store: 'pglite', server: 'node' }));
  afterAll(() => world.stop());
  apiPromises(world);
});
