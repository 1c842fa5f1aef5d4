/** Looks for faults: each in a process of its own, because what a fault does to a program has no bounds. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Fault } from './fault.js';

/** Null: not found within the seeds. */
export type Trial = {
  /** How many runs it took. */
  readonly seeds: number;
  readonly seed: number;
  readonly rule: string;
  readonly said: string;
} | null;

export interface FindOptions {
  readonly firstSeed: number;
  /** Runs at most. */
  readonly seeds: number;
  /** A trial that takes longer than this has found that a run does not come to an end. ms */
  readonly patienceMs: number;
}

/** @throws where the trial itself cannot be made, e.g. a text to change is not there */
export function find(fault: Fault, { firstSeed, seeds, patienceMs }: FindOptions): Promise<Trial> {
  const trial = fileURLToPath(new URL('./trial.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', trial, fault.name, String(firstSeed), String(seeds)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let errors = '';
    let late = false;
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const patience = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, patienceMs);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(patience);
      const line = out.trim().split('\n').at(-1) ?? '';
      if (late) reject(new Error(`fault ${fault.name}: no end within ${patienceMs} ms`));
      else if (line === '') reject(new Error(`fault ${fault.name}: ${errors}`));
      else resolve(JSON.parse(line) as Trial);
    });
  });
}
