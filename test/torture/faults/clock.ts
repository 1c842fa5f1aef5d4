/** A clock that moves: for a thread that owns shards, the wall clock jumps and comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import { runInThread } from '../../crash/support/inspector.js';
import { must } from '../checks/failure.js';
import type { Counters } from '../counters.js';
import type { Random } from '../random.js';
import type { EmbeddedWorld } from '../scenes/embedded.js';
import type { Fault } from '../scenes/scene.js';

const HOURS_MAX = 48;
const LOOK_MS = 20;
const PATIENCE_MS = 10_000;

export function movedClock(world: EmbeddedWorld, random: Random, counters: Counters): Fault {
  return {
    name: 'a clock that jumps, and comes back',
    weight: 1,
    run: async () => {
      const engine = world.engine();
      const pid = await engine.enginePid();
      const hours = random.between(1, HOURS_MAX) * (random.chance(0.5) ? 1 : -1);
      const inWorker = (expression: string) => runInThread(pid, engine.log, /piscina/, expression);
      const { merchants } = world.scene.options;
      const from = merchants.map(({ latencies }) => latencies.length);
      await inWorker(`globalThis.trueNow ??= Date.now; Date.now = () => trueNow() + ${hours * 3_600_000}`);
      try {
        // Refused for as long as it lasts: no record carries a time that never was.
        const giveUp = performance.now() + PATIENCE_MS;
        const refused = (): boolean =>
          merchants.some(({ latencies }, index) => latencies.slice(from[index]).some(({ status }) => status === 503));
        while (!refused()) {
          must(performance.now() < giveUp, () => `the clock moved by ${hours} hours and nobody was told`);
          await delay(LOOK_MS);
        }
        counters.add('clocks moved');
      } finally {
        await inWorker('Date.now = globalThis.trueNow ?? Date.now');
      }
    },
  };
}
