/** What is done to a run from time to time: each deed begins at some operation and undoes itself after a while. */
import type { Clients } from './client/clients.js';
import type { Network } from './client/network.js';
import type { Server } from './database/server.js';
import type { Engine } from './engine/engine.js';
import type { Operator } from './operator.js';
import type { Random } from './random.js';
import type { Deed, Temper } from './temper.js';
import type { Loop } from './time/loop.js';
import type { Trace } from './trace.js';

export interface ChaosOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly trace: Trace;
  readonly servers: readonly Server[];
  readonly operator: Operator;
  readonly network: Network;
  readonly temper: Temper;
}

const SECOND = 1_000_000;
/** The longest outlives the shorter windows of keys. */
const RESTS = [SECOND / 2, SECOND / 2, 5 * SECOND, 5 * SECOND, 130 * SECOND];

export class Chaos {
  readonly #options: ChaosOptions;
  #over = false;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  /** At every operation. */
  maybe(clients: Clients): void {
    const { random, temper } = this.#options;
    if (this.#over || !random.chance(temper.deedChance)) return;
    this.#do(random.pick(temper.deeds), clients);
  }

  /** Everything is well from now on. */
  end(): void {
    this.#over = true;
  }

  #do(deed: Deed, clients: Clients): void {
    const { loop, trace, random, servers, operator } = this.#options;
    const engine = operator.any();
    const server = random.pick(servers);
    trace.say(loop.now, `deed ${deed} ${server.name}`);
    operator.note(deed, engine?.number ?? -1, '');
    switch (deed) {
      case 'kill worker':
        if (engine?.worker !== null) trace.mark('worker killed');
        engine?.killWorker();
        return;
      case 'kill engine':
        if (engine !== undefined) operator.kill(engine);
        return;
      case 'drain engine':
        if (engine !== undefined) operator.drain(engine);
        return;
      case 'second owner':
        operator.startAnother(true);
        return;
      case 'second owner while stopped':
        engine?.stopUntil(loop.now + random.between(100_000, 12 * SECOND));
        loop.after(random.between(1_000, 300_000), loop.world, () => {
          if (!this.#over) operator.startAnother(true);
        });
        return;
      case 'database down':
        server.weather.isDown = true;
        server.endAll();
        this.#later(2 * SECOND, () => {
          server.weather.isDown = false;
        });
        return;
      case 'disk full':
        server.weather.isFull = true;
        this.#later(SECOND / 8, () => {
          server.weather.isFull = false;
        });
        return;
      case 'slow disk':
        server.weather.commitMicros = [50_000, 600_000];
        this.#later(2 * SECOND, () => this.#usualWeather(server));
        return;
      case 'slow loads':
        server.weather.callSlow = 400_000;
        this.#later(2 * SECOND, () => this.#usualWeather(server));
        return;
      case 'stop worker':
        if (engine?.worker != null) engine.worker.thread.stoppedUntil = loop.now + random.between(1_000, SECOND);
        return;
      case 'stop front':
        this.#stopFront(engine);
        return;
      case 'clock jump':
        this.#jump(engine);
        return;
      case 'fold':
        server.folds.toggle();
        return;
      case 'rest':
        clients.restUntil = loop.now + random.pick(RESTS);
        return;
      case 'burst':
        this.#burst(clients);
        return;
      case 'other settings':
        operator.changeSettings();
        // They take hold at the next start.
        if (engine !== undefined && random.chance(0.7)) operator.drain(engine);
        return;
    }
  }

  #later(most: number, undo: () => void): void {
    const { loop, random } = this.#options;
    loop.after(random.between(10_000, most), loop.world, undo);
  }

  #usualWeather(server: Server): void {
    const { temper } = this.#options;
    if (this.#over) return;
    server.weather.commitMicros = temper.weather.commitMicros ?? server.weather.commitMicros;
    server.weather.callSlow = temper.weather.callSlow ?? 0;
  }

  #stopFront(engine: Engine | undefined): void {
    const { loop, random } = this.#options;
    const front = engine?.fronts[0];
    if (front !== undefined) front.thread.stoppedUntil = loop.now + random.between(1_000, SECOND);
  }

  /** A little is followed, much is not believed; either comes back after a while. */
  #jump(engine: Engine | undefined): void {
    const { random, trace } = this.#options;
    if (engine === undefined) return;
    const by = random.pick([-1, 1]) * random.pick([500_000, 4_000_000, 30 * SECOND, 3_600 * SECOND]);
    trace.mark(by > 0 ? 'clock forward' : 'clock back');
    engine.machine.clockOffset += by;
    this.#later(3 * SECOND, () => {
      engine.machine.clockOffset = 0;
    });
  }

  /** Many at once, for a moment: rings and batches fill. */
  #burst(clients: Clients): void {
    const { random } = this.#options;
    clients.burst(random.between(20, 120));
  }
}
