/** Random commands against a small world: few accounts, two currencies, few keys, so that things collide. */
import fc from 'fast-check';
import type { ActionRequest, PostRequest } from '../../../../src/engine/wire/messages.js';
import type { SimulatedCommand } from '../../history.js';
import { START } from './direct.js';

const SECOND = 1_000_000;
const NAMES = ['external/in', 'a', 'b', 'c', 'limited', 'debit'] as const;
const name = fc.constantFrom(...NAMES);
const currency = fc.constantFrom(
  { currency: 978, currencyCode: 'EUR' },
  { currency: 978, currencyCode: 'EUR' },
  { currency: 978, currencyCode: 'EUR' },
  { currency: 840, currencyCode: 'USD' },
);
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 62n, 2n ** 63n - 1n) },
);
const leg = fc
  .record({ debit: name, credit: name, amount, of: currency })
  .map(({ of, ...rest }) => ({ ...rest, ...of }))
  .filter((one) => one.debit !== one.credit);
const text = fc.option(fc.constantFrom('x', 'order 7', 'ünïcödé'), { nil: null });
const metadata = fc.option(fc.constantFrom('{"a":1}', '{"b":[1,"2"]}'), { nil: null });
const small = fc.bigInt({ min: -20n, max: 80n });
const test = fc.oneof(
  small.map((gte) => ({ gte })),
  small.map((lt) => ({ lt })),
  small.map((eq) => ({ eq })),
);
const condition = fc.oneof(
  fc.record({ account: name, available: test }),
  fc.record({ account: name, posted: test, pending_out: test }),
  fc.record({ account: name, version: fc.nat(4) }),
  fc.record({ account: name, config_version: fc.integer({ min: 1, max: 3 }) }),
);
const settings = fc.record(
  {
    normal_balance: fc.constantFrom('credit' as const, 'debit' as const),
    min_balance: fc.option(fc.bigInt({ min: -50n, max: 5n }), { nil: null }),
    max_balance: fc.option(fc.bigInt({ min: 0n, max: 200n }), { nil: null }),
    metadata: fc.constantFrom('{"m":1}', '{"m":2}'),
  },
  { requiredKeys: [] },
);
const extras = fc
  .record(
    { if: fc.array(condition, { minLength: 1, maxLength: 2 }), open: fc.dictionary(name, settings, { maxKeys: 2 }) },
    { requiredKeys: [] },
  )
  .map((one) => ({ ...one }));

const postRequest = fc.record({
  legs: fc.oneof(
    { weight: 3, arbitrary: fc.array(leg, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(leg, { minLength: 1, maxLength: 5 }) },
  ),
  pending: fc.boolean(),
  expiresIn: fc.integer({ min: 0, max: 6 }).map((seconds) => seconds * SECOND),
  effectiveAt: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -20, max: 60 }).map((seconds) => START + seconds * SECOND) },
  ),
  openAccounts: fc.boolean(),
  dryRun: fc.constant(false),
  reference: text,
  description: text,
  metadata,
  extras: fc.option(extras, { nil: null, freq: 3 }),
}) as fc.Arbitrary<PostRequest>;

/** `parent` is a number to be taken modulo what the log has. */
const action = fc.record({
  type: fc.constantFrom('capture' as const, 'void' as const, 'increment' as const, 'reverse' as const),
  parent: fc.nat(10_000),
  amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 40n })),
  legs: fc.array(fc.record({ leg: fc.nat(3), amount: fc.bigInt({ min: 0n, max: 40n }) }), { maxLength: 2 }),
  final: fc.boolean(),
  force: fc.boolean(),
  dryRun: fc.constant(false),
  reference: text,
  description: text,
  metadata,
}) as fc.Arbitrary<ActionRequest>;

const newAccount = fc
  .record({ name, of: currency, settings })
  .map(({ name: called, of, settings: more }) => ({ ...more, name: called, currency: of.currency }));

export const command: fc.Arbitrary<SimulatedCommand> = fc.oneof(
  { weight: 8, arbitrary: postRequest.map((one) => ({ ...one, type: 'post' as const })) },
  { weight: 8, arbitrary: action },
  {
    weight: 2,
    arbitrary: fc
      .array(postRequest, { minLength: 1, maxLength: 4 })
      .map((items) => ({ type: 'atomic_batch' as const, items, dryRun: false })),
  },
  {
    weight: 2,
    arbitrary: newAccount.map((one) => ({ type: 'open_accounts' as const, accounts: [one], batch: false })),
  },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(newAccount, { minLength: 1, maxLength: 3, selector: (one) => one.name })
      .map((accounts) => ({ type: 'open_accounts' as const, accounts, batch: true })),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        type: fc.constant('change_account' as const),
        account: name,
        min_balance: fc.option(fc.bigInt({ min: -50n, max: 20n }), { nil: null }),
        max_balance: fc.option(fc.bigInt({ min: 0n, max: 200n }), { nil: null }),
        metadata: fc.option(fc.constantFrom('{"n":1}', '{}'), { nil: null }),
        ifMatch: fc.integer({ min: 1, max: 4 }),
      },
      { requiredKeys: ['type', 'account'] },
    ) as fc.Arbitrary<SimulatedCommand>,
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('close_account' as const, 'reopen_account' as const), account: name }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read_account' as const), account: name }) },
  { weight: 1, arbitrary: fc.constant({ type: 'read_head' as const }) },
);

export type Step =
  | {
      readonly do: 'ask';
      readonly book: number;
      readonly key: number;
      readonly dry: boolean;
      readonly what: SimulatedCommand;
    }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'expire'; readonly max: number }
  | { readonly do: 'evict' }
  | { readonly do: 'commit' };

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      book: fc.constantFrom(1, 1, 1, 2),
      key: fc.nat(60),
      dry: fc.nat(5).map((one) => one === 0),
      what: command,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), max: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'evict' as const }) },
  { weight: 4, arbitrary: fc.constant({ do: 'commit' as const }) },
);
