/** POST /v1/transactions/{id}/capture, void, increment and reverse. */
import type { ActionRequest } from '../../engine/wire/messages.js';
import { parseAction } from '../parse/action.js';
import { RequestProblem } from '../types.js';
import { answerWrite } from './answers.js';
import type { Call } from './call.js';
import { requestKey } from './key.js';
import { renderNew } from './post-transaction.js';
import { NOWHERE, pathPosition } from './transaction.js';

export function action(type: ActionRequest['type']): (call: Call) => void {
  return (call) => {
    const parsed = parseAction(type, call.readBody());
    if (parsed.force && !call.principal.scopes.includes('force')) {
      throw new RequestProblem('forbidden', '"force" needs a key with the scope "force".', '/force');
    }
    const key = requestKey(call, parsed.dryRun);
    const parent = pathPosition(call);
    const head = call.head(key, `POST /v1/transactions/{id}/${type} ${parent}`);
    call.ask(head, { ...parsed, parent }, (answer) => {
      const answerNow = (): void => answerWrite(call, key, answer, (success) => renderNew(call, success));
      if (answer.type === 'answered' && answer.code === 'unknown_transaction' && parent !== NOWHERE) {
        // It may stand in a file: then the reader says so.
        call.shard.reader.transaction(call.book, parent).then(answerNow, (error: unknown) => call.fail(error));
      } else answerNow();
    });
  };
}
