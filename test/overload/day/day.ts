/**
 * A day at small scale: mixed load, with Postgres stopped for a second, killed, its backends ended, and a short flood
 * now and then. What an engine and its databases hold must not trend upward, once it is warm.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../crash/support/processes.js';
import { withClient } from '../../support/postgres.js';
import { Random } from '../../torture/random.js';
import { countOf, groupIn, mean, otherThan } from '../measure.js';
import type { Verdicts } from '../verdicts.js';
import type { World } from '../world.js';
import { groupOf } from '../world.js';
import { holds, reads } from './requests.js';
import type { Sample } from './samples.js';
import { FIGURES, sample, slopePerHour } from './samples.js';

const SAMPLE_EVERY_MS = 5_000;
/** Of the whole time: what is taken at the start is no trend. */
const WARM_SHARE = 0.4;
/** Shorter runs print slopes and judge none: a checkpoint or a collection would be one. */
const JUDGED_MINUTES = 20;
/** Growth over the judged time, of the mean. */
const GROWTH_PERCENT = 10;
/** Of figures that are small numbers: so much more is no trend either. */
const SLACK = {
  'heap, MB': 8,
  'RSS, MB': 16,
  handles: 4,
  files: 4,
  'WAL, MB': 64,
  'dead rows': 20_000,
  'bloat, MB': 8,
};
const FAULT_EVERY_MS = { least: 15_000, most: 45_000 };
const PAUSE_MS = 1_000;
const RATES = { singles: 200, batches: 4, holds: 20, reads: 40 };

/** What the engine of a day is started with. @param folder of the probe */
export const dayEnvironment = (folder: string, probe: string): Readonly<Record<string, string>> => ({
  OVERLOAD_PROBE: folder,
  NODE_OPTIONS: `--require ${probe}`,
  // Keys are remembered for a minute: what is remembered for a week grows for a week.
  MILLRACE_KEYS__WINDOW: '1m',
});

export async function day(
  world: World,
  probeFolder: string,
  minutes: number,
  seed: number,
  verdicts: Verdicts,
): Promise<void> {
  const name = 'a day';
  const random = new Random(seed);
  const { tenants } = world;
  const urls = world.servers.map(({ url }) => url);
  for (const url of urls) await oftenVacuumed(url);
  const generator = await world.generator([
    groupOf(world, 'singles', tenants, { retries: 5 }),
    groupOf(world, 'batches', tenants, { batch: 20, retries: 5 }),
    { ...groupOf(world, 'holds', tenants, { retries: 5 }), requests: { templates: holds(world, tenants) } },
    { ...groupOf(world, 'reads', tenants), requests: { templates: reads(world, tenants) } },
  ]);
  const sending = Object.fromEntries(Object.entries(RATES).map(([group, open]) => [group, { open }]));
  const running = generator.run({ ms: minutes * 60_000, sending, settleMs: 15_000 });
  const samples: Sample[] = [];
  const end = performance.now() + minutes * 60_000;
  let faultAt = performance.now() + random.between(FAULT_EVERY_MS.least, FAULT_EVERY_MS.most);
  let faults = 0;
  while (performance.now() < end) {
    await delay(SAMPLE_EVERY_MS);
    samples.push(await sample(world, probeFolder, urls));
    if (performance.now() < faultAt) continue;
    await fault(world, random);
    faults++;
    faultAt = performance.now() + random.between(FAULT_EVERY_MS.least, FAULT_EVERY_MS.most);
  }
  const result = await running;
  verdicts.figure(name, 'minutes', minutes);
  verdicts.figure(name, 'faults', faults);
  for (const group of Object.keys(RATES)) {
    const seen = groupIn(result, group);
    verdicts.figure(name, `${group}: done`, countOf(seen, 200, 201));
    verdicts.most(name, `${group}: answers but 2xx, 429, 503`, otherThan(seen, 200, 201, 429, 503), 0);
  }
  judge(samples, minutes, verdicts);
  await generator.stop();
}

function judge(samples: readonly Sample[], minutes: number, verdicts: Verdicts): void {
  const warm = samples.slice(Math.floor(samples.length * WARM_SHARE));
  const hours = ((warm.at(-1)?.atMs ?? 0) - (warm[0]?.atMs ?? 0)) / 3_600_000;
  for (const figure of FIGURES) {
    const level = mean(warm.map((one) => one[figure]));
    const slope = slopePerHour(warm, figure);
    verdicts.figure('a day', `${figure}: mean`, level);
    verdicts.figure('a day', `${figure}: slope, an hour`, slope);
    if (minutes < JUDGED_MINUTES) continue;
    verdicts.most(
      'a day',
      `${figure}: growth in the judged time`,
      slope * hours,
      (level * GROWTH_PERCENT) / 100 + SLACK[figure],
    );
  }
}

async function fault(world: World, random: Random): Promise<void> {
  const shard = random.pick([0, 1] as const);
  const server = world.servers[shard];
  const way = random.pick(['pause', 'kill', 'terminate'] as const);
  if (way === 'pause') {
    const resume = await world.pause([shard]);
    await delay(PAUSE_MS);
    resume();
    return;
  }
  if (way === 'kill') server.signal('SIGKILL');
  else await endBackends(server.url);
  await until('the database is there again', () =>
    withClient(server.url, async (client) => {
      await client.query('SELECT 1');
      return true;
    }).catch(() => false),
  );
}

async function endBackends(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'millrace%' AND pid <> pg_backend_pid()",
    );
  });
}

/** So that tables come to their usual size within minutes and not within hours. */
async function oftenVacuumed(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query("ALTER SYSTEM SET autovacuum_naptime = '10s'");
    await client.query('SELECT pg_reload_conf()');
  });
}
