/**
 * Two engines on the same shards: the first one is stopped in the middle of its work, a second one takes the shards, the
 * first one goes on and finds out. That it wrote nothing is what the log says: epochs never fall in it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../crash/support/processes.js';
import type { Counters } from '../counters.js';
import type { Random } from '../random.js';
import type { NetworkedWorld } from '../scenes/networked.js';
import type { Fault } from '../scenes/scene.js';

export function twoOwners(world: NetworkedWorld, random: Random, counters: Counters): Fault {
  return {
    name: 'a second owner while the first one is stopped',
    weight: 1,
    run: async () => {
      const pid = await world.engine().enginePid();
      process.kill(pid, 'SIGSTOP');
      const { before } = await world.takeOver().catch((error: unknown) => {
        process.kill(pid, 'SIGCONT');
        throw error;
      });
      await delay(random.between(0, 300));
      process.kill(pid, 'SIGCONT');
      // It takes up what its clients had asked, and must not write it.
      await until('the first owner has stopped', async () => {
        const response = await fetch(`${before.url}/readyz`);
        const { shards } = (await response.json()) as { readonly shards: readonly { readonly state: string }[] };
        return shards.every(({ state }) => state === 'stopped');
      });
      world.front.cut();
      await before.kill();
      counters.add('rounds of two owners');
    },
  };
}
