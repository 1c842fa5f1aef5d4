/** An import that is cut off anywhere and run again: each line is posted once, none is left out. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCheckpoint } from '../../../src/cli/import/checkpoint.js';
import type { ImportOptions } from '../../../src/cli/import.js';
import { importCommand } from '../../../src/cli/import.js';
import { Sink } from '../../support/sink.js';
import { StandInLedger } from '../../support/stand-in-ledger.js';

const MAP = `
idempotency_key: "{id}"
currency: EUR
amount: { value: "{amount}" }
reference: "{note}"
rules: [{ debit: "external/x", credit: "{to}" }]
`;
/** What makes bytes and lines differ: a byte order mark, both ends of lines, a line over several, letters of several bytes. */
const ROWS = [
  ['l0', 'alice', '1.00', 'plain\n'],
  ['l1', 'bob', '2.50', '"with, comma and ""quotes"""\r\n'],
  ['l2', 'alice', '3.00', '"two\nlines"\n'],
  ['l3', 'alice', 'many', 'no amount\n'],
  ['l3', 'a"lice', '3.00', 'a quote where none may be, then l9,alice,3.00,x\n'],
  ['l4', 'carol', '4.00', 'Größe 😀\r\n\r\n'],
  ['l5', 'bob', '5.25', '\n'],
  ['l6', 'alice', '6.00', 'the last without an end'],
] as const;
const TEXT = `\ufeffid,to,amount,note\n${ROWS.map((row) => row.join(',')).join('')}`;
const GOOD = ROWS.map(([id]) => id).filter((id) => id !== 'l3');

let folder: string;
let file: string;
let ledger: StandInLedger;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-resume-'));
  file = join(folder, 'a.csv');
  writeFileSync(join(folder, 'map.yaml'), MAP);
  ledger = await StandInLedger.start();
});
afterEach(async () => {
  await ledger.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(more: Partial<ImportOptions> = {}) {
  const stdout = new Sink();
  const stderr = new Sink();
  const options = { file, map: join(folder, 'map.yaml'), url: ledger.url, key: 'right', retryForMs: 5000, ...more };
  const code = await importCommand(options, { stdout, stderr });
  return { code, out: stdout.text, err: stderr.text };
}

/** Stops for good at the given request, which the ledger has done or not; a note is written after every line before. */
async function stopAt(request: number, how: 'cut before' | 'cut after'): Promise<void> {
  const real = Date.now;
  let skipped = 0;
  Date.now = () => {
    skipped += 2_000;
    return real() + skipped;
  };
  let requests = 0;
  ledger.fail = () => (++requests >= request ? how : 'none');
  try {
    expect((await run({ batch: 1, lanes: 1, retryForMs: 1 })).code).toBe(3);
  } finally {
    Date.now = real;
    ledger.fail = () => 'none';
  }
}

const postedIds = (): string[] => ledger.order.map((item) => item.idempotency_key);

test.each(['cut before', 'cut after'] as const)(
  'stopped at any line (%s it was posted), it goes on behind the lines that are settled',
  async (how) => {
    for (let request = 1; request <= GOOD.length; request++) {
      await ledger.stop();
      ledger = await StandInLedger.start();
      writeFileSync(file, TEXT);
      await stopAt(request, how);
      expect(postedIds()).toEqual(GOOD.slice(0, how === 'cut after' ? request : request - 1));
      const { code, out, err } = await run();
      expect(err.includes('Going on after line'), `request ${request}`).toBe(request > 1);
      expect(code).toBe(1);
      const [posted = 0, replayed = 0, rejected = 0] = (out.match(/\d+/g) ?? []).map(Number);
      expect([posted + replayed, rejected]).toEqual([GOOD.length, 2]);
      // Each account's lines in their order; those of different ones go side by side.
      expect(postedIds().sort()).toEqual(GOOD);
      expect(readFileSync(`${file}.rejects.csv`, 'utf8').match(/l3/g)).toHaveLength(2);
    }
  },
);

test('a note that was cut off at any byte, or has another byte anywhere, is not believed', async () => {
  writeFileSync(file, TEXT);
  await stopAt(5, 'cut after');
  const note = `${file}.millrace-progress`;
  const whole = readFileSync(note);
  const { job } = JSON.parse(whole.toString().split('\n')[0] ?? '') as { readonly job: string };
  const sound = readCheckpoint(file, job);
  expect(sound?.start.lines).toBeGreaterThan(1);
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(note, whole.subarray(0, length));
    expect(readCheckpoint(file, job), `${length} bytes`).toBeNull();
  }
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (whole[at] ?? 0) ^ 1;
    writeFileSync(note, changed);
    expect(readCheckpoint(file, job), `byte ${at}`).toBeNull();
  }
});

test('a file that was cut off at any byte and arrives whole later has each of its lines posted once', async () => {
  const whole = Buffer.from(TEXT);
  const header = Buffer.from(TEXT.slice(0, TEXT.indexOf('\n') + 1)).length;
  for (let length = header; length <= whole.length; length++) {
    await ledger.stop();
    ledger = await StandInLedger.start();
    rmSync(`${file}.rejects.csv`, { force: true });
    writeFileSync(file, whole.subarray(0, length));
    await run();
    const first = postedIds();
    writeFileSync(file, whole);
    const { code } = await run();
    expect(code).toBe(1);
    expect(postedIds().sort(), `${length} bytes`).toEqual(GOOD);
    // A line whose end was missing looked like another one: that one stands, and the whole line is shown as refused.
    const rejects = readFileSync(`${file}.rejects.csv`, 'utf8');
    const refused = GOOD.filter((id) => rejects.includes(`"${id}"`));
    const cut = ledger.order.filter((item) => {
      const [, to = '', amount = '', note = ''] = ROWS.find(([id]) => id === item.idempotency_key) ?? [];
      const [leg] = item.legs;
      const reference = note.trim().replace(/^"|"$/g, '').replaceAll('""', '"');
      return leg?.credit !== to || leg.amount !== amount.replace('.', '') || (item.reference ?? '') !== reference;
    });
    expect(refused).toEqual(cut.map((item) => item.idempotency_key));
    expect(first.length).toBeGreaterThanOrEqual(cut.length);
    expect(cut.length).toBeLessThanOrEqual(1);
  }
}, 60_000);
