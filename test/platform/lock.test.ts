import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callEngine, isDataFolder, openLock } from '../../src/platform/lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one engine holds a folder, a second gets one line, and after closing the next one gets it', async () => {
  const data = join(folder, 'data');
  const lock = await openLock(data);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  await expect(openLock(data)).rejects.toThrow(/^another engine is running on [^\n]+; stop it/);
  await lock.close();
  await (await openLock(data)).close();
});

test('of many that start at once exactly one wins, also over the socket of a killed engine', async () => {
  await leaveSocketOfKilledEngine(folder);
  const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => openLock(folder)));
  const won = attempts.filter((attempt) => attempt.status === 'fulfilled');
  expect(won).toHaveLength(1);
  for (const attempt of won) await attempt.value.close();
});

test('a caller is answered by the engine, in its own words where it refuses', async () => {
  await expect(callEngine(folder, { do: 'ping' })).rejects.toThrow('no engine is running on');
  const lock = await openLock(folder);
  expect(isDataFolder(folder)).toBe(true);
  const early = callEngine(folder, { do: 'ping', value: 5 });
  lock.onRequest(async (request) => {
    if (request.do !== 'ping') throw new Error(`cannot ${request.do}`);
    return { pong: request.value };
  });
  expect(await early).toEqual({ pong: 5 });
  await expect(callEngine(folder, { do: 'fly' })).rejects.toThrow('cannot fly');
  await lock.close();
});

test('closing does not wait for callers that never end', async () => {
  const lock = await openLock(folder);
  const idle = connect(join(folder, 'engine.sock')).on('error', () => undefined);
  await once(idle, 'connect');
  await lock.close();
});

test('a folder with a long path has its socket elsewhere and is held all the same', async () => {
  const long = join(folder, 'x'.repeat(120));
  const lock = await openLock(long);
  lock.onRequest(() => 'here');
  await expect(openLock(long)).rejects.toThrow('another engine is running');
  expect(await callEngine(long, { do: 'ping' })).toBe('here');
  await lock.close();
});

/** A process that is killed while it listens leaves its socket behind. */
async function leaveSocketOfKilledEngine(at: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(join(at, 'engine.sock'))}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}
