/**
 * Reads that are not older than a Consistency-Token. A token beyond the merchant's head is refused at once: waiting for
 * what may never come helps nobody.
 */
import type { Answer, ColdRequest } from '../../engine/wire/messages.js';
import type { Micros } from '../../ledger/record.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';
import { ReadRefused } from './read-refused.js';

/** How long a list waits for its fold. */
const FOLD_WAIT_MS = 1_000;
/** Of reads, which have no key to be compared by. */
export const READ_ROUTE = 'read';

/**
 * The sequence that the request's token asks for; 0 where it sent none.
 * @throws RequestProblem `invalid_token`, `restored`
 */
export function tokenSequence(call: Call): number {
  const text = call.exchange.headers.consistencyToken;
  if (text === '') return 0;
  const token = call.codecs.sealer.openToken(text, call.book);
  if (token === 'invalid')
    throw new RequestProblem('invalid_token', 'The Consistency-Token was not made for this ledger.');
  if (token.incarnation !== call.shard.incarnation) {
    throw new RequestProblem('restored', 'The Consistency-Token is from before the ledger was restored.');
  }
  return token.sequence;
}

/** @throws RequestProblem `invalid_token` where the token is beyond what was committed */
export function checkReached(wanted: number, sequence: number): void {
  if (wanted <= sequence) return;
  throw new RequestProblem('invalid_token', 'The Consistency-Token is beyond the end of the ledger.');
}

/** For reads of the log itself: after this, they see all that the token has seen. */
export async function reachToken(call: Call): Promise<number> {
  const wanted = tokenSequence(call);
  if (wanted > 0) checkReached(wanted, (await readHead(call)).sequence);
  return wanted;
}

/** For lists: waits until their fold has come to the token. @throws RequestProblem `read_behind` */
export async function reachTokenInFold(call: Call): Promise<void> {
  const wanted = await reachToken(call);
  if (wanted > 0) await waitForFold(call, wanted);
}

export async function waitForFold(call: Call, sequence: number): Promise<void> {
  if (await call.shard.reader.waitFor(call.book, sequence, FOLD_WAIT_MS)) return;
  throw new RequestProblem('read_behind', 'The read model has not come to this point yet.');
}

/** The merchant's committed sequence, and the shard's present. */
export async function readHead(call: Call): Promise<{ readonly sequence: number; readonly recordedAt: Micros }> {
  const answer = await askRead(call, { type: 'read_head' });
  if (answer.type !== 'head') throw new Error(`a read of the head was answered with ${answer.type}`);
  call.sequence = Math.max(call.sequence, answer.sequence);
  return answer;
}

/** @throws ReadRefused */
export async function askRead(call: Call, request: ColdRequest): Promise<Answer> {
  const answer = await new Promise<Answer>((resolve, reject) => {
    const refusal = call.context.engine.ask(call.head(null, READ_ROUTE), request, resolve);
    if (refusal !== null) reject(new ReadRefused(refusal, 1));
  });
  return readOf(answer);
}

/** @throws ReadRefused */
export function readOf(answer: Answer): Answer {
  if (answer.type === 'unavailable') throw new ReadRefused(answer.code, answer.retryAfterSeconds);
  return answer;
}
