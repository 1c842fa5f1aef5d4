import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { clearRemains, runningPostmaster } from '../../src/store/embedded/postmaster.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-postmaster-'));
const file = join(folder, 'postmaster.pid');
const lock = join(folder, '.s.PGSQL.5432.lock');
afterEach(() => {
  for (const each of [file, lock]) rmSync(each, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A process that has ended, and whose parent does not ask for it: that is no shell any more when the child ends. */
async function zombie(): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim() === 'sleep');
  process.kill(pid, 'SIGKILL');
  await until(() => /\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  return {
    pid,
    end: async () => {
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    },
  };
}

/** Known by its name and by where it works. */
async function serverIn(cwd: string) {
  const server = spawn(process.execPath, ['-e', 'process.title = "postgres"; setInterval(() => 0, 1000)'], { cwd });
  await until(() => readFileSync(`/proc/${server.pid}/comm`, 'utf8').trim() === 'postgres');
  return server;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test.each([
  ['a zombie', zombie],
  ['another program', async () => ({ pid: process.pid, end: async () => undefined })],
])('files with the number of %s go: Postgres would take it for a server that runs', async (_, process) => {
  const { pid, end } = await process();
  for (const each of [file, lock]) writeFileSync(each, `${pid}\n${folder}\n`);
  expect(runningPostmaster(folder)).toBe(0);
  expect([existsSync(file), existsSync(lock)]).toEqual([true, true]);
  await clearRemains(folder, lock);
  expect([existsSync(file), existsSync(lock)]).toEqual([false, false]);
  await end();
});

test('a pid file of a process that is gone stays: by it Postgres finds what still holds its memory', async () => {
  const ended = spawn('true');
  await once(ended, 'exit');
  writeFileSync(file, `${ended.pid}\n${folder}\n`);
  await clearRemains(folder, lock);
  expect(existsSync(file)).toBe(true);
});

test('files of a server that runs stay', async () => {
  const server = await serverIn(folder);
  for (const each of [file, lock]) writeFileSync(each, `${server.pid}\n${folder}\n`);
  expect(runningPostmaster(folder)).toBe(server.pid);
  await clearRemains(folder, lock);
  expect([existsSync(file), existsSync(lock)]).toEqual([true, true]);
  server.kill('SIGKILL');
});

test('backends at work in the folder are waited for', async () => {
  const { pid, end } = await zombie();
  writeFileSync(file, `${pid}\n${folder}\n`);
  const working = await serverIn(folder);
  let cleared = false;
  const clearing = clearRemains(folder, lock).then(() => {
    cleared = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(cleared).toBe(false);
  expect(existsSync(file)).toBe(true);
  working.kill('SIGKILL');
  await clearing;
  expect(existsSync(file)).toBe(false);
  await end();
});
