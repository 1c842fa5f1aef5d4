/** The end of a run: memory, folds and a replay of the log say the same as the model. */
import type { AccountState, Complaint } from '../history.js';
import { show } from './compare.js';
import type { HistoryIndex } from './index.js';
import type { Account } from './state.js';
import type { Walk } from './walk.js';

export function judgeFinal(index: HistoryIndex, walk: Walk): Complaint[] {
  const { final, log } = index.history;
  const step = index.history.batches.at(-1)?.step ?? 0;
  const complaints: Complaint[] = [];
  const complain = (rule: string, said: string, expected: string): void => {
    complaints.push({ rule, step, said, expected });
  };
  if (final.memoryHead !== log.length || final.logHead !== log.length) {
    complain('memory_is_the_log', `memory at ${final.memoryHead}, log at ${final.logHead}`, `${log.length}`);
  }
  if (final.memoryDigest !== final.replayDigest) {
    complain('replay_is_the_same', `digest of memory ${final.memoryDigest}`, `of a replay ${final.replayDigest}`);
  }
  if (walk.agreedTo !== log.length) return complaints;
  const sides: readonly (readonly [string, readonly AccountState[]])[] = [
    ['memory', final.accounts],
    ['folded', final.folded],
  ];
  for (const [side, states] of sides) {
    const { ledger } = walk;
    if (states.length !== ledger.accountCount) {
      complain('balances', `${states.length} accounts ${side}`, `${ledger.accountCount}`);
    }
    for (const [at, state] of states.entries()) {
      const wanted = ledger.accounts.get(ledger.names[at] ?? '');
      // One that a fold left out is a hole in the list.
      const said = state === undefined ? 'no account' : show(shown(state));
      const expected = wanted === undefined ? 'no account' : show(shown(asState(wanted)));
      if (said !== expected) complain('balances', `${side}: ${said}`, expected);
    }
  }
  return complaints;
}

const shown = (one: AccountState): unknown[] => [
  one.book,
  one.name,
  one.currency,
  one.normalBalance,
  one.open,
  one.debitsPosted,
  one.creditsPosted,
  one.debitsPending,
  one.creditsPending,
  one.minBalance,
  one.maxBalance,
  one.version,
  one.configVersion,
];

const asState = (one: Account): AccountState => ({
  ...one,
  normalBalance: one.normal,
  minBalance: one.min,
  maxBalance: one.max,
});
