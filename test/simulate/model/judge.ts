/**
 * The judge of a simulated run. It knows the contract and nothing of the engine: the second ledger of this folder is run
 * along the log that the run left behind, and everything that was said is held against it.
 */
import type { Complaint, History } from '../history.js';
import { judgeAnswers } from './answers.js';
import { judgeFinal } from './final.js';
import { HistoryIndex } from './index.js';
import { Questions } from './questions.js';
import { judgeSeals } from './seals.js';
import { judgeStructure } from './structure.js';
import { Walk } from './walk.js';

/** @returns what is wrong, in order of the steps at which it can be seen; empty: nothing */
export function judge(history: History): Complaint[] {
  const structure = judgeStructure(history);
  const index = new HistoryIndex(history);
  const walk = new Walk(index);
  const questions = new Questions(index, walk);
  // A log that is torn cannot be walked along.
  if (structure.length === 0) walk.run((ledger, next) => questions.atBoundary(ledger, next));
  questions.end(walk.agreedTo);
  const complaints = [
    ...structure,
    ...walk.complaints,
    ...questions.complaints,
    ...judgeAnswers(index, walk),
    ...judgeFinal(index, walk),
    ...judgeSeals(history),
  ];
  return complaints.sort((a, b) => a.step - b.step);
}
