import { describe, expect, it } from 'vitest';
import type { ApiKeyEntry } from '../../../src/engine/supervisor/messages.js';
import { KeyTable } from '../../../src/http/auth/key-table.js';
import { createApiKey, hashApiKey, parseApiKey } from '../../../src/platform/api-key.js';

function row(id: string, hash: string, changes: Partial<ApiKeyEntry> = {}): ApiKeyEntry {
  return { id, hash, merchant: 'm1', environment: 'test', book: 1, shard: 0, scopes: [], revoked: false, ...changes };
}

describe('API keys', () => {
  it('have the form that the contract names, and their id can be read off', () => {
    const key = createApiKey('live');
    expect(key.token).toMatch(/^mr_live_[0-9a-z]{12}_[0-9a-z]{32,}$/);
    expect(parseApiKey(key.token)).toEqual({ environment: 'live', id: key.id });
    expect(hashApiKey(key.token)).toBe(key.hash);
    expect(key.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are never the same twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => createApiKey('test').token)).size).toBe(1000);
  });

  it.each(['', 'mr_test_', 'mr_prod_000000000000_00000000000000000000000000000000', 'sk_live_1', 'mr_test_0_0'])(
    'are not read from %j',
    (text) => expect(parseApiKey(text)).toBeNull(),
  );
});

describe('the table of keys', () => {
  const { token, id, hash } = createApiKey('test');
  const header = `Bearer ${token}`;

  it('knows the sender, the first time and every time after', () => {
    const table = new KeyTable([row(id, hash, { scopes: ['force'] })]);
    const principal = { keyId: id, merchant: 'm1', environment: 'test', book: 1, shard: 0, scopes: ['force'] };
    expect(table.authenticate(header)).toEqual(principal);
    expect(table.authenticate(header)).toEqual(principal);
    expect(table.authenticate(`bearer  ${token}`)).toEqual(principal);
  });

  it('tells senders apart who come in turn', () => {
    const other = createApiKey('test');
    const table = new KeyTable([row(id, hash), row(other.id, other.hash, { merchant: 'm2', book: 2 })]);
    for (let round = 0; round < 4; round++) {
      expect(table.authenticate(header)?.merchant).toBe('m1');
      expect(table.authenticate(`Bearer ${other.token}`)?.merchant).toBe('m2');
      expect(table.authenticate(`Bearer ${other.token}`)?.merchant).toBe('m2');
    }
  });

  it('refuses every other secret, also after the right one was seen', () => {
    const table = new KeyTable([row(id, hash)]);
    for (let round = 0; round < 3; round++) {
      for (let index = header.length - 32; index < header.length; index++) {
        const changed = header[index] === '0' ? '1' : '0';
        expect(table.authenticate(header.slice(0, index) + changed + header.slice(index + 1))).toBeNull();
      }
      expect(table.authenticate(`${header}0`)).toBeNull();
      expect(table.authenticate(header.slice(0, -1))).toBeNull();
      expect(table.authenticate(header)).not.toBeNull();
    }
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Basic ${'a'.repeat(60)}`,
    'Bearer mr_test_000000000000_00000000000000000000000000000000',
    token,
  ])('refuses %j', (text) => expect(new KeyTable([row(id, hash)]).authenticate(text)).toBeNull());

  it('refuses a key in the other environment', () => {
    const table = new KeyTable([row(id, hash)]);
    expect(table.authenticate(header.replace('mr_test', 'mr_live'))).toBeNull();
  });

  it('hears what was pushed before it refuses a key that it does not know, and asks for nothing else', () => {
    const pushed = [row(id, hash)];
    let heard = 0;
    const table: KeyTable = new KeyTable([], () => {
      heard++;
      table.update(pushed.splice(0));
    });
    expect(table.authenticate('Bearer nothing')).toBeNull();
    expect(heard).toBe(0);
    expect(table.authenticate(header)?.keyId).toBe(id);
    expect(table.authenticate(header)?.keyId).toBe(id);
    expect(heard).toBe(1);
    expect(table.authenticate(`Bearer ${createApiKey('test').token}`)).toBeNull();
    expect(heard).toBe(2);
  });

  it('refuses a revoked key from the next request on', () => {
    const table = new KeyTable([row(id, hash)]);
    for (let round = 0; round < 3; round++) expect(table.authenticate(header)).not.toBeNull();
    const { version } = table;
    table.update([row(id, hash, { revoked: true })]);
    expect(table.authenticate(header)).toBeNull();
    expect(table.version).toBeGreaterThan(version);
    table.replace([row(id, hash)]);
    expect(table.authenticate(header)).not.toBeNull();
    table.replace([]);
    expect(table.authenticate(header)).toBeNull();
  });
});
