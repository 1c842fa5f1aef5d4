import type { Fault } from '../fault.js';
import { COMMIT_FAULTS } from './commits.js';
import { KEY_FAULTS } from './keys.js';
import { MONEY_FAULTS } from './money.js';
import { READ_FAULTS } from './reads.js';
import { STATE_FAULTS } from './state.js';

export const FAULTS: readonly Fault[] = [
  ...COMMIT_FAULTS,
  ...KEY_FAULTS,
  ...MONEY_FAULTS,
  ...STATE_FAULTS,
  ...READ_FAULTS,
];

/** No fault at all: what is said of its runs would be said of every fault's. */
export const SOUND: Fault = { name: 'none', breaks: 'nothing', patches: [] };
