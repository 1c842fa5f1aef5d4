import type { ChangeAccountRequest, OpenAccountsRequest } from '../../engine/wire/messages.js';
import type { BodyValue } from '../types.js';
import type { ParseContext } from './context.js';

/** A PATCH's body without the account and If-Match, which stand elsewhere in the request. */
export type ParsedAccountPatch = Omit<ChangeAccountRequest, 'account' | 'ifMatch' | 'type'>;

/** The body of POST /v1/accounts. @throws RequestProblem */
export function parseAccount(_value: BodyValue, _context: ParseContext): OpenAccountsRequest {
  throw new Error('not built yet');
}

/** The body of POST /v1/accounts/batch. @throws RequestProblem */
export function parseAccounts(_value: BodyValue, _context: ParseContext): OpenAccountsRequest {
  throw new Error('not built yet');
}

/** The body of PATCH /v1/accounts/{name}. @throws RequestProblem */
export function parseAccountPatch(_value: BodyValue): ParsedAccountPatch {
  throw new Error('not built yet');
}
