/** The rings between one front and one worker, over virtual ports. As `connect` of the supervisor, but for the ports. */
import { createRing } from '../../../src/engine/ring/layout.js';
import type { FrontConnection, WorkerConnection } from '../../../src/engine/supervisor/connections.js';
import type { Random } from '../random.js';
import type { Loop, Thread } from '../time/loop.js';
import { portPair } from './port.js';

export interface Rings {
  readonly frontSide: WorkerConnection;
  readonly workerSide: FrontConnection;
  /** What the death of the worker's thread does. */
  cut(): void;
}

export function connectRings(
  loop: Loop,
  random: Random,
  front: { readonly number: number; readonly thread: Thread },
  worker: Thread,
  ringBytes: number,
): Rings {
  const [commandsUp, commandsDown] = portPair(loop, random, front.thread, worker);
  const [answersUp, answersDown] = portPair(loop, random, front.thread, worker);
  const commands = createRing(ringBytes);
  const answers = createRing(ringBytes);
  return {
    frontSide: {
      worker: 0,
      shards: [0],
      commands: { shared: commands, port: commandsUp },
      answers: { shared: answers, port: answersUp },
    },
    workerSide: {
      front: front.number,
      commands: { shared: commands, port: commandsDown },
      answers: { shared: answers, port: answersDown },
    },
    cut: () => {
      commandsDown.close();
      answersDown.close();
    },
  };
}
