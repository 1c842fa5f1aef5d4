/** GET /v1/accounts/{name}: now from the worker's memory, the past from the log. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer } from '../../engine/wire/messages.js';
import type { Micros } from '../../ledger/record.js';
import type { AccountView } from '../../ledger/view.js';
import { createClock } from '../../platform/time.js';
import { parseAccountSegment } from '../parse/name.js';
import { parseAccountQuery } from '../parse/query.js';
import { renderAccount, renderAccountAsOf } from '../render/account.js';
import { RequestProblem } from '../types.js';
import type { Call } from './call.js';
import { askRead, checkReached, READ_ROUTE, readHead, readOf, tokenSequence } from './consistency.js';

/** How far the clocks of this thread and of the worker may be apart on one machine. */
const CLOCK_SKEW_MICROS = 10_000;
const clock = createClock();

export function getAccount(call: Call): void | Promise<void> {
  const { at, asOf } = parseAccountQuery(call.exchange.query);
  const name = parseAccountSegment(call.segment);
  if (at !== null) return accountAt(call, name, at);
  if (asOf !== null) return accountAsOf(call, name, asOf);
  accountNow(call, name);
}

/** The read that is asked for most: answered from the engine's answer itself, without a promise in between. */
function accountNow(call: Call, name: string): void {
  const wanted = tokenSequence(call);
  call.ask(call.head(null, READ_ROUTE), { type: 'read_account', account: name }, (answer) => {
    const account = accountOf(call, name, wanted, readOf(answer));
    if (account.metadata !== undefined) {
      call.ok(200, renderAccount(account));
      return;
    }
    withMetadata(call, account)
      .then((whole) => call.ok(200, renderAccount(whole)))
      .catch((error: unknown) => call.fail(error));
  });
}

/**
 * The account as it stands, not older than the request's token.
 * @throws RequestProblem `unknown_account`, `invalid_token`, `restored`
 */
export async function presentAccount(call: Call, name: string): Promise<AccountView> {
  const wanted = tokenSequence(call);
  return accountOf(call, name, wanted, await askRead(call, { type: 'read_account', account: name }));
}

/** @throws RequestProblem */
function accountOf(call: Call, name: string, wanted: number, answer: Answer): AccountView {
  if (answer.type !== 'account') throw new Error(`a read of an account was answered with ${answer.type}`);
  checkReached(wanted, answer.sequence);
  call.sequence = answer.sequence;
  if (answer.account === null) throw unknownAccount(name);
  return answer.account;
}

export async function withMetadata(call: Call, view: AccountView): Promise<AccountView> {
  if (view.metadata !== undefined) return view;
  return { ...view, metadata: await call.shard.reader.metadata(call.book, view.configPosition) };
}

async function accountAt(call: Call, name: string, at: Micros): Promise<void> {
  await reachTime(call, at, 'at');
  const view = await call.shard.reader.accountAt(call.book, name, at);
  if (view === null) throw unknownAccount(name);
  call.ok(200, renderAccount(await withMetadata(call, view)));
}

async function accountAsOf(call: Call, name: string, asOf: Micros): Promise<void> {
  await reachTime(call, asOf, 'as_of');
  const past = await call.shard.reader.accountAsOf(call.book, name, asOf);
  if (past === null) throw unknownAccount(name);
  const { account, debitsPosted, creditsPosted, sequence } = past;
  const posted = account.normalBalance === 'credit' ? creditsPosted - debitsPosted : debitsPosted - creditsPosted;
  call.ok(200, renderAccountAsOf(await withMetadata(call, account), posted, asOf, sequence));
}

/**
 * Until all that will ever be recorded at or before the time is committed, so that the answer is the same for ever.
 * @throws RequestProblem `time_in_future`, `invalid_token`, `restored`
 */
async function reachTime(call: Call, time: Micros, parameter: string): Promise<void> {
  const wanted = tokenSequence(call);
  const now = clock();
  // What is recorded after the head was read is later than this time; so close to the present, only after a moment.
  if (time <= now && time > now - CLOCK_SKEW_MICROS) await pause(CLOCK_SKEW_MICROS / 1000);
  const head = await readHead(call);
  checkReached(wanted, head.sequence);
  if (time > Math.max(now, head.recordedAt)) {
    throw new RequestProblem('time_in_future', `"${parameter}" lies beyond the present of the ledger.`);
  }
}

export function unknownAccount(name: string): RequestProblem {
  return new RequestProblem('unknown_account', `There is no account ${name}.`);
}
