import type { ErrorCode } from '../../ledger/errors.js';

/** One route of the API. Servers serve exactly these. */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** `{id}` and `{name}` are one percent-encoded segment each. */
  readonly path: string;
  readonly operationId: OperationId;
  readonly summary: string;
  readonly auth: boolean;
  /** Where the idempotency key stands: in the header, in each item (independent batch; header if atomic), or nowhere. */
  readonly key: 'header' | 'items' | 'none';
  /** Largest body, bytes; 0: takes none. */
  readonly bodyMax: number;
  readonly errors: readonly ErrorCode[];
}

export type OperationId =
  | 'postTransaction'
  | 'postTransactionBatch'
  | 'captureTransaction'
  | 'voidTransaction'
  | 'incrementTransaction'
  | 'reverseTransaction'
  | 'getTransaction'
  | 'listTransactions'
  | 'openAccount'
  | 'openAccounts'
  | 'getAccount'
  | 'listEntries'
  | 'listAccounts'
  | 'changeAccount'
  | 'closeAccount'
  | 'reopenAccount'
  | 'getErrors'
  | 'getHealth'
  | 'getReady'
  | 'getOpenApi';

export const ROUTES: readonly RouteSpec[] = [];
