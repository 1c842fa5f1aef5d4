import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/cli/import/checkpoint.js';
import { writeCheckpoint } from '../../src/cli/import/checkpoint.js';
import type { ImportOptions } from '../../src/cli/import.js';
import { importCommand } from '../../src/cli/import.js';
import { writeBankCsv } from '../support/bank-csv.js';
import { Sink } from '../support/sink.js';
import { StandInLedger } from '../support/stand-in-ledger.js';

const BANK_MAP = 'examples/bank.map.yaml';
const REAL_BANK = '../shared/data/bank-1993.csv';

let folder: string;
let ledger: StandInLedger;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-import-'));
  ledger = await StandInLedger.start();
});
afterEach(async () => {
  await ledger.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(file: string, map: string, more: Partial<ImportOptions> = {}) {
  const stdout = new Sink();
  const stderr = new Sink();
  const options = { file, map, url: ledger.url, key: 'right', retryForMs: 5000, ...more };
  const code = await importCommand(options, { stdout, stderr });
  return { code, out: stdout.text, err: stderr.text };
}
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
/** Every look at the clock passes so many ms, so that checkpoints are due at once. @returns the real clock */
function hurryClock(stepMs: number): () => number {
  const real = Date.now;
  let skipped = 0;
  Date.now = () => {
    skipped += stepMs;
    return real() + skipped;
  };
  return real;
}
const SIMPLE_MAP = `
idempotency_key: "{id}"
currency: EUR
amount: { value: "{amount}" }
rules: [{ debit: "{from}", credit: "{to}" }]
`;

test('a bank file becomes transactions, every balance agrees, and a second run posts none', async () => {
  const file = join(folder, 'bank.csv');
  const oracle = writeBankCsv(file, { lines: 5000, accounts: 300, seed: 7 });
  expect(await run(file, BANK_MAP)).toMatchObject({ code: 0, out: 'posted 5000, replayed 0, rejected 0\n' });
  for (const [account, balance] of oracle.balances) expect(ledger.balances.get(`customer/${account}`)).toBe(balance);
  expect([...ledger.balances.values()].reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
  expect(ledger.order[0]?.effective_at).toBe('1993-01-01T00:00:00Z');
  // Replays are told from new ones by when they were recorded, to the millisecond.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await run(file, BANK_MAP)).toMatchObject({ code: 0, out: 'posted 0, replayed 5000, rejected 0\n' });
  expect(existsSync(`${file}.millrace-progress`)).toBe(false);
});

test.runIf(existsSync(REAL_BANK))('the real book of the bank fits its mapping to the last line', async () => {
  const file = write('bank.csv', readFileSync(REAL_BANK, 'utf8'));
  expect(await run(file, BANK_MAP)).toMatchObject({ code: 0, out: 'posted 14125, replayed 0, rejected 0\n' });
});

test('lines of one account keep their order however many batches are on their way', async () => {
  // Each line spends what the line before brought: any other order is refused.
  const lines = ['id,from,to,amount'];
  for (let step = 0; step < 300; step++) {
    for (const chain of ['a', 'b', 'c', 'd', 'e']) {
      const from = step === 0 ? 'external/start' : `${chain}/${step - 1}`;
      lines.push(`${chain}${step},${from},${chain}/${step},5.00`);
    }
  }
  const file = write('chains.csv', `${lines.join('\n')}\n`);
  expect(await run(file, write('map.yaml', SIMPLE_MAP), { batch: 7 })).toMatchObject({
    code: 0,
    out: 'posted 1500, replayed 0, rejected 0\n',
  });
  expect(ledger.inFlightMax).toBeGreaterThan(1);
});

test('lines that do not fit go to the reject file with their reasons, the others are posted', async () => {
  const file = write(
    'mixed.csv',
    [
      'id,from,to,amount',
      'ok1,external/x,a,1.00',
      'many,external/x,a,1.005',
      'word,external/x,a,one',
      'zero,external/x,a,0.00',
      'minus,external/x,a,-1.00',
      'short,external/x',
      'poor,poor/1,a,5.00',
      'kéy,external/x,a,1.00',
      '"comma, ""quoted""",external/x,a,2.00',
      'bad"quote,external/x,a,2.00',
      'ok1,external/x,a,9.00',
      '',
      'ok2,external/x,a,1',
    ].join('\r\n'),
  );
  const { code, out, err } = await run(file, write('map.yaml', SIMPLE_MAP));
  expect(out).toBe('posted 3, replayed 0, rejected 9\n');
  expect(code).toBe(1);
  expect(err).toContain('mixed.csv.rejects.csv');
  expect(ledger.balances.get('a')).toBe(400n);
  const rejects = readFileSync(`${file}.rejects.csv`, 'utf8').split('\n');
  expect(rejects[0]).toBe('"id","from","to","amount","millrace_reason"');
  expect(rejects.slice(1).map((line) => line.split('","').at(-1)?.replace(/"$/, ''))).toEqual([
    'amount ""1.005"" has more than 2 decimals',
    'amount ""one"" is not a number',
    'the amount is zero',
    'the amount is negative',
    'the line has 2 fields, must have 4',
    'insufficient_funds: poor/1 would fall below its limit.',
    'the idempotency key is not 1 to 255 printable ASCII characters',
    expect.stringContaining('Invalid Opening Quote'),
    'key_reused: Another payload.',
    '',
  ]);
});

test('connections cut before and after the engine has posted, and refusals for lack of room, post nothing twice', async () => {
  const file = join(folder, 'bank.csv');
  const oracle = writeBankCsv(file, { lines: 2000, accounts: 50, seed: 11 });
  const failures = ['cut before', 'none', 'cut after', 'half overloaded', 'none', 'unavailable', 'none'] as const;
  let turn = 0;
  ledger.fail = () => failures[turn++ % failures.length] ?? 'none';
  expect(await run(file, BANK_MAP, { batch: 400 })).toMatchObject({
    code: 0,
    out: 'posted 2000, replayed 0, rejected 0\n',
  });
  for (const [account, balance] of oracle.balances) expect(ledger.balances.get(`customer/${account}`)).toBe(balance);
});

test('an import that stopped goes on behind what it has settled, and counts all of it', async () => {
  const file = join(folder, 'bank.csv');
  writeBankCsv(file, { lines: 4000, accounts: 100, seed: 3 });
  const spoilt = readFileSync(file, 'utf8').replace(';"VKLAD";', ';"UNKNOWN";');
  writeFileSync(file, spoilt);
  let batches = 0;
  // The engine goes away for good in the middle, after a checkpoint is due.
  ledger.fail = () => (++batches > 20 ? 'cut before' : 'none');
  const real = hurryClock(40);
  let stopped: Awaited<ReturnType<typeof run>>;
  try {
    stopped = await run(file, BANK_MAP, { batch: 50, retryForMs: 1 });
  } finally {
    Date.now = real;
  }
  expect(stopped.code).toBe(3);
  expect(stopped.err).toContain('Run the same command again');
  expect(existsSync(`${file}.millrace-progress`)).toBe(true);
  ledger.fail = () => 'none';
  const { code, out, err } = await run(file, BANK_MAP);
  expect(err).toContain('Going on after line');
  expect(code).toBe(1);
  const [posted = 0, replayed = 0, rejected = 0] = (out.match(/\d+/g) ?? []).map(Number);
  expect(rejected).toBe(1);
  expect(posted + replayed).toBe(3999);
  expect(ledger.order).toHaveLength(3999);
  expect(readFileSync(`${file}.rejects.csv`, 'utf8').trim().split('\n')).toHaveLength(2);
});

test('a note of an earlier run is not believed where the ledger does not hold what it names', async () => {
  const file = join(folder, 'bank.csv');
  writeBankCsv(file, { lines: 500, accounts: 10, seed: 5 });
  let batches = 0;
  ledger.fail = () => (++batches > 3 ? 'unavailable' : 'none');
  const real = hurryClock(400);
  try {
    await run(file, BANK_MAP, { batch: 50, lanes: 1, retryForMs: 1 });
  } finally {
    Date.now = real;
  }
  const [text = ''] = readFileSync(`${file}.millrace-progress`, 'utf8').split('\n');
  const note = JSON.parse(text) as Checkpoint;
  writeCheckpoint(file, { ...note, probe: { ...note.probe, id: 'txn_of_another_ledger' } });
  ledger.fail = () => 'none';
  const { out, err } = await run(file, BANK_MAP);
  expect(err).not.toContain('Going on');
  expect(out).toMatch(/^posted \d+, replayed \d+, rejected 0\n$/);
  expect(ledger.order).toHaveLength(500);
});

test('one line that makes the engine refuse a whole batch is found and rejected alone', async () => {
  const map = write('map.yaml', `${SIMPLE_MAP}reference: "{id}"\n`);
  const ids = Array.from({ length: 40 }, (_, index) => (index === 17 ? 'poison' : `line-${index}`));
  const file = write('poison.csv', `id,from,to,amount\n${ids.map((id) => `${id},external/x,a,1.00\n`).join('')}`);
  expect(await run(file, map)).toMatchObject({ code: 1, out: 'posted 39, replayed 0, rejected 1\n' });
  expect(readFileSync(`${file}.rejects.csv`, 'utf8')).toContain(
    '"poison","external/x","a","1.00","400 malformed_body: poison"',
  );
});

test.each([
  ['rules: [{ debit: "{frm}", credit: a }]', 'rules[0].debit: the file has no column "frm"; did you mean "from"?'],
  [
    'rules: [{ when: { typ: x }, debit: a, credit: b }]',
    'rules[0].when: the file has no column "typ"; known are id, from, to, amount',
  ],
  ['rules: []', 'rules: has 0 items, must have at least 1'],
  ['rulez: []', 'rulez: there is no such key; did you mean "rules"?'],
])('a mistake in the mapping is one line: %s', async (rules, line) => {
  const file = write('a.csv', 'id,from,to,amount\n');
  const map = write('map.yaml', `idempotency_key: "{id}"\ncurrency: EUR\namount: { value: "{amount}" }\n${rules}\n`);
  const { code, err } = await run(file, map);
  expect(code).toBe(2);
  expect(err).toContain(line);
  expect(err.trim().split('\n')).toHaveLength(1);
});

test('a wrong key and an engine that is not there end the import with a line each', async () => {
  const file = join(folder, 'bank.csv');
  writeBankCsv(file, { lines: 10, accounts: 2, seed: 1 });
  const wrong = await run(file, BANK_MAP, { key: 'wrong' });
  expect(wrong).toMatchObject({ code: 3, out: '' });
  expect(wrong.err).toContain('the engine refuses: 401 unauthorized');
  const away = await run(file, BANK_MAP, { url: 'http://127.0.0.1:9', retryForMs: 0 });
  expect(away.code).toBe(3);
});
