/** PATCH /v1/accounts/{name}, POST …/close and POST …/reopen */
import type { ChangeAccountRequest, CloseAccountRequest } from '../../engine/wire/messages.js';
import { parseAccountPatch } from '../parse/account.js';
import { parseIfMatch } from '../parse/headers.js';
import { parseAccountSegment } from '../parse/name.js';
import { RequestProblem } from '../types.js';
import { answerWrite } from './answers.js';
import type { Call } from './call.js';
import { requestKey } from './key.js';
import { answerSettings, recordedOf } from './open-account.js';

export function changeAccount(call: Call): void {
  const patch = parseAccountPatch(call.readBody());
  const ifMatch = parseIfMatch(call.exchange.headers.ifMatch);
  const key = requestKey(call, false);
  const account = parseAccountSegment(call.segment);
  const request: ChangeAccountRequest = {
    ...patch,
    type: 'change_account',
    account,
    ...(ifMatch === undefined ? {} : { ifMatch }),
  };
  change(call, `PATCH /v1/accounts/{name} ${account}`, key, request);
}

export function closeAccount(type: CloseAccountRequest['type']): (call: Call) => void {
  const verb = type === 'close_account' ? 'close' : 'reopen';
  return (call) => {
    checkEmptyBody(call);
    const ifMatch = parseIfMatch(call.exchange.headers.ifMatch);
    const key = requestKey(call, false);
    const account = parseAccountSegment(call.segment);
    const request: CloseAccountRequest = { type, account, ...(ifMatch === undefined ? {} : { ifMatch }) };
    change(call, `POST /v1/accounts/{name}/${verb} ${account}`, key, request);
  };
}

function change(
  call: Call,
  route: string,
  key: string | null,
  request: ChangeAccountRequest | CloseAccountRequest,
): void {
  call.ask(call.head(key, route), request, (answer) => {
    answerWrite(call, key, answer, (success) => {
      const { accounts, sequence } = recordedOf(success);
      const [view] = accounts;
      if (view === undefined) throw new Error('an account was changed, and it is not in the answer');
      answerSettings(call, 200, [{ ...view, sequence }], (items) => items[0] ?? '');
    });
  });
}

/** No body, or an empty object: there is nothing to say. */
function checkEmptyBody(call: Call): void {
  const body = call.readBody();
  if (body === null) return;
  if (!(body instanceof Map)) throw new RequestProblem('malformed_body', 'The body is empty or an empty object.');
  for (const name of body.keys())
    throw new RequestProblem('unknown_field', 'No field is taken here.', `/${String(name)}`);
}
