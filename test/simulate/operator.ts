/** Who starts and stops engines and the fold: at any time there is one engine, or two that both believe they own the shard. */
import type { Network } from './client/network.js';
import type { Server } from './database/server.js';
import { Engine, type EngineOptions } from './engine/engine.js';
import type { WorldEvent } from './history.js';
import type { Random } from './random.js';
import type { Loop } from './time/loop.js';
import type { Trace } from './trace.js';

export interface OperatorOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly trace: Trace;
  readonly server: Server;
  readonly network: Network;
  readonly engine: Omit<EngineOptions, 'number' | 'takeOver' | 'onState' | 'loop' | 'random' | 'trace' | 'server'>;
}

const LOOK_MICROS = 300_000;
/** Without a ready engine for so long, what is there is killed and another takes over. */
const PATIENCE_MICROS = 25_000_000;
const FOLD_MICROS_MAX = 20_000;

export class Operator {
  readonly events: WorldEvent[] = [];
  engines: Engine[] = [];
  readonly #options: OperatorOptions;
  #started = 0;
  #readyAt = 0;
  #foldRuns = false;
  #folds = 0;
  #over = false;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  start(): void {
    this.startAnother(false);
    this.#look();
    this.toggleFold();
  }

  /** Any that is alive; of two the one or the other. */
  any(): Engine | undefined {
    const alive = this.engines.filter(({ alive, draining }) => alive && !draining);
    return alive.length === 0 ? undefined : this.#options.random.pick(alive);
  }

  /** Where a client sends to: to one that answers, and now and then to any other. */
  target(): Engine | undefined {
    const { random } = this.#options;
    const ready = this.engines.filter(({ alive, state }) => alive && state === 'ready');
    if (random.chance(0.03)) return this.any();
    return ready.length > 0 ? random.pick(ready) : undefined;
  }

  note(what: string, engine: number, note: string): void {
    const { loop, trace } = this.#options;
    this.events.push({ step: trace.nextStep(), at: loop.now, what, engine, note });
  }

  startAnother(takeOver: boolean): void {
    const { loop, random, trace, server } = this.#options;
    const alive = this.engines.filter((engine) => engine.alive);
    if (alive.length >= 2) return;
    if (alive.length === 1) trace.mark('two engines');
    const number = this.#started++;
    const engine = new Engine({
      ...this.#options.engine,
      loop,
      random,
      trace,
      server,
      number,
      takeOver,
      onState: (state) => {
        this.note(`engine_${state}`, number, '');
        if (state === 'stopped') trace.mark('epoch lost');
        if (state === 'resolving') trace.mark('resolving');
      },
    });
    this.engines = [...alive, engine];
    this.note('engine_started', number, takeOver ? 'takes over' : '');
    trace.say(loop.now, `engine ${number} started${takeOver ? ', takes over' : ''}`);
    engine.start();
  }

  kill(engine: Engine): void {
    const { loop, trace, network } = this.#options;
    if (!engine.alive) return;
    trace.mark('engine killed');
    trace.say(loop.now, `engine ${engine.number} killed`);
    this.note('engine_killed', engine.number, '');
    engine.kill();
    network.reset(engine);
  }

  drain(engine: Engine): void {
    engine.drain(() => {
      this.#options.trace.mark('engine drained');
      this.note('engine_drained', engine.number, '');
      this.#options.network.reset(engine);
    });
  }

  /** Starts or stops the fold that recovery reads. */
  toggleFold(): void {
    this.#foldRuns = !this.#foldRuns;
    if (!this.#foldRuns) return;
    this.#options.trace.mark(this.#folds++ === 0 ? 'fold started' : 'fold restarted');
    this.#fold();
  }

  /** The world is well again: nothing more is started but what is missing. */
  end(): void {
    this.#over = true;
    this.#foldRuns = false;
  }

  #fold(): void {
    const { loop, random, server } = this.#options;
    loop.after(random.between(500, FOLD_MICROS_MAX), server.thread, () => {
      if (!this.#foldRuns) return;
      server.fold.advance(random.between(1, 8));
      this.#fold();
    });
  }

  /** Engines that have lost the shard, or come to nothing, are replaced. */
  #look(): void {
    const { loop, random } = this.#options;
    loop.after(LOOK_MICROS, loop.world, () => {
      const alive = this.engines.filter((engine) => engine.alive);
      if (alive.some(({ state }) => state === 'ready' || state === 'resolving')) this.#readyAt = loop.now;
      for (const engine of alive) {
        if (engine.state === 'stopped' && (alive.length > 1 || random.chance(0.5))) this.kill(engine);
      }
      if (loop.now - this.#readyAt > PATIENCE_MICROS) {
        for (const engine of alive) this.kill(engine);
        this.#readyAt = loop.now;
      }
      if (!this.engines.some((engine) => engine.alive)) this.startAnother(random.chance(0.5));
      if (!this.#over) this.#look();
    });
  }
}
