import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { createPostgresStore } from '../../src/store/postgres/store.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres } from '../support/postgres.js';
import { closeAll, keepsTheContract, STORE_OPTIONS } from './contract.js';

let server: TestPostgres;
beforeAll(async () => {
  server = await startTestPostgres();
});
afterEach(closeAll);
afterAll(() => server.stop());

describe('a shard on Postgres', () => {
  keepsTheContract(async () => {
    const url = await server.createDatabase();
    return {
      open: (options) =>
        createPostgresStore({
          ...STORE_OPTIONS,
          ...options,
          url,
          commitDeadlineMs: 5_000,
          durability: { acceptLoss: false },
          connectionsMax: 2,
        }),
    };
  });
});
