/** `npm run bench -- --profile FOLDER`: where the time of a transaction goes in the engine's threads, by stage and as flame graphs. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { autocannonDriver } from '../../src/cli/bench/autocannon.js';
import { hasWrk, wrkDriver } from '../../src/cli/bench/wrk.js';
import { textTable } from '../../src/cli/io.js';
import { type Engine, startEngine } from '../engine.js';
import { threadsOf } from '../proc.js';
import { loadEngine, prepare, type Shape } from '../rounds.js';
import { say } from '../suite/progress.js';
import { writeFlameGraphs } from './flame-graph.js';
import { type CpuProfile, stagesOf } from './stages.js';

const MERCHANTS = 8;
const WARM_UP_S = 3;
const LOADS: readonly (readonly [name: string, shape: Shape])[] = [
  ['single', { connections: 256, batch: 1 }],
  ['batches', { connections: 32, batch: 200 }],
];
const PROFILED = /^(front|worker)-/;
const WRITTEN_MS_MAX = 30_000;
const LOOK_MS = 50;

/** @param folder made where it is missing; profiles of the same names are replaced */
export async function profile(folder: string, seconds: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'millrace-profile-'));
  const engine = await startEngine(MERCHANTS, {
    MILLRACE_KEYS__KEYS_MAX: '200000000',
    MILLRACE_LOG__LEVEL: 'warn',
    BENCH_PROFILE_FOLDER: scratch,
  });
  try {
    await prepare(engine);
    for (const [name, shape] of LOADS)
      process.stdout.write(await profileOne(engine, scratch, folder, name, shape, seconds));
  } finally {
    await engine.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
  say(`flame graphs: ${writeFlameGraphs(folder).join(', ')}`);
}

async function profileOne(
  engine: Engine,
  scratch: string,
  folder: string,
  name: string,
  shape: Shape,
  seconds: number,
): Promise<string> {
  const driver = hasWrk() ? wrkDriver : autocannonDriver;
  await loadEngine(engine, driver, shape, WARM_UP_S);
  const on = join(scratch, 'on');
  writeFileSync(on, '');
  const { load } = await loadEngine(engine, driver, shape, seconds);
  rmSync(on);
  const threads = threadsOf(engine.pid)
    .map((thread) => thread.name)
    .filter((thread) => PROFILED.test(thread));
  const tables: string[] = [];
  for (const thread of threads.sort()) {
    const stages = stagesOf(await profileOf(join(scratch, `${thread}.cpuprofile`)));
    tables.push(`\n${tableOf(`${name}, ${thread}: µs a transaction, idle time left out`, stages, load.posted)}`);
    renameSync(join(scratch, `${thread}.cpuprofile`), join(folder, `${name}-${thread}.cpuprofile`));
  }
  // Of threads that are not shown.
  for (const file of readdirSync(scratch)) rmSync(join(scratch, file));
  return tables.join('');
}

async function profileOf(file: string): Promise<CpuProfile> {
  const giveUp = performance.now() + WRITTEN_MS_MAX;
  while (!existsSync(file)) {
    if (performance.now() > giveUp) throw new Error(`a thread of the engine left no profile ${file}`);
    await delay(LOOK_MS);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
}

function tableOf(title: string, stages: ReadonlyMap<string, number>, transactions: number): string {
  const sum = [...stages.values()].reduce((total, micros) => total + micros, 0);
  const rows = [...stages, ['all', sum] as const].map(([stage, micros]) => [stage, (micros / transactions).toFixed(2)]);
  return textTable([title, ''], rows);
}
