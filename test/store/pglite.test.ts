import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { createPgliteStore } from '../../src/store/pglite/store.js';
import { closeAll, keepsTheContract, STORE_OPTIONS } from './contract.js';

const folder = mkdtempSync('/tmp/mr-pglite-');
let databases = 0;
// Making a database takes seconds; copying an empty one does not.
const template = join(folder, 'template');
beforeAll(async () => {
  await (await PGlite.create(template)).close();
});
afterEach(closeAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a shard on PGlite', () => {
  keepsTheContract(async () => {
    const own = join(folder, String(++databases));
    cpSync(template, own, { recursive: true });
    return { open: (options) => createPgliteStore({ ...STORE_OPTIONS, ...options, folder: own }) };
  });
});
