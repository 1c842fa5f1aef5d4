/** POST /v1/transactions/batch: independent items, or all or none. */
import type { AtomicBatchRequest } from '../../engine/wire/messages.js';
import { parseBatch } from '../parse/batch.js';
import { renderAll } from '../render/list.js';
import { answerWrite } from './answers.js';
import { type BatchItems, StrictItems } from './batch-items.js';
import type { Call } from './call.js';
import { IndependentBatch } from './independent-batch.js';
import { refuseKey, requestKey } from './key.js';
import { readPlainItems } from './plain-items.js';

const ATOMIC_ROUTE = 'POST /v1/transactions/batch';

export function postTransactionBatch(call: Call): void {
  // As with single postings: a batch that is not all of the common shape is read strictly as a whole.
  const plain = call.bodyForm === 'json' ? readPlainItems(call) : null;
  if (plain !== null) {
    postIndependent(call, plain);
    return;
  }
  const batch = parseBatch(call.readBody(), call.context.parse);
  if (batch.atomic) postAtomic(call, { type: 'atomic_batch', items: batch.items, dryRun: batch.dryRun });
  else postIndependent(call, new StrictItems(batch.items));
}

function postIndependent(call: Call, items: BatchItems): void {
  refuseKey(call, 'Items of an independent batch carry their keys; the header is not taken.');
  new IndependentBatch(call, items).start();
}

function postAtomic(call: Call, request: AtomicBatchRequest): void {
  const key = requestKey(call, request.dryRun);
  call.ask(call.head(key, ATOMIC_ROUTE), request, (answer) => {
    answerWrite(call, key, answer, (success) => {
      const recorded = success.type === 'recorded';
      const items = success.records.map((record) => call.renderRecord(record, recorded));
      call.ok(recorded ? 201 : 200, renderAll(items));
    });
  });
}
