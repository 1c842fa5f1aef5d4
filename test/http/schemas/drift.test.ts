import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/http/body/json.js';
import { parseAccount, parseAccountPatch, parseAccounts, parseEmpty } from '../../../src/http/parse/account.js';
import { parseAction } from '../../../src/http/parse/action.js';
import { parseBatch } from '../../../src/http/parse/batch.js';
import { parsePost } from '../../../src/http/parse/post.js';
import type { SchemaName } from '../../../src/http/schemas/index.js';
import { SCHEMAS } from '../../../src/http/schemas/index.js';
import type { BodyValue } from '../../../src/http/types.js';
import { RequestProblem } from '../../../src/http/types.js';

/**
 * The parsers are written by hand for speed, the schemas are what is published: each body here goes to both. Bodies are
 * made valid in all that a schema cannot say (accounts of a leg differ, names in open_accounts are used, …), so that
 * both must accept them; then one thing is changed, and both must still agree.
 */
const context = { currency: (code: string) => (code === 'EUR' || code === 'JPY' ? 1 : undefined) };

const name = fc.stringMatching(/^[A-Za-z0-9_:@+-]{1,6}(\/[A-Za-z0-9._:@+-]?[a-z]{1,6}){0,2}$/);
const amount = fc.oneof(
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String),
);
const signed = fc.oneof(
  fc.maxSafeInteger().map((n) => n || 0),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
);
const text = (minLength: number, maxLength: number) =>
  fc.string({ unit: 'binary', minLength, maxLength }).map((s) => Buffer.from(s.replaceAll('\0', '_')).toString());
const metadata = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.oneof(
    text(0, 20),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.constant({ deep: { er: 1 } }),
  ),
  { maxKeys: 5 },
);
const time = fc
  .tuple(
    fc.date({ min: new Date('1970-01-02T12:00:00Z'), max: new Date('2254-12-30'), noInvalidDate: true }),
    fc.constantFrom('Z', 'z', '+05:30', '-23:59'),
    fc.constantFrom('', '.1', '.123456'),
  )
  .map(([date, offset, fraction]) => date.toISOString().slice(0, 19) + fraction + offset);
const texts = { reference: text(1, 255), description: text(0, 1000), metadata };
const limits = fc.tuple(fc.option(signed), fc.option(signed)).map(([a, b]) => {
  if (a === null || b === null) return { min_balance: a, max_balance: b };
  return BigInt(a) <= BigInt(b) ? { min_balance: a, max_balance: b } : { min_balance: b, max_balance: a };
});
const settings = fc
  .tuple(
    fc.record({ normal_balance: fc.constantFrom('credit', 'debit'), metadata }, { requiredKeys: [] }),
    fc.option(limits),
  )
  .map(([rest, bounds]) => ({ ...rest, ...bounds }));
const leg = fc
  .tuple(name, name, amount, fc.constantFrom('EUR', 'JPY'))
  .map(([a, b, sum, currency]) => ({ debit: a, credit: a === b ? `${b}2` : b, amount: sum, currency }));
const tests = fc
  .record({ eq: signed, gt: signed, gte: signed, lt: signed, lte: signed }, { requiredKeys: [] })
  .map((test) => (Object.keys(test).length === 0 ? { eq: 0 } : test));
const condition = fc
  .record(
    {
      posted: tests,
      pending_in: tests,
      pending_out: tests,
      available: tests,
      version: fc.nat(),
      config_version: fc.nat(),
    },
    { requiredKeys: [] },
  )
  .map((tested) => (Object.keys(tested).length === 0 ? { version: 1 } : tested));

const posting = fc
  .tuple(
    fc.array(leg, { minLength: 1, maxLength: 5 }),
    fc.record(
      { ...texts, effective_at: time, pending: fc.boolean(), if: fc.dictionary(name, condition, { maxKeys: 3 }) },
      { requiredKeys: [] },
    ),
    fc.option(fc.oneof(fc.boolean(), settings)),
    fc.option(fc.integer({ min: 1, max: 31_536_000 })),
  )
  .map(([legs, rest, open, expiresIn]) => ({
    legs,
    ...rest,
    ...(open === null
      ? {}
      : { open_accounts: typeof open === 'boolean' ? open : { [(legs[0] as { debit: string }).debit]: open } }),
    ...(expiresIn === null ? {} : { pending: true, expires_in: expiresIn }),
  }));
const newTransaction = fc
  .tuple(posting, fc.option(fc.boolean()))
  .map(([body, dryRun]) => (dryRun === null ? body : { ...body, dry_run: dryRun }));
const independent = fc
  .uniqueArray(fc.stringMatching(/^[ -~]{1,40}$/), { minLength: 1, maxLength: 4 })
  .chain((keys) =>
    fc
      .tuple(...keys.map((key) => posting.map((body) => ({ idempotency_key: key, ...body }))))
      .map((transactions) => ({ transactions })),
  );
const atomic = fc
  .tuple(fc.array(posting, { minLength: 1, maxLength: 4 }), fc.option(fc.boolean()))
  .map(([transactions, dryRun]) => ({ atomic: true, transactions, ...(dryRun === null ? {} : { dry_run: dryRun }) }));
const actionLegs = fc
  .uniqueArray(fc.record({ leg: fc.integer({ min: 0, max: 63 }), amount }), {
    minLength: 1,
    maxLength: 5,
    selector: (part) => part.leg,
  })
  .map((legs) => ({ legs }));
const amounts = fc.oneof(
  amount.map((sum) => ({ amount: sum })),
  actionLegs,
);
const action = (more: Record<string, fc.Arbitrary<unknown>>, parts: fc.Arbitrary<object>) =>
  fc
    .tuple(fc.record({ ...texts, dry_run: fc.boolean(), ...more }, { requiredKeys: [] }), parts)
    .map(([rest, sums]) => ({ ...rest, ...sums }));
const anyAmounts = fc.oneof(fc.constant({}), amounts);
const account = fc
  .tuple(name, fc.constantFrom('EUR', 'JPY'), settings)
  .map(([accountName, currency, rest]) => ({ name: accountName, currency, ...rest }));
const patch = fc
  .tuple(fc.record({ metadata: fc.option(metadata) }, { requiredKeys: [] }), limits)
  .map(([rest, bounds]) => ({ ...rest, ...bounds }));

const CASES: readonly [SchemaName, fc.Arbitrary<unknown>, (value: BodyValue) => unknown][] = [
  ['NewTransaction', newTransaction, (value) => parsePost(value, context)],
  ['NewTransactionBatch', atomic, wholeBatch],
  ['NewTransactionBatch', independent, wholeBatch],
  ['CaptureRequest', action({ final: fc.boolean() }, anyAmounts), (value) => parseAction('capture', value)],
  ['VoidRequest', action({}, anyAmounts), (value) => parseAction('void', value)],
  ['IncrementRequest', action({}, amounts), (value) => parseAction('increment', value)],
  ['ReverseRequest', action({ force: fc.boolean() }, anyAmounts), (value) => parseAction('reverse', value)],
  ['NewAccount', account, (value) => parseAccount(value, context)],
  [
    'NewAccountBatch',
    fc
      .uniqueArray(account, { minLength: 1, maxLength: 4, selector: (item) => item.name })
      .map((accounts) => ({ accounts })),
    (value) => parseAccounts(value, context),
  ],
  ['AccountPatch', patch, parseAccountPatch],
  ['Empty', fc.constant({}), parseEmpty],
];

/** A batch that has no fault, neither as a whole nor in an item. */
function wholeBatch(value: BodyValue): unknown {
  const batch = parseBatch(value, context);
  if (batch.atomic) return batch;
  for (const item of batch.items) if ('problem' in item) throw item.problem;
  return batch;
}

/** What a schema leaves to words; everything else the parsers refuse, it refuses too. */
const IN_WORDS = [
  'Objects and arrays may stand at most 8 deep.',
  'The two accounts of a leg differ.',
  'No leg uses this account.',
  '"expires_in" goes with "pending": true.',
  '"max_balance" is not below "min_balance".',
  // One change may stand in several places, since parts of a body are shared: together they can be that long.
  '"metadata" takes at most 4096 bytes as JSON.',
  'Each leg is named once.',
  'Each account stands once in a batch.',
  'Send "amount" or "legs", not both.',
  'An increment names its "amount", or "legs" with amounts.',
];

/** Null where the parser accepts the body. */
function refusal(parse: (value: BodyValue) => unknown, body: unknown): RequestProblem | null {
  try {
    parse(readJson(Buffer.from(JSON.stringify(body))));
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(RequestProblem);
    return error as RequestProblem;
  }
}

describe.each(CASES)('%s', (schemaName, bodies, parse) => {
  const schema = Compile(SCHEMAS[schemaName]);

  it('bodies that are valid are accepted by schema and parser', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        expect(schema.Check(body), 'schema').toBe(true);
        expect(refusal(parse, body), 'parser').toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  it('schema and parser agree on bodies with a change, but for what the schema leaves to words', () => {
    let bothRefused = 0;
    fc.assert(
      fc.property(bodies, fc.nat(), fc.nat(), (body, place, change) => {
        const changed = mutate(body, place, change);
        const problem = refusal(parse, changed);
        const said = `${JSON.stringify(changed)} ${problem?.detail}`;
        if (!schema.Check(changed)) {
          bothRefused++;
          expect(problem, said).not.toBeNull();
        } else if (problem !== null) {
          expect(problem.code === 'unknown_currency' || IN_WORDS.includes(problem.detail), said).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
    expect(bothRefused).toBeGreaterThan(100);
  });
});

const CHANGES: readonly unknown[] = [
  '',
  'EUR',
  'a//b',
  '/a',
  '../a',
  '.',
  '01',
  '+1',
  '1.0',
  '1',
  '-1',
  '9223372036854775807',
  '\u0001',
  'x'.repeat(129),
  'x'.repeat(1001),
  0,
  1,
  -1,
  64,
  31_536_001,
  Number.MAX_SAFE_INTEGER,
  true,
  false,
  null,
  [],
  [{}],
  {},
  { eq: 1 },
  { 'a b': {} },
  { unknown: 1 },
  '2026-13-01T00:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01T00:00:00.1234567Z',
  '2255-01-01T00:00:00Z',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01 00:00:00Z',
];

/** The body with one change: a field too many, a field less, or another value somewhere. */
function mutate(body: unknown, place: number, change: number): unknown {
  const copy = structuredClone(body) as Record<string, unknown>;
  const objects: Record<string, unknown>[] = [];
  collect(copy);
  const holder = objects[place % objects.length] as Record<string, unknown>;
  const keys = Object.keys(holder);
  const key = keys[change % keys.length];
  if (change % 8 === 0 || key === undefined) holder.unknown_field = 1;
  else if (change % 8 === 1) delete holder[key];
  else holder[key] = CHANGES[place % CHANGES.length];
  return copy;

  function collect(object: Record<string, unknown>): void {
    objects.push(object);
    for (const value of Object.values(object)) {
      for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (typeof item === 'object' && item !== null) collect(item as Record<string, unknown>);
      }
    }
  }
}

describe('what schemas leave to words', () => {
  const bodyLeg = { debit: 'a', credit: 'b', amount: 1, currency: 'EUR' };
  it.each<[string, SchemaName, unknown, (value: BodyValue) => unknown]>([
    [
      '2^63 as an amount',
      'NewTransaction',
      { legs: [{ ...bodyLeg, amount: '9223372036854775808' }] },
      (value) => parsePost(value, context),
    ],
    [
      'the first microsecond of 1970',
      'NewTransaction',
      { legs: [bodyLeg], effective_at: '1970-01-01T00:00:00Z' },
      (value) => parsePost(value, context),
    ],
    [
      'metadata beyond 4 KiB',
      'NewTransaction',
      { legs: [bodyLeg], metadata: { a: 'é'.repeat(2100) } },
      (value) => parsePost(value, context),
    ],
    ['−2^63−1 as a limit', 'AccountPatch', { min_balance: '-9223372036854775809' }, parseAccountPatch],
  ])('%s is refused by the parser alone', (_, schemaName, body, parse) => {
    expect(Compile(SCHEMAS[schemaName]).Check(body)).toBe(true);
    expect(refusal(parse, body)).toMatchObject({ code: 'invalid_field' });
  });
});
