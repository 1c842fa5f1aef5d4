import { Unpackr } from 'msgpackr';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { readMsgpack } from '../../../src/http/body/msgpack.js';
import { problemStatus, renderErrorTable, renderProblem, renderRequestProblem } from '../../../src/http/problem.js';
import {
  renderAccount,
  renderAccountAsOf,
  renderAccountRecord,
  renderAccountSettings,
  renderEntry,
} from '../../../src/http/render/account.js';
import { renderAll, renderItem, renderList } from '../../../src/http/render/list.js';
import { toMsgpack } from '../../../src/http/render/msgpack.js';
import { quote } from '../../../src/http/render/text.js';
import { formatTime } from '../../../src/http/render/time.js';
import type { Body, SchemaName } from '../../../src/http/schemas/index.js';
import { SCHEMAS } from '../../../src/http/schemas/index.js';
import { RequestProblem } from '../../../src/http/types.js';
import { ERRORS } from '../../../src/ledger/errors.js';
import { RecordKind } from '../../../src/ledger/record.js';
import type { AccountView, RecordView } from '../../../src/ledger/view.js';
import { plain } from '../body/support.js';

const AT = Date.UTC(2026, 10, 21, 10, 17, 3) * 1000;
const valid = <N extends SchemaName>(schema: N, text: string): Body<N> => {
  const body = JSON.parse(text) as Body<N>;
  expect([...Compile(SCHEMAS[schema]).Errors(body)]).toEqual([]);
  return body;
};

const account: AccountView = {
  number: 4,
  book: 1,
  name: 'customer/42/wallet',
  currency: 'EUR',
  normalBalance: 'credit',
  open: true,
  debitsPosted: 500n,
  creditsPosted: 13_000n,
  debitsPending: 200n,
  creditsPending: 70n,
  minBalance: 0n,
  maxBalance: null,
  version: 3,
  configVersion: 1,
  configPosition: 2,
  openedAt: AT,
  metadata: '{"b":1,"10":"x","a":[null]}',
  sequence: 1843,
};

describe('an account', () => {
  it('shows balances on its normal side', () => {
    expect(valid('Account', renderAccount(account))).toEqual({
      name: 'customer/42/wallet',
      currency: 'EUR',
      normal_balance: 'credit',
      status: 'open',
      min_balance: 0,
      max_balance: null,
      metadata: { b: 1, 10: 'x', a: [null] },
      config_version: 1,
      version: 3,
      created_at: '2026-11-21T10:17:03.000000Z',
      balances: { posted: 12_500, pending_in: 70, pending_out: 200, available: 12_300 },
      sequence: 1843,
    });
    expect(valid('Account', renderAccount({ ...account, normalBalance: 'debit', metadata: null }))).toMatchObject({
      balances: { posted: -12_500, pending_in: 200, pending_out: 70, available: -12_570 },
    });
  });

  it('shows amounts beyond 2^53−1 as strings', () => {
    expect(
      valid(
        'Account',
        renderAccount({ ...account, creditsPosted: 2n ** 63n - 1n, minBalance: -(2n ** 63n), maxBalance: 2n ** 53n }),
      ),
    ).toMatchObject({
      min_balance: '-9223372036854775808',
      max_balance: '9007199254740992',
      balances: { posted: '9223372036854775307' },
    });
  });

  it('by effective time shows what was posted', () => {
    expect(valid('Account', renderAccountAsOf(account, -5n, AT, 7))).toMatchObject({
      balances: { posted: -5 },
      as_of: formatTime(AT),
      sequence: 7,
    });
  });

  it('is the same bytes from the view and from the record that changed it', () => {
    const details = {
      name: account.name,
      currency: 978,
      normal_balance: 'credit',
      min_balance: '0',
      max_balance: null,
      config_version: 1,
      open: true,
      metadata: JSON.parse(account.metadata as string) as unknown,
    };
    const record = { ...record0, kind: RecordKind.accountOpened, sequence: 1843, details: JSON.stringify(details) };
    const fresh = renderAccountSettings(account);
    expect(renderAccountRecord(record, () => 'EUR')).toBe(fresh);
    expect(valid('AccountSettings', fresh)).not.toHaveProperty('balances');
  });
});

const record0: RecordView = {
  position: 9,
  book: 1,
  sequence: 7,
  kind: RecordKind.posted,
  recordedAt: AT,
  flags: 0,
  code: 0,
  parent: 0,
  effectiveAt: AT,
  expiresAt: 0,
  legs: [],
  details: null,
  key: null,
  reference: 'r',
  description: null,
  metadata: '{"a":1}',
  fingerprint: null,
};

describe('a line of a statement', () => {
  const counters = { version: 3, debitsPosted: 0n, creditsPosted: 12_500n, debitsPending: 0n, creditsPending: 0n };
  const other = { debit: 'external/card', currency: 'EUR', leg: 0 };
  it.each([
    [RecordKind.posted, 100n, 0n, { posted: 100, pending_in: 0, pending_out: 0 }],
    [RecordKind.pending, 100n, 0n, { posted: 0, pending_in: 100, pending_out: 0 }],
    [RecordKind.capture, 100n, 20n, { posted: 100, pending_in: -120, pending_out: 0 }],
    [RecordKind.void, 0n, 20n, { posted: 0, pending_in: -20, pending_out: 0 }],
  ] as const)('of kind %i shows what changed and the balances after it', (kind, amount, released, change) => {
    const record = { ...record0, kind, legs: [{ ...other, credit: 'w', amount, released }] };
    const body = valid(
      'Entry',
      renderEntry({ record, ...counters }, { name: 'w', normalBalance: 'credit' }, 'txn_x', null),
    );
    expect(body).toMatchObject({
      transaction: 'txn_x',
      version: 3,
      change,
      balances: { posted: 12_500 },
      reference: 'r',
      metadata: { a: 1 },
    });
  });
  it('adds up the legs, on the side that the account has', () => {
    const legs = [
      { ...other, credit: 'w', amount: 100n, released: 0n },
      { ...other, debit: 'w', credit: 'x', amount: 30n, released: 0n },
    ];
    const body = renderEntry(
      { record: { ...record0, legs }, ...counters },
      { name: 'w', normalBalance: 'debit' },
      'txn_x',
      null,
    );
    expect(valid('Entry', body)).toMatchObject({ change: { posted: -70 }, balances: { posted: -12_500 } });
  });
});

describe('problems', () => {
  it('say all that the table knows of the code', () => {
    for (const entry of ERRORS) {
      const body = valid('Problem', renderProblem({ code: entry.code, requestId: 'req_1' }));
      expect(body).toEqual({
        type: `/v1/errors#${entry.code}`,
        title: entry.title,
        status: problemStatus(entry.code),
        detail: entry.action,
        code: entry.code,
        retryable: entry.retryable,
        outcome: entry.outcome,
        final: entry.remembered,
        request_id: 'req_1',
      });
    }
  });

  it('show the facts of a refusal, amounts as numbers up to 2^53−1, names as they are', () => {
    const details = JSON.stringify({
      param: '/legs/0/debit',
      account: '42',
      available: '100',
      min_balance: '-9223372036854775808',
      version: 7,
      status: 1,
    });
    expect(JSON.parse(renderProblem({ code: 'insufficient_funds', requestId: 'r', details }))).toMatchObject({
      param: '/legs/0/debit',
      account: '42',
      available: 100,
      min_balance: '-9223372036854775808',
      version: 7,
      status: 422,
      final: true,
    });
  });

  it("show the transaction's state", () => {
    const sums = { EUR: '5', JPY: '0' };
    const parent_state = { status: 'captured', captured: sums, remaining: sums, released: sums, reversed: sums };
    const details = JSON.stringify({ remaining: '7', parent_state });
    expect(JSON.parse(renderProblem({ code: 'amount_exceeds_remaining', requestId: 'r', details }))).toMatchObject({
      remaining: 7,
      parent_state: { status: 'captured', captured: { EUR: 5, JPY: 0 } },
    });
  });

  it('of a dry run are not final', () => {
    expect(JSON.parse(renderProblem({ code: 'insufficient_funds', requestId: 'r', final: false }))).toMatchObject({
      final: false,
    });
  });

  it('of the edge name the field, escaped', () => {
    const text = renderRequestProblem(new RequestProblem('unknown_field', 'The field "é\n" is not known.', '/"'), 'r');
    expect(valid('Problem', text)).toMatchObject({
      detail: 'The field "é\n" is not known.',
      param: '/"',
      final: false,
      outcome: 'none',
    });
  });

  it('stand in one table in their order', () => {
    const body = valid('ErrorTable', renderErrorTable());
    expect(body.data.map((entry) => entry.code)).toEqual(ERRORS.map((entry) => entry.code));
  });
});

describe('lists and batches', () => {
  it('wrap what they hold', () => {
    expect(renderList(['{}', '1'], 'c1."x')).toBe('{"data":[{},1],"next_cursor":"c1.\\"x"}');
    expect(renderList([], null)).toBe('{"data":[],"next_cursor":null}');
    expect(renderAll([renderItem(201, '{}'), renderItem(422, '{}')])).toBe(
      '{"data":[{"status":201,"transaction":{}},{"status":422,"error":{}}]}',
    );
  });
});

describe('msgpack answers', () => {
  it('hold metadata with any names, also those that JavaScript gives a meaning', () => {
    for (const json of [
      '{"metadata":{"constructor":"x","toJSON":"y"}}',
      '{"metadata":{"\\u0063onstructor":"x","toJSON":"y","n":12345678901}}',
      '{"a":[{"constructor":{"name":"Date"},"valueOf":"1"}],"then":"t","hasOwnProperty":"h"}',
    ]) {
      expect(plain(readMsgpack(toMsgpack(json)))).toEqual(JSON.parse(json));
    }
  });

  it('hold what the JSON text holds, integers as integers, for our reader and for others', () => {
    const json =
      '{"a":9007199254740991,"b":-9007199254740991,"c":[1,-1,4294967296,"9223372036854775807",null,true],"d":{"é":{}}}';
    expect(plain(readMsgpack(toMsgpack(json)))).toEqual(JSON.parse(json));
    expect(new Unpackr({ useRecords: false, int64AsType: 'number' }).unpack(toMsgpack(json))).toEqual(JSON.parse(json));
  });
});

describe('texts and times', () => {
  it('are quoted as JSON.stringify does', () => {
    for (const text of [
      '',
      'plain',
      'a"b',
      'a\\b',
      '\n',
      'é',
      '\u2028',
      '\ud800',
      '\x7f',
      'x'.repeat(100),
      `${'x'.repeat(100)}"`,
    ]) {
      expect(JSON.parse(quote(text))).toBe(JSON.parse(JSON.stringify(text)));
    }
  });
  it('keep six digits, and the second that was cached', () => {
    expect([AT, AT + 1, AT + 999_999, AT + 1_000_000, AT].map((at) => formatTime(at).slice(17))).toEqual([
      '03.000000Z',
      '03.000001Z',
      '03.999999Z',
      '04.000000Z',
      '03.000000Z',
    ]);
  });
});
