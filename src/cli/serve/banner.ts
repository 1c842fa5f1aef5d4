/** What the operator sees when the engine is ready: where it is, a key, and a line that works when pasted. */
import { join } from 'node:path';
import type { Topology } from '../../engine/supervisor/topology.js';
import type { Config } from '../../platform/config/config.js';
import { placeOf } from '../../store/embedded/place.js';
import type { Control } from './control.js';

export interface BannerOptions {
  readonly config: Config;
  readonly control: Control;
  readonly port: number;
  readonly topology: Topology;
  readonly out: NodeJS.WritableStream;
}

const EXAMPLE = {
  legs: [{ debit: 'external/card', credit: 'customer/42/wallet', amount: 12500, currency: 'EUR' }],
  open_accounts: true,
  reference: 'order-1001',
};

export async function printBanner({ config, control, port, topology, out }: BannerOptions): Promise<void> {
  const url = `http://${hostForUrl(config.http.host)}:${port}`;
  const { fronts, workers, workerOf } = topology;
  const lines = [
    '',
    `Millrace is ready at ${url}`,
    `  ${count(workerOf.length, 'shard')} on ${storeName(config)}, ${count(fronts, 'front')}, ${count(workers, 'worker')}; data in ${dataFolder(config)}`,
    '',
  ];
  const key = await control.firstKey();
  if (key === null) {
    lines.push('Make a key for a merchant:  millrace keys create --merchant ID --test', '');
  } else {
    lines.push(
      `API key of merchant ${key.merchant} (${key.environment}): ${key.token}`,
      '',
      'Post a first transaction:',
      '',
    );
    lines.push(
      `curl -sS ${url}/v1/transactions -H 'Authorization: Bearer ${key.token}' -H 'Idempotency-Key: order-1001' -H 'Content-Type: application/json' -d '${JSON.stringify(EXAMPLE)}'`,
      '',
    );
  }
  out.write(`${lines.join('\n')}\n`);
}

/** As root, the databases may lie where the user that runs them can enter. */
function dataFolder({ dataDir }: Config): string {
  const place = placeOf(dataDir);
  return place === null || place === join(dataDir, 'postgres') ? dataDir : `${dataDir} and ${place}`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

const STORE_NAMES: Readonly<Record<string, string>> = {
  embedded: 'embedded Postgres',
  postgres: 'Postgres',
  pglite: 'PGlite (not synced to disk: survives a kill, not a power cut)',
};

const storeName = (config: Config): string => STORE_NAMES[config.store.kind] ?? config.store.kind;

function hostForUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
