/** What all suites of one entry file share: one engine, its table of problems, merchants by the test. */
import { randomBytes } from 'node:crypto';
import { type EngineOptions, type RunningEngine, startEngine } from '../../support/engine.js';
import { Merchant } from './merchant.js';
import { ProblemTable } from './problem.js';

export interface MerchantOptions {
  /** Default: a new one. */
  readonly id?: string;
  readonly environment?: 'test' | 'live';
  readonly force?: boolean;
}

export class World {
  #engine: RunningEngine | null = null;
  #problems: ProblemTable | null = null;

  async start(options: EngineOptions): Promise<void> {
    this.#engine = await startEngine({
      ...options,
      env: {
        MILLRACE_CURRENCIES__CUSTOM: '[{code: POINTS, exponent: 0}, {code: GOLD_MG, exponent: 6}]',
        ...options.env,
      },
    });
    this.#problems = await ProblemTable.of(this.#engine.url);
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
    return new Merchant(this.engine.url, key, this.problems, id);
  }

  async stop(): Promise<void> {
    await this.#engine?.dispose();
  }
}
