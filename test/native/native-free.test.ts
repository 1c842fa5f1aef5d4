/** The variant without native code, as the system sees it: which files are mapped into the engine's process. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Api } from '../support/api.js';
import { startEngine } from '../support/engine.js';

/** Native modules of Node, the libraries of a Postgres server, and any other shared object of a package. */
const NATIVE = /\.node$|node_modules\/.*\.so(\.\d+)*$/;

test('the variant without native code loads none: no module of Node, no library of a package', async () => {
  const engine = await startEngine({ store: 'pglite', server: 'node' });
  try {
    const api = new Api(engine.url, engine.key);
    // Everything that is loaded at first use is loaded now: a posting, a read of memory, one of SQL, a replay, msgpack.
    const first = await api.transfer('external/card', 'customer/1', 100, {}, { key: 'once' });
    expect(first.status).toBe(201);
    expect((await api.transfer('external/card', 'customer/1', 100, {}, { key: 'once' })).text).toBe(first.text);
    expect((await api.get('/v1/accounts/customer%2F1')).body.balances.posted).toBe(100);
    expect((await api.get('/v1/accounts/customer%2F1/entries')).status).toBe(200);
    expect((await api.get('/v1/transactions', { headers: { Accept: 'application/msgpack' } })).status).toBe(200);
    const mapped = readFileSync(`/proc/${await engine.enginePid()}/maps`, 'utf8');
    const files = new Set(mapped.split('\n').map((line) => line.slice(73)));
    expect([...files].filter((file) => NATIVE.test(file))).toEqual([]);
  } finally {
    await engine.dispose();
  }
});
