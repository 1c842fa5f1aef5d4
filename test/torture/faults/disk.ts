/** A disk that fills and is emptied; what is down takes only its own merchants down. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { must } from '../checks/failure.js';
import type { Merchant } from '../clients/merchant.js';
import type { Counters } from '../counters.js';
import type { EmbeddedWorld } from '../scenes/embedded.js';
import type { Fault } from '../scenes/scene.js';

const BASELINE_MS = 1_500;
const FULL_MS = 2_500;
const CHUNK_BYTES = 1 << 20;
/** A request of a shard that is down is refused within this. */
const REFUSED_MS_MAX = 1_000;
/** A p99 of a few hundred requests on a busy machine moves by this much with nothing wrong at all, ms. */
const NOISE_MS = 50;
/** One second of a busy machine is no proof: the others are slow beside the fault if they are so every time. */
const ATTEMPTS = 3;

export function fullDisk(world: EmbeddedWorld, disk: string, counters: Counters, killed: boolean): Fault {
  const filler = join(disk, 'filler');
  return {
    name: killed ? 'a Postgres killed on a full disk, emptied again' : 'a full disk, emptied again',
    weight: 1,
    run: async () => {
      for (let attempt = 1; ; attempt++) {
        const { apart, beside } = await once(world, disk, filler, counters, killed);
        if (beside <= 2 * apart + NOISE_MS) return;
        must(
          attempt < ATTEMPTS,
          () => `the other shard's p99 was ${Math.round(apart)} ms, and ${Math.round(beside)} ms while one was down`,
        );
      }
    },
  };
}

/** @returns the p99 of the other shard, ms: apart from the fault, and beside it */
async function once(world: EmbeddedWorld, disk: string, filler: string, counters: Counters, killed: boolean) {
  const { merchants } = world.scene.options;
  const others = merchants.filter(({ shard }) => shard !== 0);
  const own = merchants.filter(({ shard }) => shard === 0);
  const before = await measured(others, () => delay(BASELINE_MS));
  let beside: number;
  try {
    fill(disk, filler);
    if (killed && world.servers[0].signal('SIGKILL')) counters.add('kills');
    await refused(own);
    const since = performance.now();
    beside = await measured(others, () => delay(FULL_MS));
    proveRefusals(own, since, counters);
  } finally {
    rmSync(filler, { force: true });
  }
  const emptied = performance.now();
  await world.scene.posted(3);
  counters.took('work again after the disk was emptied', performance.now() - emptied);
  const after = await measured(others, () => delay(BASELINE_MS));
  counters.took('p99 of the other shard before and after', Math.max(before, after));
  counters.took('p99 of the other shard while one was down', beside);
  return { apart: Math.max(before, after), beside };
}

function fill(disk: string, filler: string): void {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (;;) writeFileSync(filler, chunk, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  must(statfsSync(disk).bavail < CHUNK_BYTES, () => 'the disk did not fill');
}

/** Space that files have already is still theirs: it goes on until that is used up. */
async function refused(merchants: readonly Merchant[]): Promise<void> {
  const from = merchants.map(({ latencies }) => latencies.length);
  const giveUp = performance.now() + 30_000;
  const isRefused = (merchant: Merchant, index: number): boolean =>
    merchant.latencies.slice(from[index]).some(({ status }) => status === 503);
  while (!merchants.every(isRefused)) {
    must(performance.now() < giveUp, () => 'nobody noticed that the disk is full');
    await delay(20);
  }
}

function proveRefusals(merchants: readonly Merchant[], since: number, counters: Counters): void {
  for (const { latencies, name } of merchants) {
    for (const { at, tookMs, status, retryAfter } of latencies) {
      // What was in flight when it went down is not of this time.
      if (at - tookMs < since || status !== 503) continue;
      must(retryAfter !== null, () => `${name} got a 503 without Retry-After`);
      counters.took('503 of a shard that is down', tookMs);
      must(tookMs <= REFUSED_MS_MAX, () => `${name} waited ${Math.round(tookMs)} ms for a 503 of a shard that is down`);
    }
  }
}

/** @returns the p99 of requests that were sent meanwhile, ms */
async function measured(merchants: readonly Merchant[], work: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await work();
  const took = merchants
    .flatMap(({ latencies }) => latencies.filter(({ at, tookMs }) => at - tookMs >= since).map(({ tookMs }) => tookMs))
    .sort((a, b) => a - b);
  return took[Math.floor(took.length * 0.99)] ?? 0;
}
