/** The rings between one front and one worker, over virtual ports. As `connect` of the supervisor, but for the ports. */
import { createRing, PUBLISHED_WORD } from '../../../src/engine/ring/layout.js';
import type { FrontConnection, WorkerConnection } from '../../../src/engine/supervisor/connections.js';
import type { Random } from '../random.js';
import type { Loop, Thread } from '../time/loop.js';
import type { Trace } from '../trace.js';
import { portPair } from './port.js';

export interface Rings {
  readonly frontSide: WorkerConnection;
  readonly workerSide: FrontConnection;
  /** What the death of the worker's thread does. */
  cut(): void;
}

function markWrap(ring: SharedArrayBuffer, ringBytes: number, trace: Trace): void {
  if ((new Int32Array(ring)[PUBLISHED_WORD] as number) >= ringBytes) trace.mark('ring wrapped');
}

export function connectRings(
  loop: Loop,
  random: Random,
  trace: Trace,
  front: { readonly number: number; readonly thread: Thread },
  worker: Thread,
  ringBytes: number,
): Rings {
  const threads = [front.thread, worker] as const;
  const onLarge = () => trace.mark('record beside the ring');
  const [commandsUp, commandsDown] = portPair(loop, random, threads, onLarge);
  const [answersUp, answersDown] = portPair(loop, random, threads, onLarge);
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
      markWrap(commands, ringBytes, trace);
      commandsDown.close();
      answersDown.close();
    },
  };
}
