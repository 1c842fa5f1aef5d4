/** Bodies of answers. */

import type { TSchema } from 'typebox';
import Type from 'typebox';
import {
  AccountName,
  Currency,
  Metadata,
  NormalBalance,
  Sequence,
  ShownAmount,
  Sums,
  Texts,
  Time,
  Version,
} from './common.js';

const Id = Type.String({ pattern: '^txn_', description: 'Opaque, valid for ever.' });

export const Status = Type.Union(
  [
    Type.Literal('posted'),
    Type.Literal('pending'),
    Type.Literal('captured'),
    Type.Literal('partially_captured'),
    Type.Literal('voided'),
    Type.Literal('expired'),
  ],
  {
    description:
      'While any leg has a rest: `partially_captured` if anything was captured, else `pending`. When nothing is left: `captured` if anything was captured, else `voided` or `expired` by the last release.',
  },
);

export const Kind = Type.Union([
  Type.Literal('transaction'),
  Type.Literal('capture'),
  Type.Literal('void'),
  Type.Literal('increment'),
  Type.Literal('expiry'),
  Type.Literal('reversal'),
]);

const ShownLeg = Type.Object({
  leg: Type.Optional(Type.Integer({ minimum: 0, description: "Of an action: index of the transaction's leg." })),
  debit: AccountName,
  credit: AccountName,
  amount: ShownAmount,
  currency: Currency,
  captured: Type.Optional(ShownAmount),
  remaining: Type.Optional(ShownAmount),
  released: Type.Optional(ShownAmount),
  reversed: Type.Optional(ShownAmount),
});

const ParentState = Type.Object(
  { status: Status, captured: Sums, remaining: Sums, released: Sums, reversed: Sums },
  { description: 'How the transaction acted on stood right after this record.' },
);

const transaction = {
  id: Type.Union([Id, Type.Null()], { description: 'Opaque, valid for ever; null in the answer to a dry run.' }),
  kind: Kind,
  parent: Type.Optional(Id),
  status: Status,
  legs: Type.Array(ShownLeg),
  ...Texts,
  created_at: Time,
  effective_at: Time,
  expires_at: Type.Optional(Time),
  captured: Type.Optional(Sums),
  remaining: Type.Optional(Sums),
  released: Type.Optional(Sums),
  reversed: Type.Optional(Sums),
  sequence: Sequence,
};

export const Transaction = Type.Object({ ...transaction, parent_state: Type.Optional(ParentState) });
export const Action = Type.Object({ ...transaction, parent: Id, parent_state: ParentState });

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'A URI reference: where the code is explained.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    code: Type.String({ description: 'Stable; see GET /v1/errors.' }),
    retryable: Type.Boolean(),
    outcome: Type.Union([Type.Literal('none'), Type.Literal('unknown')], {
      description: '`none`: this request did nothing. `unknown`: send it again with the same key only.',
    }),
    final: Type.Boolean({ description: 'True: the outcome of its idempotency key for good.' }),
    param: Type.Optional(Type.String({ description: 'JSON pointer into the body.' })),
    request_id: Type.String(),
  },
  {
    description:
      'RFC 9457 problem details. Further members are facts: the account, its balances, the state of the transaction.',
  },
);

const Replayed = Type.Optional(
  Type.Literal(true, {
    description: 'The key had this outcome before; as the header Idempotency-Replayed of a single request.',
  }),
);
const BatchOutcome = Type.Union([
  Type.Object({ status: Type.Integer({ minimum: 200, maximum: 299 }), transaction: Transaction, replayed: Replayed }),
  Type.Object({ status: Type.Integer({ minimum: 400, maximum: 599 }), error: Problem, replayed: Replayed }),
]);
export const BatchOutcomes = Type.Object({
  data: Type.Array(BatchOutcome, { description: 'In the order of the items.' }),
});
export const AtomicBatch = Type.Object({
  data: Type.Array(Transaction, { description: 'In the order of the items.' }),
});

export const BatchAnswer = Type.Union([BatchOutcomes, AtomicBatch], {
  description:
    'Of independent items their outcomes; of a dry run of an atomic batch the transactions that would be posted.',
});

const settings = {
  name: AccountName,
  currency: Currency,
  normal_balance: NormalBalance,
  status: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  min_balance: Type.Union([ShownAmount, Type.Null()]),
  max_balance: Type.Union([ShownAmount, Type.Null()]),
  metadata: Type.Optional(Metadata),
  config_version: Type.Integer({ minimum: 0, description: 'Rises with each change of settings; If-Match names it.' }),
};

const Balances = Type.Object({
  posted: ShownAmount,
  pending_in: ShownAmount,
  pending_out: ShownAmount,
  available: ShownAmount,
});

export const AccountSettings = Type.Object(
  { ...settings, sequence: Sequence },
  { description: 'An account as of the record that opened or changed it; read it for its balances.' },
);
export const AccountSettingsList = Type.Object({ data: Type.Array(AccountSettings) });

const AccountNow = Type.Object({
  ...settings,
  version: Version,
  created_at: Time,
  balances: Balances,
  sequence: Sequence,
});
const AccountAsOf = Type.Object(
  {
    ...settings,
    as_of: Time,
    balances: Type.Object({ posted: ShownAmount }, { additionalProperties: false }),
    sequence: Sequence,
  },
  { description: 'By effective time (`as_of`): what is posted, with the sequence that it was computed at.' },
);
export const Account = Type.Union([AccountNow, AccountAsOf]);

export const Entry = Type.Object({
  transaction: Id,
  kind: Kind,
  parent: Type.Optional(Id),
  version: Version,
  change: Type.Object({ posted: ShownAmount, pending_in: ShownAmount, pending_out: ShownAmount }),
  balances: Balances,
  ...Texts,
  created_at: Time,
  effective_at: Time,
  sequence: Sequence,
});

function list<T extends TSchema>(item: T) {
  return Type.Object({
    data: Type.Array(item),
    next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'Opaque; null at the end.' }),
  });
}
export const TransactionList = list(Transaction);
export const AccountList = list(AccountNow);
export const EntryList = list(Entry);

export const ErrorTable = list(
  Type.Object({
    type: Type.String(),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    retryable: Type.Boolean(),
    final: Type.Boolean(),
    outcome: Type.String(),
    action: Type.String(),
  }),
);

export const Health = Type.Object({ status: Type.Literal('ok'), version: Type.String() });
export const Readiness = Type.Object(
  { status: Type.Union([Type.Literal('ready'), Type.Literal('not_ready')]) },
  { description: 'Further members say how each shard stands.' },
);
