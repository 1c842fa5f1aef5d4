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
import { type Engine, startEngine } from '../engine.js';
import type { Stages } from '../figures/schema.js';
import { stagesTable } from '../figures/text.js';
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

/** Prints the stages, too. @param folder made where it is missing; profiles of the same names are replaced */
export async function profile(folder: string, seconds: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [load, threads] of Object.entries(await takeProfiles(folder, seconds))) {
    for (const [thread, stages] of Object.entries(threads)) {
      process.stdout.write(`\n${stagesTable(load, thread, stages)}`);
    }
  }
  say(`flame graphs: ${writeFlameGraphs(folder).join(', ')}`);
}

/** The stages alone, of an engine that was started for it. */
export async function profileStages(seconds: number): Promise<Stages> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-profiles-'));
  say('where the time goes, by stage …');
  try {
    return await takeProfiles(folder, seconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function takeProfiles(folder: string, seconds: number): Promise<Stages> {
  const scratch = mkdtempSync(join(tmpdir(), 'millrace-profile-'));
  const engine = await startEngine(MERCHANTS, {
    MILLRACE_KEYS__KEYS_MAX: '200000000',
    MILLRACE_LOG__LEVEL: 'warn',
    BENCH_PROFILE_FOLDER: scratch,
  });
  try {
    await prepare(engine);
    const all: Stages = {};
    for (const [name, shape] of LOADS) all[name] = await profileOne(engine, scratch, folder, name, shape, seconds);
    return all;
  } finally {
    await engine.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function profileOne(
  engine: Engine,
  scratch: string,
  folder: string,
  name: string,
  shape: Shape,
  seconds: number,
): Promise<Stages[string]> {
  const driver = hasWrk() ? wrkDriver : autocannonDriver;
  await loadEngine(engine, driver, shape, WARM_UP_S);
  const on = join(scratch, 'on');
  writeFileSync(on, '');
  const { load } = await loadEngine(engine, driver, shape, seconds);
  rmSync(on);
  const threads = threadsOf(engine.pid)
    .map((thread) => thread.name)
    .filter((thread) => PROFILED.test(thread));
  const taken: Stages[string] = {};
  for (const thread of threads.sort()) {
    const stages = stagesOf(await profileOf(join(scratch, `${thread}.cpuprofile`)));
    taken[thread] = Object.fromEntries(
      [...stages].map(([stage, micros]) => [stage, micros / Math.max(1, load.posted)]),
    );
    renameSync(join(scratch, `${thread}.cpuprofile`), join(folder, `${name}-${thread}.cpuprofile`));
  }
  // Of threads that are not shown.
  for (const file of readdirSync(scratch)) rmSync(join(scratch, file));
  return taken;
}

async function profileOf(file: string): Promise<CpuProfile> {
  const giveUp = performance.now() + WRITTEN_MS_MAX;
  while (!existsSync(file)) {
    if (performance.now() > giveUp) throw new Error(`a thread of the engine left no profile ${file}`);
    await delay(LOOK_MS);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
}
