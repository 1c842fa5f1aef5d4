/** What becomes of a finding: it is made short, kept as a case, and said together with its seed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Engines } from './engines.js';
import { Finding } from './pair.js';
import { shrunk } from './shrink.js';

export const CASES = resolve(import.meta.dirname, '../cases');

/** Case files: what was sent, in order, and what was wrong then. */
export interface Case {
  readonly promise: string;
  readonly requests: readonly string[];
}

export async function reported<T>(engines: Engines, seed: string, run: Promise<T>): Promise<T> {
  try {
    return await run;
  } catch (error) {
    if (!(error instanceof Finding)) throw error;
    const small = await shrunk(engines, error);
    mkdirSync(CASES, { recursive: true });
    const file = join(CASES, `http-${seed}-${Date.now().toString(36)}.json`);
    const content: Case = { promise: small.message.slice(0, 200), requests: small.requests };
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
    const story = small.requests
      .slice(-3)
      .map((request) => JSON.stringify(request.slice(0, 800)))
      .join('\n');
    throw new Error(
      `seed ${seed}: ${error.message.slice(0, 1000)}\nshrunk to ${small.requests.length} requests, kept in ${file}:\n${story}\nbefore it: ${error.answers.join('; ').slice(0, 4000)}`,
    );
  }
}
