/**
 * The routes of the API, in one table: servers serve exactly these, and the OpenAPI document is made from it.
 */
import type { ErrorCode } from '../../ledger/errors.js';
import type { QueryName, SchemaName } from '../schemas/index.js';

const MIB = 1024 * 1024;
const SINGLE_BODY_MAX = MIB;
const BATCH_BODY_MAX = 8 * MIB;

/** One route. */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** `{id}` and `{name}` are one percent-encoded segment each. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: 'transactions' | 'accounts' | 'service';
  readonly summary: string;
  readonly description?: string;
  /** Whether it takes an API key. */
  readonly auth: boolean;
  /** Where the idempotency key stands: in the header, in each item (in the header where the batch is atomic), nowhere. */
  readonly key: 'header' | 'items' | 'none';
  /** Whether If-Match is read. */
  readonly ifMatch?: true;
  /** Largest body, bytes; 0: takes none. */
  readonly bodyMax: number;
  /** Actions that need no field may come without a body. */
  readonly bodyOptional?: true;
  readonly body?: SchemaName;
  readonly query?: QueryName;
  /** By status; null: any object; upgrade: no HTTP from here on. */
  readonly answers: Readonly<Record<number, SchemaName | 'text/plain' | 'upgrade' | null>>;
  /** What it may answer beyond the problems that every route shares. */
  readonly errors: readonly ErrorCode[];
}

/** Any route may answer these. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  'request_framing',
  'headers_too_large',
  'method_not_allowed',
  'not_acceptable',
  'request_timeout',
  'overloaded',
  'draining',
  'invalid_query',
  'internal_error',
];

/** Routes that take an API key may answer these too. */
export const AUTH_ERRORS: readonly ErrorCode[] = [
  'unauthorized',
  'too_many_requests',
  'keys_unavailable',
  'shard_unavailable',
];

/** Routes that take a body. */
export const BODY_ERRORS: readonly ErrorCode[] = [
  'length_required',
  'unsupported_media_type',
  'body_too_large',
  'malformed_body',
  'missing_field',
  'unknown_field',
  'invalid_field',
];

/** Routes that write under a key. */
export const WRITE_ERRORS: readonly ErrorCode[] = [
  'key_missing',
  'key_invalid',
  'key_not_allowed',
  'key_in_flight',
  'key_window_full',
  'key_reused',
  'clock_disagrees',
  'outcome_unknown',
];

const READ_ERRORS = ['invalid_token', 'restored', 'archived'] as const satisfies readonly ErrorCode[];
const LIST_ERRORS = [...READ_ERRORS, 'invalid_cursor', 'read_behind'] as const satisfies readonly ErrorCode[];
const MOVE_ERRORS = [
  'account_closed',
  'amount_overflow',
  'insufficient_funds',
  'balance_limit_exceeded',
] as const satisfies readonly ErrorCode[];
const POST_ERRORS = [
  'unknown_currency',
  'unknown_account',
  'accounts_full',
  'holds_full',
  'effective_at_out_of_range',
  'currency_mismatch',
  'version_conflict',
  'condition_failed',
  ...MOVE_ERRORS,
] as const satisfies readonly ErrorCode[];
const ACTION_ERRORS = [
  'unknown_transaction',
  'archived',
  'not_actionable',
  'invalid_leg',
] as const satisfies readonly ErrorCode[];
const HOLD_ERRORS = [
  ...ACTION_ERRORS,
  'transaction_not_pending',
  'transaction_closed',
] as const satisfies readonly ErrorCode[];

function action<W extends 'capture' | 'void' | 'increment' | 'reverse'>(
  word: W,
  body: SchemaName,
  summary: string,
  errors: readonly ErrorCode[],
): RouteSpec & { readonly operationId: `${W}Transaction` } {
  return {
    method: 'POST',
    path: `/v1/transactions/{id}/${word}`,
    operationId: `${word}Transaction`,
    tag: 'transactions',
    summary,
    auth: true,
    key: 'header',
    bodyMax: SINGLE_BODY_MAX,
    ...(word === 'increment' ? {} : { bodyOptional: true }),
    body,
    // 200: a dry run.
    answers: { 200: 'Action', 201: 'Action' },
    errors,
  };
}

function service<O extends string>(
  path: string,
  operationId: O,
  summary: string,
  answers: RouteSpec['answers'],
): RouteSpec & { readonly operationId: O } {
  return {
    method: 'GET',
    path,
    operationId,
    tag: 'service',
    summary,
    auth: false,
    key: 'none',
    bodyMax: 0,
    answers,
    errors: [],
  };
}

export const ROUTES = [
  {
    method: 'POST',
    path: '/v1/transactions',
    operationId: 'postTransaction',
    tag: 'transactions',
    summary: 'Post a transaction, or hold its money',
    description:
      'All legs or none. With `pending` the money is held until it is captured, voided or expires. With `dry_run` the same step runs and leaves no trace.',
    auth: true,
    key: 'header',
    bodyMax: SINGLE_BODY_MAX,
    body: 'NewTransaction',
    answers: { 200: 'Transaction', 201: 'Transaction' },
    errors: POST_ERRORS,
  },
  {
    method: 'POST',
    path: '/v1/transactions/batch',
    operationId: 'postTransactionBatch',
    tag: 'transactions',
    summary: 'Post up to 8,192 transactions',
    description:
      'Independent items each have a key and an outcome of their own (200). With `"atomic": true` all are posted or none (201), under the key of the header.',
    auth: true,
    key: 'items',
    bodyMax: BATCH_BODY_MAX,
    body: 'NewTransactionBatch',
    answers: { 200: 'BatchAnswer', 201: 'AtomicBatch' },
    errors: POST_ERRORS,
  },
  action('capture', 'CaptureRequest', 'Post what a transaction holds, all or a part', [
    ...HOLD_ERRORS,
    'amount_exceeds_remaining',
  ]),
  action('void', 'VoidRequest', 'Release what a transaction holds, all or a part', [
    ...HOLD_ERRORS,
    'amount_exceeds_remaining',
  ]),
  action('increment', 'IncrementRequest', 'Hold more', [...HOLD_ERRORS, ...MOVE_ERRORS]),
  action('reverse', 'ReverseRequest', 'Turn round what a transaction posted, all or a part', [
    'forbidden',
    ...ACTION_ERRORS,
    'nothing_to_reverse',
    'amount_exceeds_reversible',
    ...MOVE_ERRORS,
  ]),
  {
    method: 'GET',
    path: '/v1/transactions/{id}',
    operationId: 'getTransaction',
    tag: 'transactions',
    summary: 'Read a transaction as it stands now',
    auth: true,
    key: 'none',
    bodyMax: 0,
    answers: { 200: 'Transaction' },
    errors: [...READ_ERRORS, 'unknown_transaction'],
  },
  {
    method: 'GET',
    path: '/v1/transactions',
    operationId: 'listTransactions',
    tag: 'transactions',
    summary: 'List transactions, the newest first',
    auth: true,
    key: 'none',
    bodyMax: 0,
    query: 'transactions',
    answers: { 200: 'TransactionList' },
    errors: LIST_ERRORS,
  },
  {
    method: 'POST',
    path: '/v1/accounts',
    operationId: 'openAccount',
    tag: 'accounts',
    summary: 'Open an account',
    description: 'Asked for again with the same fields: 200.',
    auth: true,
    key: 'header',
    bodyMax: SINGLE_BODY_MAX,
    body: 'NewAccount',
    answers: { 200: 'AccountSettings', 201: 'AccountSettings' },
    errors: ['unknown_currency', 'accounts_full', 'account_exists'],
  },
  {
    method: 'POST',
    path: '/v1/accounts/batch',
    operationId: 'openAccounts',
    tag: 'accounts',
    summary: 'Open up to 8,192 accounts, all or none',
    auth: true,
    key: 'header',
    bodyMax: BATCH_BODY_MAX,
    body: 'NewAccountBatch',
    answers: { 201: 'AccountSettingsList' },
    errors: ['unknown_currency', 'accounts_full', 'account_exists'],
  },
  {
    method: 'GET',
    path: '/v1/accounts',
    operationId: 'listAccounts',
    tag: 'accounts',
    summary: 'List accounts by name',
    auth: true,
    key: 'none',
    bodyMax: 0,
    query: 'accounts',
    answers: { 200: 'AccountList' },
    errors: LIST_ERRORS,
  },
  {
    method: 'GET',
    path: '/v1/accounts/{name}',
    operationId: 'getAccount',
    tag: 'accounts',
    summary: 'Read an account with its balances, now or in the past',
    auth: true,
    key: 'none',
    bodyMax: 0,
    query: 'account',
    answers: { 200: 'Account' },
    errors: [...READ_ERRORS, 'time_in_future', 'unknown_account'],
  },
  {
    method: 'GET',
    path: '/v1/accounts/{name}/entries',
    operationId: 'listEntries',
    tag: 'accounts',
    summary: 'The statement of an account: every change with the balances after it',
    auth: true,
    key: 'none',
    bodyMax: 0,
    query: 'entries',
    answers: { 200: 'EntryList' },
    errors: [...LIST_ERRORS, 'unknown_account'],
  },
  {
    method: 'PATCH',
    path: '/v1/accounts/{name}',
    operationId: 'changeAccount',
    tag: 'accounts',
    summary: 'Change limits and metadata',
    auth: true,
    key: 'header',
    ifMatch: true,
    bodyMax: SINGLE_BODY_MAX,
    body: 'AccountPatch',
    answers: { 200: 'AccountSettings' },
    errors: ['unknown_account', 'precondition_failed', 'account_closed'],
  },
  {
    method: 'POST',
    path: '/v1/accounts/{name}/close',
    operationId: 'closeAccount',
    tag: 'accounts',
    summary: 'Close an account that has no balance and no holds',
    auth: true,
    key: 'header',
    ifMatch: true,
    bodyMax: SINGLE_BODY_MAX,
    bodyOptional: true,
    body: 'Empty',
    answers: { 200: 'AccountSettings' },
    errors: ['unknown_account', 'precondition_failed', 'account_closed', 'account_not_empty'],
  },
  {
    method: 'POST',
    path: '/v1/accounts/{name}/reopen',
    operationId: 'reopenAccount',
    tag: 'accounts',
    summary: 'Open a closed account again',
    auth: true,
    key: 'header',
    ifMatch: true,
    bodyMax: SINGLE_BODY_MAX,
    bodyOptional: true,
    body: 'Empty',
    answers: { 200: 'AccountSettings' },
    errors: ['unknown_account', 'precondition_failed', 'account_not_closed'],
  },
  {
    method: 'GET',
    path: '/v1/stream',
    operationId: 'openStream',
    tag: 'transactions',
    summary: 'Thousands of requests under way on one connection',
    description:
      'A WebSocket (RFC 6455) of msgpack frames with credits for flow control. The API key is that of the upgrade.',
    auth: true,
    key: 'none',
    bodyMax: 0,
    answers: { 101: 'upgrade' },
    errors: ['upgrade_required'],
  },
  service('/v1/errors', 'getErrors', 'Every problem that can be answered, in order of precedence', {
    200: 'ErrorTable',
  }),
  service('/healthz', 'getHealth', 'Whether the process is alive', { 200: 'Health' }),
  service('/readyz', 'getReady', 'Whether requests are taken', { 200: 'Readiness', 503: 'Readiness' }),
  service('/metrics', 'getMetrics', 'Figures of shards and threads, for Prometheus', { 200: 'text/plain' }),
  service('/openapi.json', 'getOpenApi', 'This document', { 200: null }),
] as const satisfies readonly RouteSpec[];

export type OperationId = (typeof ROUTES)[number]['operationId'];
