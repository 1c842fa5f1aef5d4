/** Loads engines side by side, one at a time: the defaults, then each variant, and again. */
import { chooseDriver } from '../../src/cli/bench/bench.js';
import type { LoadDriver } from '../../src/cli/bench/load.js';
import { type Engine, startEngine } from '../engine.js';
import { describeMachine } from '../figures/machine.js';
import { round } from '../figures/results.js';
import { type EngineRound, foldsAtRest, loadEngine, prepare, type Shape } from '../rounds.js';
import { Books } from '../suite/books.js';
import { booked } from '../suite/driven.js';
import { say } from '../suite/progress.js';
import { LONG } from '../suite/settings.js';
import { ENVIRONMENT, MERCHANTS } from '../suite/suite.js';
import { type Side, sidesOf } from './figures.js';
import type { KnobResults } from './schema.js';
import type { Variant } from './variant.js';

export interface KnobPlan {
  readonly variants: readonly Variant[];
  readonly shape: KnobResults['shape'];
  readonly load: Shape;
  readonly rounds: number;
  readonly durationS: number;
}

/** Until compilers and caches are warm; not measured. */
const WARM_UP_S = 3;
const DEFAULTS: Variant = { name: 'defaults', environment: {}, server: {} };

export async function runKnob(plan: KnobPlan): Promise<KnobResults> {
  const at = new Date().toISOString();
  const began = performance.now();
  const machine = describeMachine();
  const { shape, load, rounds, durationS } = plan;
  const driver = chooseDriver('auto');
  const benches: SettingBench[] = [];
  try {
    for (const variant of [DEFAULTS, ...plan.variants]) {
      say(`a fresh engine, ${variant.name} …`);
      benches.push(await SettingBench.start(variant, driver, load));
    }
    const inTurn = async (what: string, seconds: number): Promise<EngineRound[]> => {
      const all: EngineRound[] = [];
      for (const bench of benches) {
        // Whoever was loaded before folds what it took while the next one is measured, unless it is waited for.
        for (const { engine } of benches) await foldsAtRest(engine, LONG.foldWaitMs);
        all.push(await bench.load(what, seconds));
      }
      return all;
    };
    await inTurn('warm-up', WARM_UP_S);
    const measured: EngineRound[][] = [];
    for (let number = 1; number <= rounds; number++) measured.push(await inTurn(`${number}/${rounds}`, durationS));
    say('verify …');
    const sides: Side[] = [];
    for (const [index, bench] of benches.entries()) {
      sides.push(await bench.settle(measured.flatMap((round) => round[index] ?? [])));
    }
    const [defaults, ...variants] = sides;
    if (defaults === undefined) throw new Error('no engine was measured');
    return {
      version: 1,
      at,
      seconds: round((performance.now() - began) / 1000, 1),
      machine,
      driver: driver.name,
      shape,
      connections: load.connections,
      transactions: load.batch,
      durationS,
      ...sidesOf(defaults, variants),
    };
  } finally {
    await Promise.all(benches.map(({ engine }) => engine.stop()));
  }
}

/** One engine, its load, and its books. */
class SettingBench {
  readonly engine: Engine;
  readonly #name: string;
  readonly #driver: LoadDriver;
  readonly #shape: Shape;
  readonly #books = new Books();

  private constructor(engine: Engine, name: string, driver: LoadDriver, shape: Shape) {
    this.engine = engine;
    this.#name = name;
    this.#driver = driver;
    this.#shape = shape;
  }

  static async start(variant: Variant, driver: LoadDriver, shape: Shape): Promise<SettingBench> {
    const { name, environment, server } = variant;
    const engine = await startEngine(MERCHANTS, { ...ENVIRONMENT, ...environment }, server);
    try {
      await prepare(engine);
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return new SettingBench(engine, name, driver, shape);
  }

  async load(what: string, seconds: number): Promise<EngineRound> {
    const loaded = await loadEngine(this.engine, this.#driver, this.#shape, seconds);
    return booked(this.#books, loaded, this.#shape.batch, `${what}, ${this.#name}`);
  }

  async settle(rounds: readonly EngineRound[]): Promise<Side> {
    return { name: this.#name, rounds, settlement: await this.#books.settle(this.engine, LONG) };
  }
}
