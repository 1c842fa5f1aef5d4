/** Checkpoints and receipts by the command line, of a real engine that runs, and after it has stopped. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import { createPgSql } from '../../src/store/postgres/sql.js';
import type { Sql } from '../../src/store/sql.js';
import { Api } from '../support/api.js';
import { type RunningEngine, startEngine } from '../support/engine.js';
import { sealAgain } from '../support/seals.js';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');

describe.each([
  ['embedded', 'uws'],
  ['pglite', 'node'],
] as const)('the command line beside an engine on %s', (store, server) => {
  let engine: RunningEngine;
  let folder: string;
  let transaction: string;
  const at = (name: string): string => join(folder, name);

  const run = (...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> =>
    new Promise((done) => {
      const env = { ...process.env, MILLRACE_DATA_DIR: engine.dataDir, MILLRACE_STORE__KIND: store };
      const child = execFile(process.execPath, [MAIN, ...args], { env, cwd: tmpdir() }, (_error, out, err) =>
        done({ code: child.exitCode ?? -1, out: out + err }),
      );
    });

  function makeKey(name: string): void {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(at(`${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(at(`${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mr-evidence-'));
    makeKey('own');
    makeKey('other');
    engine = await startEngine({ store, server });
    const api = new Api(engine.url, engine.key);
    for (let amount = 1; amount <= 20; amount++) {
      const answer = await api.transfer('bank', 'customer/1', amount, {
        metadata: { order: `A-${amount}` },
        open_accounts: { bank: { min_balance: null }, 'customer/1': {} },
      });
      expect(answer.status).toBe(201);
      transaction = answer.body.id as string;
    }
  }, 90_000);
  afterAll(async () => {
    await engine?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('exports a signed checkpoint and finds history to be the one that was signed', async () => {
    expect(await run('checkpoint', 'export', at('c.json'), '--sign', at('own.pem'))).toMatchObject({ code: 0 });
    const verified = await run('checkpoint', 'verify', at('c.json'), '--public-key', at('own.pub'));
    expect(verified).toMatchObject({ code: 0, out: expect.stringMatching(/^(true .*\n)+$/) });
    expect(await run('checkpoint', 'verify', at('c.json'), '--public-key', at('other.pub'))).toMatchObject({ code: 1 });
    // A file that is there is never written over.
    expect(await run('checkpoint', 'export', at('c.json'), '--sign', at('own.pem'))).toMatchObject({ code: 2 });
  });

  it('does not take a checkpoint whose place was changed', async () => {
    const content = JSON.parse(readFileSync(at('c.json'), 'utf8')) as { checkpoints: { position: number }[] };
    for (const point of content.checkpoints) point.position++;
    writeFileSync(at('changed.json'), JSON.stringify(content));
    const verified = await run('checkpoint', 'verify', at('changed.json'), '--public-key', at('own.pub'));
    expect(verified).toMatchObject({ code: 1, out: expect.stringMatching(/signature/) });
  });

  it('writes a receipt that verifies offline, and not after a change of anything in it', async () => {
    const receipt = at('r.json');
    expect(await run('receipt', transaction, '--sign', at('own.pem'), '--output', receipt)).toMatchObject({ code: 0 });
    expect(await run('receipt', 'verify', receipt, '--public-key', at('own.pub'))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/signed .* for txn_/),
    });
    expect(await run('receipt', 'verify', receipt)).toMatchObject({ code: 0 });
    expect(await run('receipt', 'verify', receipt, '--public-key', at('other.pub'))).toMatchObject({ code: 1 });
    expect(readFileSync(receipt, 'utf8')).toContain('\\"order\\":\\"A-20\\"');
    writeFileSync(at('changed-r.json'), readFileSync(receipt, 'utf8').replace('A-20', 'A-21'));
    expect(await run('receipt', 'verify', at('changed-r.json'))).toMatchObject({ code: 1 });
    expect(await run('receipt', `txn_${'0'.repeat(26)}`)).toMatchObject({ code: 1 });
  }, 60_000);

  // A PGlite database is the engine's alone: nobody can write behind its back while it runs.
  if (store === 'embedded')
    it('is told by the checkpoint where all digests were computed again behind the engine', async () => {
      const urls = locateEmbedded(engine.dataDir, ['shard-0', 'shard-1']) ?? {};
      for (const url of Object.values(urls)) await rewrite(createPgSql({ url, applicationName: 'test' }));
      const verified = await run('verify');
      expect(verified.out).toMatch(/true {2}every batch of records gives its digest/);
      expect(await run('checkpoint', 'verify', at('c.json'), '--public-key', at('own.pub'))).toMatchObject({
        code: 1,
        out: expect.stringMatching(/was rewritten/),
      });
    }, 60_000);
});

/** The first row of each shard says another time. */
async function rewrite(sql: Sql): Promise<void> {
  await sql.query(`UPDATE log SET recorded_at = recorded_at - '1 second'::interval WHERE position = 1`);
  await sealAgain(sql, 1);
  await sql.close();
}
