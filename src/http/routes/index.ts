/** Which function serves which route. The table of routes itself is ../openapi/routes.ts: what is documented is served. */
import type { OperationId, RouteSpec } from '../openapi/routes.js';
import { ROUTES } from '../openapi/routes.js';
import { getAccount } from './account.js';
import { listAccounts } from './accounts.js';
import { action } from './action.js';
import { postTransactionBatch } from './batch.js';
import type { Call } from './call.js';
import { changeAccount, closeAccount } from './change-account.js';
import { listEntries } from './entries.js';
import { openAccount, openAccounts } from './open-account.js';
import { postTransaction } from './post-transaction.js';
import { getErrors, getHealth, getMetrics, getOpenApi, getReady } from './service.js';
import type { ServiceCall } from './service-call.js';
import { openStream } from './stream.js';
import { getTransaction } from './transaction.js';
import { listTransactions } from './transactions.js';

/** Of a route that takes an API key, or of one that takes none. What they throw is answered. */
type Serve =
  | { readonly auth: true; readonly run: (call: Call) => void | Promise<void> }
  | { readonly auth: false; readonly run: (call: ServiceCall) => void | Promise<void> };

export interface Route {
  readonly spec: RouteSpec;
  readonly serve: Serve;
}

const keyed = (run: (call: Call) => void | Promise<void>): Serve => ({ auth: true, run });
const open = (run: (call: ServiceCall) => void | Promise<void>): Serve => ({ auth: false, run });

const SERVED: Readonly<Record<OperationId, Serve>> = {
  postTransaction: keyed(postTransaction),
  postTransactionBatch: keyed(postTransactionBatch),
  captureTransaction: keyed(action('capture')),
  voidTransaction: keyed(action('void')),
  incrementTransaction: keyed(action('increment')),
  reverseTransaction: keyed(action('reverse')),
  getTransaction: keyed(getTransaction),
  listTransactions: keyed(listTransactions),
  openAccount: keyed(openAccount),
  openAccounts: keyed(openAccounts),
  getAccount: keyed(getAccount),
  listEntries: keyed(listEntries),
  listAccounts: keyed(listAccounts),
  changeAccount: keyed(changeAccount),
  closeAccount: keyed(closeAccount('close_account')),
  reopenAccount: keyed(closeAccount('reopen_account')),
  openStream: keyed(openStream),
  getErrors: open(getErrors),
  getHealth: open(getHealth),
  getReady: open(getReady),
  getMetrics: open(getMetrics),
  getOpenApi: open(getOpenApi),
};

export const SERVED_ROUTES: readonly Route[] = ROUTES.map((spec) => ({ spec, serve: SERVED[spec.operationId] }));
