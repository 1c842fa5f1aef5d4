/** What clients were answered is still true: every key says the same again, and none that is known has lost its record. */

import { isFinal, textOf } from '../clients/http.js';
import type { Entry } from '../clients/journal.js';
import type { Merchant } from '../clients/merchant.js';
import type { Counters } from '../counters.js';
import { must } from './failure.js';
import type { LogFollower } from './log-follower.js';

const SETTLE_MS_MAX = 30_000;
const AT_ONCE = 16;

/** Runs `work` on all of them, several at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * Before anything is asked again: what became of the requests whose outcome nobody told. Of one epoch at most one commit
 * ends without a word: it had happened if anything of that epoch is there, under that epoch.
 */
export function countUnknown(
  merchants: readonly Merchant[],
  from: ReadonlyMap<Merchant, number>,
  log: LogFollower,
  counters: Counters,
): void {
  const happened = new Map<number, boolean>();
  for (const merchant of merchants) {
    for (const { wasUnknown, request, epoch } of merchant.journal.entries.slice(from.get(merchant) ?? 0)) {
      if (!wasUnknown) continue;
      const place = log.find(request.key);
      const hadHappened = place !== undefined && place.epoch <= epoch;
      happened.set(epoch, hadHappened || happened.get(epoch) === true);
      counters.add(`unanswered requests that had ${hadHappened ? '' : 'not '}happened`);
    }
  }
  for (const had of happened.values()) counters.add(`ambiguous commits that had ${had ? '' : 'not '}happened`);
}

/** Brings every request to its outcome. */
export async function settleAll(merchant: Merchant): Promise<void> {
  await each(
    merchant.journal.entries.filter(({ settled }) => settled === null),
    (entry) => merchant.settle(entry, SETTLE_MS_MAX),
  );
}

/** By SQL, all of them: success and refusal have their record, once, and of that kind. */
export function proveLog(merchant: Merchant, log: LogFollower): void {
  for (const { settled, request } of merchant.journal.entries) {
    if (settled === null) continue;
    const place = log.find(request.key);
    must(place !== undefined, () => `${request.key} was answered ${settled.text} and is not in the log`);
    must(
      place.refused === (settled.status !== 201),
      () => `${request.key} was answered ${settled.status} and the log says ${place.refused ? 'refused' : 'posted'}`,
    );
  }
}

/** By the API, these of them: the same answer under the same key, once more. */
export async function proveAgain(merchant: Merchant, entries: readonly Entry[], counters: Counters): Promise<void> {
  await each(entries, async ({ request, settled }) => {
    if (settled === null) return;
    const giveUp = performance.now() + SETTLE_MS_MAX;
    let again = await merchant.again(request);
    while (!isFinal(again) && performance.now() < giveUp) again = await merchant.again(request);
    must(isFinal(again), () => `${request.key} was settled, and now there is no answer but ${again?.text ?? 'none'}`);
    const same = again.status === settled.status && textOf(again) === textOf(settled) && again.replayed;
    must(same, () => `${request.key} was answered ${settled.text} and is now ${again?.text ?? 'none'}`);
    counters.add('answers asked for again and found the same');
  });
  const ids = merchant.journal.entries.flatMap(({ settled }) =>
    settled?.body.id === undefined ? [] : [settled.body.id],
  );
  must(new Set(ids).size === ids.length, () => 'two keys have one transaction');
}
