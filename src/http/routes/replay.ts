/**
 * Replays: the outcome of a key, rendered from the log's records alone, with the status and the body that it had at
 * first.
 */
import { errorByNumber } from '../../ledger/errors.js';
import type { Position } from '../../ledger/record.js';
import { isTransaction, RecordKind } from '../../ledger/record.js';
import type { RecordView } from '../../ledger/view.js';
import { problemStatus } from '../problem.js';
import { renderAccountRecord } from '../render/account.js';
import { renderAll } from '../render/list.js';
import type { Call } from './call.js';

/**
 * Reads the outcome at `position` and answers with it, if it is the outcome of this very request.
 * @param fingerprint of this request, as {@link RecordView.fingerprint}
 */
export async function answerReplay(
  call: Call,
  key: string | null,
  position: Position,
  fingerprint: string,
): Promise<void> {
  const unit = await call.shard.reader.unit(call.book, position);
  const head = unit[0];
  if (head === undefined) throw new Error(`the outcome of a key is not in the log: position ${position}`);
  if (!isOutcomeOf(head, key, fingerprint)) return call.problem('key_reused');
  call.sequence = unit.at(-1)?.sequence ?? head.sequence;
  if (head.kind === RecordKind.refused) {
    const { code } = refusalOf(head);
    return call.problem(code, { details: head.details, refusal: head, replayed: true });
  }
  call.ok(successStatus(head), renderUnit(call, unit), true);
}

/** The stored key and fingerprint decide; the engine's hashes only led here. */
export function isOutcomeOf(record: RecordView, key: string | null, fingerprint: string): boolean {
  return record.key === key && record.fingerprint === fingerprint;
}

/** The code and status of a remembered refusal. */
export function refusalOf(record: RecordView) {
  const entry = errorByNumber(record.code);
  if (entry === undefined) throw new Error(`the log holds a refusal ${record.code} that this program does not know`);
  return { code: entry.code, status: problemStatus(entry.code) };
}

function successStatus(head: RecordView): number {
  switch (head.kind) {
    case RecordKind.accountChanged:
    case RecordKind.accountClosed:
    case RecordKind.accountReopened:
    case RecordKind.accountConfirmed:
      return 200;
    default:
      return 201;
  }
}

function renderUnit(call: Call, unit: readonly RecordView[]): string {
  const head = unit[0];
  if (head === undefined) throw new Error('a unit without records');
  if (head.kind !== RecordKind.batch) return renderOne(call, head);
  const members = unit.slice(1);
  const transactions = members.filter((record) => isTransaction(record.kind));
  return renderAll((transactions.length > 0 ? transactions : members).map((record) => renderOne(call, record)));
}

function renderOne(call: Call, record: RecordView): string {
  return isTransaction(record.kind)
    ? call.renderRecord(record)
    : renderAccountRecord(record, call.context.currencyCode);
}
