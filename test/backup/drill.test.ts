/**
 * The drill: a ledger under load is backed up, killed and lost with its folder, and restored to a second that was noted
 * while the load went on.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findBackups } from '../../src/cli/backup/manifest.js';
import { reachOf } from '../../src/cli/backup/reach.js';
import { SlotMap } from '../../src/engine/slot.js';
import { configOf } from '../../src/platform/config/config.js';
import { gone, millrace, until } from '../crash/support/processes.js';
import { Api } from '../support/api.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { Diary } from './support/diary.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const slots = SlotMap.of(configOf({}, '/').shards);
/** A merchant of each shard. */
const merchants = [0, 1].map((shard) => {
  for (let number = 1; ; number++) if (slots.shardOf(`merchant-${number}`) === shard) return `merchant-${number}`;
});

let folder: string;
let dataDir: string;
let archive: string;
let env: Readonly<Record<string, string>>;
let engine: RunningEngine;
let diaries: readonly Diary[];
/** The noted moment, ms. */
let noted: number;
let devKey: string;
let keyBefore: string;
let keyAfter: string;

const text = (ms: number): string => new Date(ms).toISOString();
const restore = (args: readonly string[], into = dataDir) =>
  millrace(['restore', archive, ...args], { ...env, MILLRACE_DATA_DIR: into });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-drill-'));
  await chmod(folder, 0o755);
  dataDir = join(folder, 'data');
  archive = join(folder, 'archive');
  env = { MILLRACE_BACKUP__ARCHIVE: archive, MILLRACE_BACKUP__INTERVAL: '1s', MILLRACE_DATA_DIR: dataDir };
  engine = await startEngine({ dataDir, env });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test('a backup is made under load, without a refusal', async () => {
  expect(engine.log()).toContain('holds no backup of this ledger yet');
  diaries = await Promise.all(merchants.map(async (name) => new Diary(engine.url, await engine.createKey(name), name)));
  for (const diary of diaries) diary.start();
  await Promise.all(diaries.map((diary) => diary.posted(100)));
  const before = diaries.map((diary) => diary.entries.length);
  const { code, out, err } = await millrace(['backup'], env);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/2 shards, [\d.]+ MB in [\d.]+ s\n {2}restores to any time from/);
  expect(diaries.every((diary, index) => diary.entries.length > (before[index] ?? 0) + 10)).toBe(true);
  expect(diaries.flatMap(({ refused }) => refused)).toEqual([]);
});

test('while an engine runs on a folder, nothing is restored into it', async () => {
  const { code, err } = await restore([]);
  expect(code).toBe(3);
  expect(err).toMatch(/^millrace: an engine is running on .*; a restore needs an empty folder\n$/);
});

test('everything is killed and the data folder is lost, after a moment that was noted', async () => {
  devKey = readFileSync(join(dataDir, 'dev-key'), 'utf8');
  keyBefore = await engine.createKey('made-before');
  await Promise.all(diaries.map((diary) => diary.posted(100)));
  noted = await nextSecond();
  await Promise.all(diaries.map((diary) => diary.posted(100)));
  keyAfter = await engine.createKey('made-after');
  const [backup] = findBackups(archive);
  if (backup === undefined) throw new Error('there is no backup');
  // So much of what came after is archived too, and must be left out.
  const now = Date.now();
  await until('the archive holds what came after', () =>
    reachOf(backup).every(({ reached }) => reached.at / 1000 > now),
  );
  for (const diary of diaries) diary.finish();
  const servers = ['shard-0', 'shard-1'].map((name) =>
    Number.parseInt(readFileSync(join(dataDir, 'postgres', name, 'data', 'postmaster.pid'), 'utf8'), 10),
  );
  await engine.kill();
  for (const pid of servers) process.kill(pid, 'SIGKILL');
  await Promise.all([...servers.map(gone), ...diaries.map((diary) => diary.stop())]);
  rmSync(dataDir, { recursive: true });
  expect(existsSync(dataDir)).toBe(false);
});

test('a time that the archive does not hold is refused in one line, and nothing is made', async () => {
  const early = await restore(['--to', '2020-01-01T00:00:00Z']);
  expect(early).toMatchObject({ code: 2, err: expect.stringMatching(/^millrace: --to: lies before .*\n$/) });
  const late = await restore(['--to', '2100-01-01T00:00:00Z']);
  expect(late).toMatchObject({ code: 2, err: expect.stringMatching(/^millrace: --to: lies after .* shard-[01]\n$/) });
  expect(existsSync(dataDir)).toBe(false);
});

test('the ledger is restored to that moment, in both shards, and verifies', async () => {
  const { code, out, err } = await restore(['--to', text(noted)]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain(`restored ${dataDir} to ${text(noted).replace('Z', '000Z')}`);
  expect(out).toMatch(/ {2}shard-0 {2}ends with position \d+.*\n {2}shard-1 {2}ends with position \d+/);
  expect(out).toMatch(/RPO [\d.]+ s.*\n.*RTO [\d.]+ s/);
  process.stdout.write(out);
  const verified = await millrace(['verify'], env);
  expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('all true') });
});

test('an engine starts on it: what was answered before that moment is there, what was asked after it is not', async () => {
  engine = await startEngine({ dataDir, env });
  for (const diary of diaries) {
    diary.moveTo(engine.url);
    const before = diary.entries.filter(({ answeredAt }) => answeredAt < noted);
    const after = diary.entries.filter(({ sentAt }) => sentAt > noted);
    expect(before.length).toBeGreaterThan(200);
    expect(after.length).toBeGreaterThan(50);
    const found = await diary.found();
    expect(before.filter(({ id }) => !found.has(id))).toEqual([]);
    expect(after.filter(({ id }) => found.has(id))).toEqual([]);
    const amount = diary.entries.reduce((sum, entry) => sum + (found.has(entry.id) ? entry.amount : 0), 0);
    expect(await diary.balance()).toBe(amount);
    expect(await diary.replays(before.slice(-20))).toBe(true);
  }
});

test('keys of before work, keys of after do not, and the first key is what it was', async () => {
  expect(readFileSync(join(dataDir, 'dev-key'), 'utf8')).toBe(devKey);
  expect((await new Api(engine.url, devKey.trim()).get('/v1/accounts')).status).toBe(200);
  expect((await new Api(engine.url, keyBefore).get('/v1/accounts')).status).toBe(200);
  expect((await new Api(engine.url, keyAfter).get('/v1/accounts')).status).toBe(401);
});

test('a Consistency-Token of the time that is gone is answered 410', async () => {
  for (const diary of diaries) {
    const answer = await diary.api.get('/v1/accounts', { headers: { 'Consistency-Token': diary.lastToken } });
    expect(answer).toMatchObject({ status: 410, body: { code: 'restored' } });
  }
});

test('the restored ledger posts, also what was lost and is sent again; ids of what was lost are of nothing; it archives into a history of its own', async () => {
  for (const diary of diaries) {
    const lost = diary.entries.filter(({ sentAt }) => sentAt > noted);
    expect(await diary.postsAnew(lost.slice(0, 5))).toBe(true);
    // Others stand where the lost ones stood.
    const found = await diary.found();
    expect(lost.filter(({ id }) => found.has(id))).toEqual([]);
    const action = await diary.api.post(`/v1/transactions/${lost[0]?.id}/reverse`, {});
    expect(action).toMatchObject({ status: 404, body: { code: 'unknown_transaction' } });
  }
  const { code } = await millrace(['backup'], env);
  expect(code).toBe(0);
  const histories = findBackups(archive).map(({ manifest }) => manifest.shards.map(({ history }) => history).join());
  expect(new Set(histories).size).toBe(2);
});

/** The start of the second that comes, ms: what an operator would write down. */
async function nextSecond(): Promise<number> {
  const second = (Math.floor(Date.now() / 1000) + 1) * 1000;
  await until('the second has come', () => Date.now() > second);
  return second;
}
