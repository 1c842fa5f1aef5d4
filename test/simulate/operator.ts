/** Who starts and stops engines and the fold: at any time there is one engine, or two that both believe they own the shard. */
import type { LedgerSettings } from '../../src/ledger/command.js';
import type { Network } from './client/network.js';
import type { Server } from './database/server.js';
import { Engine, type EngineOptions } from './engine/engine.js';
import type { WorldEvent } from './history.js';
import type { Random } from './random.js';
import { otherSettings } from './temper.js';
import type { Loop } from './time/loop.js';
import type { Trace } from './trace.js';

export interface OperatorOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly trace: Trace;
  /** By index of their shards. */
  readonly servers: readonly Server[];
  readonly network: Network;
  /** What the first engine is started with. */
  readonly settings: LedgerSettings;
  readonly engine: Omit<
    EngineOptions,
    'number' | 'takeOver' | 'onState' | 'loop' | 'random' | 'trace' | 'servers' | 'settings'
  >;
}

const LOOK_MICROS = 300_000;
/** Without a ready engine for so long, what is there is killed and another takes over. */
const PATIENCE_MICROS = 25_000_000;

export class Operator {
  readonly events: WorldEvent[] = [];
  /** What each start of the engine was given, by its number. */
  readonly settings: LedgerSettings[] = [];
  engines: Engine[] = [];
  readonly #options: OperatorOptions;
  /** What the next engine is started with. */
  #next: LedgerSettings;
  #readyAt = 0;
  #over = false;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#next = options.settings;
  }

  start(): void {
    this.startAnother(false);
    this.#look();
    for (const { folds } of this.#options.servers) folds.toggle();
  }

  /** Any that is alive; of two the one or the other. */
  any(): Engine | undefined {
    const alive = this.engines.filter(({ alive, draining }) => alive && !draining);
    return alive.length === 0 ? undefined : this.#options.random.pick(alive);
  }

  /** Where a client of a shard sends to: to one that answers, and now and then to any other. */
  target(shard: number): Engine | undefined {
    const { random } = this.#options;
    const ready = this.engines.filter((engine) => engine.alive && engine.isReady(shard));
    if (random.chance(0.03)) return this.any();
    return ready.length > 0 ? random.pick(ready) : undefined;
  }

  note(what: string, engine: number, note: string): void {
    const { loop, trace } = this.#options;
    this.events.push({ step: trace.nextStep(), at: loop.now, what, engine, note });
  }

  /** What clients may ask for: the operator's own currencies of the engine that came last. */
  get currencies(): LedgerSettings['customCurrencies'] {
    return this.settings.at(-1)?.customCurrencies ?? [];
  }

  /** From the next start on. */
  changeSettings(): void {
    this.#next = otherSettings(this.#options.random, this.#next);
  }

  startAnother(takeOver: boolean): void {
    const { loop, random, trace, servers } = this.#options;
    const alive = this.engines.filter((engine) => engine.alive);
    if (alive.length >= 2) return;
    if (alive.length === 1) trace.mark('two engines');
    const number = this.settings.length;
    const settings = this.#next;
    this.settings.push(settings);
    const engine = new Engine({
      ...this.#options.engine,
      settings,
      loop,
      random,
      trace,
      servers,
      number,
      takeOver,
      onState: (shard, state) => {
        this.note(`engine_${state}`, number, `shard ${shard}`);
        if (state === 'stopped') trace.mark('epoch lost');
        if (state === 'resolving') this.#markResolving(engine, shard);
      },
    });
    this.engines = [...alive, engine];
    this.note('engine_started', number, takeOver ? 'takes over' : '');
    trace.say(loop.now, `engine ${number} started${takeOver ? ', takes over' : ''}`);
    engine.start();
  }

  #markResolving({ states }: Engine, shard: number): void {
    const { trace } = this.#options;
    trace.mark('resolving');
    if (states.some((state, other) => other !== shard && state === 'ready'))
      trace.mark('one shard resolves, another works');
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

  /** The world is well again: nothing more is started but what is missing. */
  end(): void {
    this.#over = true;
    for (const { folds } of this.#options.servers) folds.stop();
  }

  /** Engines that have lost the shard, or come to nothing, are replaced. */
  #look(): void {
    const { loop, random } = this.#options;
    loop.after(LOOK_MICROS, loop.world, () => {
      const alive = this.engines.filter((engine) => engine.alive);
      if (alive.some(isAtWork)) this.#readyAt = loop.now;
      for (const engine of alive) {
        if (engine.states.includes('stopped') && (alive.length > 1 || random.chance(0.5))) this.kill(engine);
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

/** None of its shards is down for good, or not up yet. */
/** A shard whose COMMIT stands still is at work: it waits for it. */
const isAtWork = ({ states }: Engine): boolean =>
  states.every((state) => state === 'ready' || state === 'stalled' || state === 'resolving');
