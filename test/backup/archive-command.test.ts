import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTime } from '../../src/cli/backup/point.js';
import { archiveSettings } from '../../src/store/embedded/archive.js';
import { walNames } from '../../src/store/embedded/wal.js';

const NAME = '000000010000000000000007';

let folder: string;
let wal: string;

beforeEach(() => {
  // A name that a shell and Postgres's own placeholders could trip over.
  folder = mkdtempSync(join(tmpdir(), `millrace it's 100%f `));
  wal = join(folder, 'wal');
  execFileSync('mkdir', [wal]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As Postgres does it. @returns whether it is archived */
function archive(content: string): boolean {
  const source = join(folder, 'source');
  writeFileSync(source, content);
  const { archive_command: command = '' } = archiveSettings({ folder, wal });
  const run = command.replace(/%([%pf])/g, (_, what) => (what === '%' ? '%' : what === 'p' ? './source' : NAME));
  try {
    execFileSync('/bin/sh', ['-c', run], { cwd: folder, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a file of the log is archived whole, by its name and nothing beside it', () => {
  expect(archive('log\0'.repeat(1000))).toBe(true);
  expect(readdirSync(wal)).toEqual([NAME]);
  expect(readFileSync(join(wal, NAME), 'utf8')).toBe('log\0'.repeat(1000));
});

test('the same file again is archived already; another one of that name is refused and changes nothing', () => {
  expect(archive('first')).toBe(true);
  expect(archive('first')).toBe(true);
  expect(archive('other')).toBe(false);
  expect(readFileSync(join(wal, NAME), 'utf8')).toBe('first');
});

test('half a copy of a killed server is no obstacle and is never taken for the file', () => {
  writeFileSync(join(wal, `${NAME}.part`), 'half');
  expect(existsSync(join(wal, NAME))).toBe(false);
  expect(archive('whole')).toBe(true);
  expect(readdirSync(wal)).toEqual([NAME]);
});

test('an archive that is not there is a failure, so that the server keeps the file', () => {
  rmSync(wal, { recursive: true });
  expect(archive('log')).toBe(false);
});

test('files of the log follow each other over the end of a number', () => {
  expect(walNames('0000000100000000000000FE', '000000010000000100000001', 16 << 20)).toEqual([
    '0000000100000000000000FE',
    '0000000100000000000000FF',
    '000000010000000100000000',
    '000000010000000100000001',
  ]);
});

test('a time needs its zone, and keeps its microseconds', () => {
  expect(parseTime('2030-01-31T16:20:00.000001Z')).toBe(Date.UTC(2030, 0, 31, 16, 20) * 1000 + 1);
  expect(parseTime('2030-01-31T17:20:00+01:00')).toBe(Date.UTC(2030, 0, 31, 16, 20) * 1000);
  for (const text of ['2030-01-31 16:20', '2030-01-31T16:20:00', 'now', '2030-13-01T00:00:00Z']) {
    expect(() => parseTime(text)).toThrow('must be a time with its zone');
  }
});
