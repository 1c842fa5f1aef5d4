import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parsePgbench, startPgbench } from '../../bench/pgbench.js';
import { startTestPostgres, type TestPostgres, withClient } from '../support/postgres.js';

/** As version 18 prints it with `-T 8`. */
const OUTPUT = `pgbench (18.4)
transaction type: <builtin: TPC-B (sort of)>
scaling factor: 10
query mode: simple
number of clients: 20
number of threads: 2
maximum number of tries: 1
duration: 8 s
number of transactions actually processed: 26757
number of failed transactions: 0 (0.000%)
latency average = 5.979 ms
initial connection time = 31.554 ms
tps = 3344.825062 (without initial connection time)
`;

describe('what pgbench prints', () => {
  it('has the rate without the time for connecting', () => {
    expect(parsePgbench(OUTPUT)).toBe(3344.825062);
  });

  it.each([
    ['nothing', ''],
    ['another script', OUTPUT.replace('TPC-B (sort of)', 'simple update')],
    ['a version before 14', OUTPUT.replace('without initial connection time', 'excluding connections establishing')],
    ['two rates', `${OUTPUT}tps = 1.000000 (without initial connection time)\n`],
    ['a rate that is none', OUTPUT.replace('3344.825062', 'nan')],
    ['no transaction', OUTPUT.replace('3344.825062', '0.000000')],
    ['transactions that failed', OUTPUT.replace('transactions: 0 (', 'transactions: 3 (')],
  ])('is refused where it is of %s', (_what, output) => {
    expect(() => parsePgbench(output)).toThrow(/did not print the rate of a whole TPC-B/);
  });
});

describe('pgbench', () => {
  let postgres: TestPostgres;
  let folder: string;
  let said: string[];

  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-pgbench-'));
    said = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = () => startPgbench(postgres.url(), (line) => said.push(line), folder);
  const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n');
  const databases = (): Promise<string[]> =>
    withClient(postgres.url(), async (client) => {
      const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database ORDER BY datname');
      return rows.map(({ datname }) => datname);
    });

  /** A program that notes how it is called and does as the lines say. */
  const standIn = (lines: string): void => {
    const file = join(folder, 'pgbench');
    writeFileSync(file, `#!/bin/sh\necho "$@" >>'${folder}/calls'\n${lines}\n`);
    chmodSync(file, 0o755);
  };

  it('has its tables in a database of its own, which is dropped afterwards', async () => {
    standIn(`echo '${OUTPUT}'`);
    const before = await databases();
    const pgbench = await start();
    expect(await databases()).toContain('pgbench');
    expect(await pgbench?.run(8)).toBe(3344.825062);
    await pgbench?.stop();
    expect(await databases()).toEqual(before);
    const url = `postgres://.*/pgbench`;
    expect(calls()).toEqual([
      '--version',
      expect.stringMatching(`^-i -q -s 10 ${url}$`),
      expect.stringMatching(`^-c 20 -j 2 -T 1 ${url}$`),
      expect.stringMatching(`^-c 20 -j 2 -T 8 ${url}$`),
    ]);
    expect(said).toEqual([]);
  });

  it('that is not installed is left out, and one line says so', async () => {
    expect(await start()).toBeNull();
    expect(said).toEqual(['pgbench is not installed: its TPC-B is left out']);
    expect(existsSync(join(folder, 'calls'))).toBe(false);
  });

  it.each([
    ['does not get to the server', 'if [ "$1" = -i ]; then echo "no such\nserver" >&2; exit 1; fi', /no such; server/],
    ['prints something else', 'echo hello', /did not print the rate of a whole TPC-B: hello/],
  ])('that %s is left out, one line says why, and nothing of it stays', async (_what, lines, why) => {
    standIn(lines);
    const before = await databases();
    expect(await start()).toBeNull();
    expect(said).toEqual([expect.stringMatching(why)]);
    expect(said[0]).not.toContain('\n');
    expect(await databases()).toEqual(before);
  });
});
