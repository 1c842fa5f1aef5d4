/** POST /v1/accounts and POST /v1/accounts/batch */
import type { OpenAccountsRequest } from '../../engine/wire/messages.js';
import type { AccountView } from '../../ledger/view.js';
import { parseAccount, parseAccounts } from '../parse/account.js';
import { renderAccountSettings } from '../render/account.js';
import { renderAll } from '../render/list.js';
import { withMetadata } from './account.js';
import { answerWrite, type Recorded, type Success } from './answers.js';
import type { Call } from './call.js';
import { requestKey } from './key.js';

export function openAccount(call: Call): void {
  open(call, 'POST /v1/accounts', parseAccount(call.readBody(), call.context.parse));
}

export function openAccounts(call: Call): void {
  open(call, 'POST /v1/accounts/batch', parseAccounts(call.readBody(), call.context.parse));
}

function open(call: Call, route: string, request: OpenAccountsRequest): void {
  const key = requestKey(call, false);
  call.ask(call.head(key, route), request, (answer) => {
    answerWrite(call, key, answer, (success) => {
      const { accounts, position, sequence } = recordedOf(success);
      const first = accounts[0];
      if (first === undefined) throw new Error('accounts were opened, and none is in the answer');
      if (request.batch) {
        // The head of the unit has the first sequence, and each account the next.
        const views = accounts.map((view, index) => ({ ...view, sequence: sequence + 1 + index }));
        answerSettings(call, 201, views, renderAll);
        return;
      }
      // One that was there with these fields already was opened by an earlier record.
      const status = first.configPosition === position ? 201 : 200;
      answerSettings(call, status, [{ ...first, sequence }], (items) => items[0] ?? '');
    });
  });
}

/** Accounts have no dry runs. */
export function recordedOf(success: Success): Recorded {
  if (success.type === 'recorded') return success;
  throw new Error('an account request was answered without a record');
}

/** Answers with the settings, once the metadata that memory does not hold has been read. */
export function answerSettings(
  call: Call,
  status: number,
  views: readonly AccountView[],
  join: (items: readonly string[]) => string,
): void {
  const answer = (whole: readonly AccountView[]): void => call.ok(status, join(whole.map(renderAccountSettings)));
  if (views.every((view) => view.metadata !== undefined)) {
    answer(views);
    return;
  }
  Promise.all(views.map((view) => withMetadata(call, view)))
    .then(answer)
    .catch((error: unknown) => {
      // It is recorded: a retry under the key gives the answer that could not be made now.
      call.context.onError(error, 'reading the metadata of accounts');
      call.problem('outcome_unknown');
    });
}
