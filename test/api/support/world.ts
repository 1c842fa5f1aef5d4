/** What all suites of one entry file share: one engine, its table of problems, merchants by the test. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type EngineOptions, type EngineVariant, type RunningEngine, startEngine } from '../../support/engine.js';
import { ApiDocument } from './document.js';
import { Merchant } from './merchant.js';
import { ProblemTable } from './problem.js';

export interface MerchantOptions {
  /** Default: a new one. */
  readonly id?: string;
  readonly environment?: 'test' | 'live';
  readonly force?: boolean;
}

const MAIN = resolve(import.meta.dirname, '../../../dist/cli/main.js');
const KEY_ACTS_WITHIN_MS = 1_000;

export class World {
  #engine: RunningEngine | null = null;
  #store = '';
  #problems: ProblemTable | null = null;
  #document: ApiDocument | null = null;

  async start(options: EngineOptions & EngineVariant): Promise<void> {
    this.#store = options.store;
    this.#engine = await startEngine({
      ...options,
      env: {
        MILLRACE_CURRENCIES__CUSTOM: '[{code: POINTS, exponent: 0}, {code: GOLD_MG, exponent: 6}]',
        ...options.env,
      },
    });
    this.#problems = await ProblemTable.of(this.#engine.url);
    this.#document = await ApiDocument.of(this.#engine.url);
  }

  get engine(): RunningEngine {
    if (this.#engine === null) throw new Error('the engine has not started');
    return this.#engine;
  }

  get problems(): ProblemTable {
    if (this.#problems === null) throw new Error('the engine has not started');
    return this.#problems;
  }

  async merchant({
    id = `m-${randomBytes(6).toString('hex')}`,
    environment = 'test',
    force = false,
  }: MerchantOptions = {}): Promise<Merchant> {
    const key = await this.engine.createKey(id, { environment, force });
    await this.#untilKnown(key);
    return this.merchantWith(key, id);
  }

  merchantWith(key: string, id: string): Merchant {
    if (this.#document === null) throw new Error('the engine has not started');
    return new Merchant(this.engine.url, key, this.problems, this.#document, id);
  }

  /** Keys act within a second, not at once. */
  async #untilKnown(key: string): Promise<void> {
    const until = performance.now() + KEY_ACTS_WITHIN_MS;
    for (;;) {
      const { status } = await fetch(`${this.engine.url}/v1/transactions/x`, {
        headers: { Authorization: `Bearer ${key}` },
      });
      if (status !== 401) return;
      if (performance.now() > until) throw new Error(`a key does not act after ${KEY_ACTS_WITHIN_MS} ms`);
    }
  }

  /** `millrace verify` beside the running engine. @returns its exit code and all that it said */
  verify(): Promise<{ readonly code: number | null; readonly said: string }> {
    const env = { ...process.env, MILLRACE_DATA_DIR: this.engine.dataDir, MILLRACE_STORE__KIND: this.#store };
    return new Promise((done) => {
      const child = execFile(process.execPath, [MAIN, 'verify'], { env }, (_error, stdout, stderr) => {
        done({ code: child.exitCode, said: stdout + stderr });
      });
    });
  }

  async stop(): Promise<void> {
    await this.#engine?.dispose();
  }
}
