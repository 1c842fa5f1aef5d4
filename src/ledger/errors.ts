/**
 * Every problem that Millrace answers with, in one table. The documentation, the OpenAPI file, `GET /v1/errors` and the
 * tests are made from it.
 *
 * The table is totally ordered: where several problems apply to one request, the one that stands first wins. Numbers
 * are stored in the log (`code`) and never reused; codes are public and never renamed.
 */

export interface ErrorEntry {
  readonly code: string;
  readonly number: number;
  readonly status: number;
  readonly title: string;
  /** Whether the same request may succeed when sent again. */
  readonly retryable: boolean;
  /** True: the state machine decided it on existing objects; it is the outcome of its idempotency key for good. */
  readonly remembered: boolean;
  /** What is known of the request's effect when this is answered. */
  readonly outcome: 'none' | 'unknown';
  /** What the caller should do. */
  readonly action: string;
}

type Row = readonly [
  code: string,
  number: number,
  status: number,
  kind: 'final' | 'fix' | 'retry' | 'unknown',
  title: string,
  action: string,
];

/** `final`: remembered. `fix`: not remembered, mend the request. `retry`: nothing happened, try later. `unknown`: retry with the same key. */
const rows = [
  [
    'request_framing',
    1,
    400,
    'fix',
    'The request is framed in a way that two servers could read differently.',
    'Send exactly one Content-Length and one Host header and no Transfer-Encoding.',
  ],
  [
    'length_required',
    2,
    411,
    'fix',
    'A body must announce its length.',
    'Send Content-Length; chunked bodies are not taken.',
  ],
  ['headers_too_large', 3, 431, 'fix', 'The header fields are too large.', 'Send fewer or smaller headers.'],
  ['not_found', 4, 404, 'fix', 'There is nothing at this path.', 'Check the path against GET /openapi.json.'],
  [
    'method_not_allowed',
    5,
    405,
    'fix',
    'This path does not take this method.',
    'Use one of the methods in the Allow header.',
  ],
  [
    'upgrade_required',
    60,
    426,
    'fix',
    'This path is a stream.',
    'Connect by WebSocket; see the documentation of the stream.',
  ],
  [
    'unauthorized',
    6,
    401,
    'fix',
    'The API key is missing, unknown or revoked.',
    'Send Authorization: Bearer with a key made by `millrace keys create`.',
  ],
  [
    'forbidden',
    7,
    403,
    'fix',
    'The API key does not have the scope that this needs.',
    'Use a key made with the scope that the answer names.',
  ],
  [
    'not_acceptable',
    8,
    406,
    'fix',
    'No answer can be made in a type that Accept allows.',
    'Accept application/json or application/msgpack.',
  ],
  [
    'unsupported_media_type',
    9,
    415,
    'fix',
    'The body is of a type that is not taken.',
    'Send application/json or application/msgpack.',
  ],
  [
    'body_too_large',
    10,
    413,
    'fix',
    'The body is larger than this route takes.',
    'Send at most 1 MiB, or 8 MiB to a batch.',
  ],
  [
    'request_timeout',
    11,
    408,
    'retry',
    'The request did not arrive in time.',
    'Send the whole request within 10 seconds.',
  ],
  [
    'too_many_requests',
    61,
    429,
    'retry',
    'This merchant has more than its share of a busy shard under way; nothing of the request was taken.',
    'Wait for Retry-After, then send it again; keep fewer requests under way.',
  ],
  [
    'overloaded',
    12,
    503,
    'retry',
    'The engine is at its limit; nothing of the request was taken.',
    'Wait for Retry-After, then send it again.',
  ],
  [
    'shard_unavailable',
    13,
    503,
    'retry',
    'The shard of this merchant cannot answer now; nothing of the request was taken.',
    'Wait for Retry-After, then send it again.',
  ],
  [
    'draining',
    14,
    503,
    'retry',
    'The engine is stopping; nothing of the request was taken.',
    'Send it again to another engine, or after Retry-After.',
  ],
  [
    'keys_unavailable',
    15,
    503,
    'retry',
    'API keys cannot be checked now.',
    'Wait for Retry-After, then send it again.',
  ],
  [
    'malformed_body',
    16,
    400,
    'fix',
    'The body cannot be read.',
    'Send one well-formed document without duplicate fields; the detail says what is wrong.',
  ],
  ['missing_field', 17, 400, 'fix', 'A field that is needed is missing.', 'Add the field that param names.'],
  [
    'unknown_field',
    18,
    400,
    'fix',
    'There is a field that this route does not know.',
    'Remove the field that param names.',
  ],
  ['invalid_field', 19, 400, 'fix', 'A field has a value that is not allowed.', 'Mend the field that param names.'],
  [
    'unknown_currency',
    20,
    400,
    'fix',
    'The currency is not known.',
    'Use a code of ISO 4217, or one that the operator has configured.',
  ],
  [
    'invalid_query',
    21,
    400,
    'fix',
    'A query parameter is not known or has a value that is not allowed.',
    'Mend the parameter that the detail names.',
  ],
  [
    'key_missing',
    22,
    400,
    'fix',
    'The Idempotency-Key header is missing.',
    'Send a key of your own, unique to this operation.',
  ],
  [
    'key_invalid',
    23,
    400,
    'fix',
    'The idempotency key is not 1 to 255 printable ASCII characters.',
    'Send a shorter key, or one of other characters.',
  ],
  [
    'key_not_allowed',
    24,
    400,
    'fix',
    'An idempotency key stands where none is taken.',
    'Independent batches carry a key in each item; dry runs carry none.',
  ],
  ['invalid_cursor', 25, 400, 'fix', 'The cursor was not made by this list.', 'Start again without a cursor.'],
  [
    'invalid_token',
    26,
    400,
    'fix',
    'The Consistency-Token is not one of this ledger.',
    'Send the token of an earlier answer as it was, or none.',
  ],
  [
    'restored',
    27,
    410,
    'fix',
    'The ledger was restored to a time before this token or cursor.',
    'Read again without it.',
  ],
  [
    'archived',
    59,
    410,
    'fix',
    'This part of the ledger is archived: the operator has moved it to files.',
    'Ask for what is newer, or ask the operator. Balances are not affected.',
  ],
  [
    'time_in_future',
    28,
    400,
    'fix',
    'The time lies beyond the present of the ledger.',
    'Ask for a time that has passed.',
  ],
  [
    'read_behind',
    29,
    503,
    'retry',
    'The list has not reached what the Consistency-Token asks for.',
    'Wait for Retry-After, then read again.',
  ],
  [
    'key_in_flight',
    30,
    409,
    'retry',
    'A request with this key is still being decided.',
    'Wait for Retry-After, then send it again with the same key.',
  ],
  [
    'key_window_full',
    31,
    503,
    'retry',
    'No more keys can be remembered now.',
    'Wait for Retry-After; the operator can raise keys_max.',
  ],
  ['key_reused', 32, 422, 'fix', 'This key has been used with another request.', 'Use a new key for a new operation.'],
  ['unknown_transaction', 33, 404, 'fix', 'There is no such transaction.', 'Check the id.'],
  ['unknown_account', 34, 404, 'fix', 'There is no such account.', 'Open the account first, or send open_accounts.'],
  [
    'accounts_full',
    35,
    503,
    'retry',
    'No more accounts can be opened on this shard.',
    'The operator can raise accounts_max.',
  ],
  [
    'holds_full',
    36,
    503,
    'retry',
    'No more transactions can be pending on this shard.',
    'Capture or void some, or have the operator raise open_holds_max.',
  ],
  ['account_exists', 37, 409, 'final', 'The account exists with other fields.', 'Use it as it is, or another name.'],
  [
    'precondition_failed',
    38,
    412,
    'final',
    'If-Match does not name the present config_version.',
    'Read the account and decide again.',
  ],
  [
    'not_actionable',
    39,
    422,
    'final',
    'This transaction is an action itself and cannot be acted on.',
    'Act on its parent.',
  ],
  [
    'transaction_not_pending',
    40,
    422,
    'final',
    'The transaction was posted at once; it holds nothing.',
    'Reverse it, if it should be undone.',
  ],
  [
    'transaction_closed',
    41,
    422,
    'final',
    'Nothing of the transaction is pending any more.',
    'The answer shows its state.',
  ],
  [
    'nothing_to_reverse',
    42,
    422,
    'final',
    'Nothing of the transaction is posted and not yet reversed.',
    'The answer shows its state.',
  ],
  [
    'invalid_leg',
    43,
    422,
    'final',
    'The legs named do not fit those of the transaction.',
    'Name each leg once, by its index; with several legs, name amounts by leg.',
  ],
  [
    'amount_exceeds_remaining',
    44,
    422,
    'final',
    'The amount is more than the transaction still holds.',
    'The answer shows what remains.',
  ],
  [
    'amount_exceeds_reversible',
    45,
    422,
    'final',
    'The amount is more than is posted and not yet reversed.',
    'The answer shows what can be reversed.',
  ],
  [
    'effective_at_out_of_range',
    46,
    422,
    'final',
    'effective_at is in the future, or further back than the operator allows.',
    'Send a time that is allowed, or none.',
  ],
  [
    'currency_mismatch',
    47,
    422,
    'final',
    'The currency of a leg is not that of its account.',
    'Use accounts of one currency in a leg.',
  ],
  ['account_closed', 48, 422, 'final', 'An account is closed.', 'Reopen it or use another.'],
  ['account_not_closed', 49, 422, 'final', 'The account is open already.', 'Nothing is to be done.'],
  [
    'account_not_empty',
    50,
    422,
    'final',
    'The account has a balance or holds.',
    'Bring both to zero before closing it.',
  ],
  [
    'version_conflict',
    51,
    422,
    'final',
    'A version named in if is not the present one.',
    'Read the account and decide again.',
  ],
  ['condition_failed', 52, 422, 'final', 'A condition in if does not hold.', 'Read the account and decide again.'],
  ['amount_overflow', 53, 422, 'final', 'A counter would pass 2^63−1.', 'Use smaller amounts or another account.'],
  [
    'insufficient_funds',
    54,
    422,
    'final',
    'An account would fall below its min_balance.',
    'The answer names the account and what is available.',
  ],
  [
    'balance_limit_exceeded',
    55,
    422,
    'final',
    'An account would rise above its max_balance.',
    'The answer names the account and its limit.',
  ],
  [
    'clock_disagrees',
    56,
    503,
    'retry',
    'The clock of the shard cannot be trusted now; nothing was done.',
    'Wait for Retry-After; the operator should check the clock.',
  ],
  [
    'outcome_unknown',
    57,
    503,
    'unknown',
    'It is not known yet whether this was done.',
    'Send it again with the same key: the answer is then the true one.',
  ],
  [
    'internal_error',
    58,
    500,
    'unknown',
    'The engine failed at this request.',
    'Send it again with the same key; if it stays, report the request_id.',
  ],
] as const satisfies readonly Row[];

export type ErrorCode = (typeof rows)[number][0];

/** In order: the first that applies wins. */
export const ERRORS: readonly (ErrorEntry & { readonly code: ErrorCode })[] = rows.map(
  ([code, number, status, kind, title, action]) => ({
    code,
    number,
    status,
    title,
    retryable: kind === 'retry' || kind === 'unknown',
    remembered: kind === 'final',
    outcome: kind === 'unknown' ? 'unknown' : 'none',
    action,
  }),
);

const byCode = new Map<string, ErrorEntry & { readonly code: ErrorCode }>(ERRORS.map((entry) => [entry.code, entry]));
const byNumber = new Map<number, ErrorEntry & { readonly code: ErrorCode }>(
  ERRORS.map((entry) => [entry.number, entry]),
);

export function errorByCode(code: ErrorCode): ErrorEntry & { readonly code: ErrorCode } {
  const entry = byCode.get(code);
  if (entry === undefined) throw new Error(`no such error code: ${code}`);
  return entry;
}

/** For numbers read from a log: undefined where a newer program wrote it. */
export function errorByNumber(number: number): (ErrorEntry & { readonly code: ErrorCode }) | undefined {
  return byNumber.get(number);
}
