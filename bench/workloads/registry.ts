/** All workloads, in the order in which the long run does them. */
import { balances } from './balances.js';
import { batches10, batches200, batches8192 } from './batches.js';
import { fourLegs } from './four-legs.js';
import { hotAccount } from './hot-account.js';
import { importFile } from './import.js';
import { pendingCapture } from './pending-capture.js';
import { reads } from './reads.js';
import { refusals } from './refusals.js';
import { replays } from './replays.js';
import { uniformAccounts } from './uniform-accounts.js';
import type { RequestWorkload, Workload } from './workload.js';
import { tbPerf, zipfAccounts } from './zipf-accounts.js';
import { zipfMerchants } from './zipf-merchants.js';

export const WORKLOADS: readonly Workload[] = [
  hotAccount,
  zipfMerchants,
  uniformAccounts,
  zipfAccounts,
  tbPerf,
  pendingCapture,
  fourLegs,
  replays,
  refusals,
  reads,
  balances,
  batches10,
  batches200,
  batches8192,
  importFile,
];

/** @throws RangeError that names those there are */
export function workloadNamed(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`there is no workload "${name}"; there are ${WORKLOADS.map((one) => one.name).join(', ')}`);
}

/** @throws RangeError where it is none that a generator sends */
export function requestWorkload(name: string): RequestWorkload {
  const found = workloadNamed(name);
  if (found.kind !== 'requests') throw new RangeError(`workload "${name}" is not sent by a generator`);
  return found;
}
