/** Configuration and mappings: whatever a document says, it is taken whole or refused in one line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { compileMap, LineRejected, readMap } from '../../../src/cli/import/map.js';
import { ImportMapSchema } from '../../../src/cli/import/map-schema.js';
import { loadConfig, printConfig } from '../../../src/platform/config/config.js';
import { ConfigSchema } from '../../../src/platform/config/schema.js';
import { ConfigError } from '../../../src/platform/errors.js';
import { settings } from '../support/settings.js';

const { seed, times } = settings();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-documents-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
}

/** Values that people and templates put where something else belongs. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '',
    ' ',
    'auto',
    '1s',
    '99999999999999999999d',
    '0-16383',
    'postgres://u:secret@h/d',
    '{id}',
    '{',
    [],
    {},
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Documents with the keys of the schema and any values, near ones more often than far ones. */
function near(schema: Schema): fc.Arbitrary<unknown> {
  const values: fc.Arbitrary<unknown>[] = [odd];
  if (schema.default !== undefined) values.push(fc.constant(schema.default), fc.constant(schema.default));
  if (schema.enum !== undefined) values.push(fc.constantFrom(...schema.enum));
  if (schema.items !== undefined) values.push(fc.array(near(schema.items), { maxLength: 3 }));
  if (schema.properties !== undefined) {
    const members = Object.entries(schema.properties).map(([key, member]) => [key, near(member)] as const);
    const group = fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true });
    values.push(
      group,
      group,
      group,
      fc
        .tuple(group, fc.constantFrom('__proto__', 'toString', 'prot', 'é'), odd)
        .map(([object, key, value]) => ({ ...object, [key]: value })),
    );
  }
  return fc.oneof(...values);
}

/** What a call gives, or the one line that it refuses with; anything else is a fault. */
function takenOrRefused<T>(call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).toMatch(/^[^\n]+$/);
    expect(error.message.length).toBeLessThan(2000);
    return null;
  }
}

const asText = fc.constantFrom(
  (value: unknown) => stringify(value),
  (value: unknown) => JSON.stringify(value) ?? '',
);
const noise = fc.string({
  unit: fc.constantFrom(...'{}[]:-,#&*!|>\'"%@`?\n \t0a', '\0', '\u2028', '<<: ', '&a ', '*a ', '!!js '),
  maxLength: 40,
});
const load = (text: string, env: Record<string, string> = {}) => {
  writeFileSync(join(folder, 'millrace.yaml'), text);
  return takenOrRefused(() => loadConfig({ env, cwd: folder }));
};

it(`any document is a configuration or a line that says what is wrong, with seed ${seed}`, () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(near(ConfigSchema as Schema), fc.constant({})), asText, (document, write) => {
      const config = load(write(document));
      if (config === null) return;
      taken++;
      const printed = printConfig(config);
      expect(printed).not.toContain('secret');
      expect(printConfig(load(printed) ?? config)).toBe(printed);
    }),
    { numRuns: 600 * times, seed: Number(seed) },
  );
  expect(taken).toBeGreaterThan(5);
}, 600_000);

it(`any text is a configuration or a line that says what is wrong, with seed ${seed}`, () => {
  fc.assert(
    fc.property(noise, (text) => void load(text)),
    { numRuns: 500 * times, seed: Number(seed) },
  );
  fc.assert(
    fc.property(fc.nat(60), noise, (at, text) => {
      const right = 'http: { port: 9000, host: 0.0.0.0 }\nkeys:\n  window: 7d\nshards: []\n';
      void load(right.slice(0, at) + text + right.slice(at));
    }),
    { numRuns: 500 * times, seed: Number(seed) },
  );
}, 600_000);

it(`any variable is taken, or refused in a line that names it, with seed ${seed}`, () => {
  const name = fc.constantFrom(
    'HTTP',
    'HTTP__PORT',
    'HTTP__PORT__X',
    'SHARDS__0__URL',
    'SHARDS__1__SLOTS',
    'SHARDS__999999__NAME',
    '__PROTO__',
    'HTTP____PROTO__',
    'HTTP__',
    '',
    'KEYS__WINDOW',
    'CONSTRUCTOR__PROTOTYPE__X',
  );
  fc.assert(
    fc.property(
      name,
      fc.oneof(noise, fc.constantFrom('1', '7d', '{}', '[]', '{ port: 1 }', '__proto__: { x: 1 }')),
      (key, value) => {
        void load('{}', { [`MILLRACE_${key}`]: value });
        expect(({} as Record<string, unknown>).x).toBeUndefined();
      },
    ),
    { numRuns: 600 * times, seed: Number(seed) },
  );
}, 600_000);

it(`any mapping turns lines into items, rejects them, or is refused in a line, with seed ${seed}`, () => {
  const file = join(folder, 'map.yaml');
  const right = {
    idempotency_key: '{id}',
    currency: 'EUR',
    amount: { value: '{amount}' },
    rules: [{ debit: '{id}', credit: 'b' }],
  };
  const mapping = fc
    .tuple(near(ImportMapSchema as Schema), fc.boolean())
    .map(([document, over]) => (over && typeof document === 'object' ? { ...right, ...document } : document));
  const line = fc.oneof(
    fc.constant(['k1', '1.00']),
    fc.array(fc.oneof(fc.constantFrom('1.00', '-1', '2024-02-30', 'a', ''), fc.string({ unit: 'binary' })), {
      minLength: 2,
      maxLength: 3,
    }),
  );
  let made = 0;
  fc.assert(
    fc.property(fc.oneof(mapping, fc.constant(right)), asText, line, (document, write, fields) => {
      writeFileSync(file, write(document));
      const itemOf = takenOrRefused(() => compileMap(readMap(file), ['id', 'amount']));
      if (itemOf === null) return;
      try {
        const item = itemOf(fields);
        expect(JSON.parse(item.json).idempotency_key).toBe(item.key);
        made++;
      } catch (error) {
        expect(error).toBeInstanceOf(LineRejected);
      }
    }),
    { numRuns: 600 * times, seed: Number(seed) },
  );
  expect(made).toBeGreaterThan(5);
}, 600_000);
