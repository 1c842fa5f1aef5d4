/** The reader of CSV files against the parser read at once, resumed behind every line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMap } from '../../../src/cli/import/map.js';
import { type FileLine, readColumns, readLines, type Start } from '../../../src/cli/import/reader.js';
import { settings } from '../support/settings.js';

const { seed, times } = settings();
let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-csv-'));
  file = join(folder, 'a.csv');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function mapOf() {
  const path = join(folder, 'map.yaml');
  writeFileSync(
    path,
    'idempotency_key: "{id}"\ncurrency: EUR\namount: { value: "1" }\nrules: [{ debit: a, credit: b }]\n',
  );
  return readMap(path);
}

async function linesFrom(start: Start): Promise<FileLine[]> {
  const lines: FileLine[] = [];
  for await (const line of readLines(file, mapOf(), start)) lines.push(line);
  return lines;
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const field = fc.oneof(
  fc.constantFrom('', 'a', '1.00', ' x ', 'é', '😀', '注文'),
  fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', ' ', 'é', '\u2028', ';'), maxLength: 12 }),
  fc.nat(300_000).map((length) => 'x'.repeat(length % 1000 === 0 ? length : length % 30)),
);
const written = fc
  .tuple(field, fc.boolean())
  .map(([text, always]) => (always || /[",\r\n]/.test(text) ? quoted(text) : text));
const document = fc.record({
  bom: fc.boolean(),
  newline: fc.constantFrom('\n', '\r\n'),
  rows: fc.array(fc.array(written, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
  lastNewline: fc.boolean(),
});

it(`any file of right lines is read as the parser reads it whole, and from behind any line the rest, with seed ${seed}`, async () => {
  await fc.assert(
    fc.asyncProperty(document, async ({ bom, newline, rows, lastNewline }) => {
      const text = ['id,b', ...rows.map((row) => row.join(','))].join(newline) + (lastNewline ? newline : '');
      writeFileSync(file, (bom ? '\ufeff' : '') + text);
      const { columns, start } = await readColumns(file, mapOf());
      expect(columns).toEqual(['id', 'b']);
      const whole = await linesFrom(start);
      const oracle = parse(text, { relax_column_count: true, skip_empty_lines: true }) as string[][];
      expect(whole.map(({ fields, fault }) => ({ fields, fault }))).toEqual(
        oracle.slice(1).map((fields) => ({ fields, fault: null })),
      );
      for (const [index, { endOffset, number }] of whole.entries()) {
        expect(await linesFrom({ offset: endOffset, lines: number })).toEqual(whole.slice(index + 1));
      }
    }),
    { numRuns: 60 * times, seed: Number(seed) },
  );
}, 600_000);

it(`any bytes are lines or faults, never an exception, and resumed behind any that can be read give the rest, with seed ${seed}`, async () => {
  const bytes = fc.array(fc.oneof(fc.constantFrom(...Buffer.from('a,"\n\r;é ')), fc.nat(255)), { maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      writeFileSync(file, Buffer.concat([Buffer.from('id,b\n'), Buffer.from(content)]));
      const { start } = await readColumns(file, mapOf());
      const whole = await linesFrom(start);
      let before = start.offset;
      for (const { endOffset } of whole) {
        expect(endOffset).toBeGreaterThanOrEqual(before);
        before = endOffset;
      }
      for (const [index, { endOffset, number, fault }] of whole.entries()) {
        if (fault !== null) continue;
        const rest = await linesFrom({ offset: endOffset, lines: number });
        expect(rest.map(({ fields, fault }) => [fields, fault !== null])).toEqual(
          whole.slice(index + 1).map(({ fields, fault }) => [fields, fault !== null]),
        );
      }
    }),
    { numRuns: 150 * times, seed: Number(seed) },
  );
}, 600_000);
