/** Bodies of requests. What a schema cannot say (a currency that is known, both accounts of a leg differ) stands in words. */
import Type from 'typebox';
import { LEGS_MAX } from '../../ledger/record.js';
import { ACCOUNTS_MAX } from '../parse/account.js';
import { BATCH_ITEMS_MAX } from '../parse/batch.js';
import { CONDITIONS_MAX } from '../parse/conditions.js';
import { EXPIRES_IN_SECONDS_MAX } from '../parse/post.js';
import {
  AccountName,
  Amount,
  CLOSED,
  Currency,
  IdempotencyKey,
  Limit,
  Metadata,
  NAME_PATTERN,
  NormalBalance,
  SignedAmount,
  Texts,
  Time,
  Version,
} from './common.js';

const Leg = Type.Object(
  {
    debit: AccountName,
    credit: AccountName,
    amount: Amount,
    currency: Currency,
  },
  { ...CLOSED, description: 'Moves the amount from the debit account to the credit account; the two differ.' },
);

const settings = {
  normal_balance: Type.Optional(NormalBalance),
  min_balance: Type.Optional(Limit),
  max_balance: Type.Optional(Limit),
  metadata: Type.Optional(Metadata),
};

const AmountTests = Type.Object(
  {
    eq: Type.Optional(SignedAmount),
    gt: Type.Optional(SignedAmount),
    gte: Type.Optional(SignedAmount),
    lt: Type.Optional(SignedAmount),
    lte: Type.Optional(SignedAmount),
  },
  { ...CLOSED, minProperties: 1 },
);

const Condition = Type.Object(
  {
    posted: Type.Optional(AmountTests),
    pending_in: Type.Optional(AmountTests),
    pending_out: Type.Optional(AmountTests),
    available: Type.Optional(AmountTests),
    version: Type.Optional(Version),
    config_version: Type.Optional(Version),
  },
  { ...CLOSED, minProperties: 1 },
);

/** Names as keys: the pattern of a record cannot hold a bound on length, so `propertyNames` says all of it. */
const byAccount = { propertyNames: { minLength: 1, maxLength: 128, pattern: NAME_PATTERN } };

const posting = {
  legs: Type.Array(Leg, { minItems: 1, maxItems: LEGS_MAX }),
  pending: Type.Optional(Type.Boolean({ description: 'Hold the money instead of posting it.' })),
  expires_in: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: EXPIRES_IN_SECONDS_MAX,
      description: 'Seconds until a hold lapses; only with `"pending": true`.',
    }),
  ),
  effective_at: Type.Optional(Time),
  open_accounts: Type.Optional(
    Type.Union([Type.Boolean(), Type.Record(Type.String(), Type.Object(settings, CLOSED), byAccount)], {
      description:
        'true: open accounts that are missing, with defaults. An object: open those that it names, which legs must use.',
    }),
  ),
  ...Texts,
  if: Type.Optional(
    Type.Record(Type.String(), Condition, {
      ...byAccount,
      maxProperties: CONDITIONS_MAX,
      description: 'Conditions by account, checked in the same step.',
    }),
  ),
};

export const NewTransaction = Type.Object(
  {
    ...posting,
    dry_run: Type.Optional(Type.Boolean({ description: 'Run the same step and leave no trace. Takes no key.' })),
  },
  CLOSED,
);

const AtomicItems = Type.Object(
  {
    atomic: Type.Literal(true),
    transactions: Type.Array(Type.Object(posting, CLOSED), { minItems: 1, maxItems: BATCH_ITEMS_MAX }),
    dry_run: Type.Optional(Type.Boolean()),
  },
  { ...CLOSED, description: 'All or none, under the key of the header.' },
);

const IndependentItems = Type.Object(
  {
    atomic: Type.Optional(Type.Literal(false)),
    transactions: Type.Array(Type.Object({ idempotency_key: IdempotencyKey, ...posting }, CLOSED), {
      minItems: 1,
      maxItems: BATCH_ITEMS_MAX,
    }),
  },
  {
    ...CLOSED,
    description: 'Each item has a key and an outcome of its own. The same key twice needs the same payload.',
  },
);

export const NewTransactionBatch = Type.Union([IndependentItems, AtomicItems]);

const ActionLeg = Type.Object(
  {
    leg: Type.Integer({ minimum: 0, maximum: LEGS_MAX - 1, description: "Index of the transaction's leg." }),
    amount: Amount,
  },
  CLOSED,
);

const amounts = {
  amount: Type.Optional(Amount),
  legs: Type.Optional(Type.Array(ActionLeg, { minItems: 1, maxItems: LEGS_MAX, description: 'Each leg once.' })),
  ...Texts,
  dry_run: Type.Optional(Type.Boolean()),
};
const WHOLE_REST =
  'Without amounts the whole rest of every leg. `amount` serves a transaction with one leg, `legs` any; not both.';

export const CaptureRequest = Type.Object(
  { ...amounts, final: Type.Optional(Type.Boolean({ description: 'Release what is left after this capture.' })) },
  { ...CLOSED, description: WHOLE_REST },
);
export const VoidRequest = Type.Object(amounts, { ...CLOSED, description: WHOLE_REST });
export const IncrementRequest = Type.Object(amounts, { ...CLOSED, description: '`amount` or `legs` is required.' });
export const ReverseRequest = Type.Object(
  {
    ...amounts,
    force: Type.Optional(Type.Boolean({ description: 'Skip limits. Needs a key with the scope `force`.' })),
  },
  { ...CLOSED, description: WHOLE_REST },
);

export const NewAccount = Type.Object({ name: AccountName, currency: Currency, ...settings }, CLOSED);
export const NewAccountBatch = Type.Object(
  { accounts: Type.Array(NewAccount, { minItems: 1, maxItems: ACCOUNTS_MAX, description: 'Each name once.' }) },
  CLOSED,
);
export const AccountPatch = Type.Object(
  {
    min_balance: Type.Optional(Limit),
    max_balance: Type.Optional(Limit),
    metadata: Type.Optional(
      Type.Union([Metadata, Type.Null()], { description: 'Replaces all of it; null removes it.' }),
    ),
  },
  { ...CLOSED, minProperties: 1 },
);
export const Empty = Type.Object({}, CLOSED);
