/** The rings between one front and one worker, over virtual ports. As `connect` of the supervisor, but for the ports. */
import { createRing, PUBLISHED_WORD, RELEASED_WORD } from '../../../src/engine/ring/layout.js';
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

/** Cursors begin anywhere, also just before they pass from one sign to the other, as they do after gigabytes. */
const STARTS = [0, 2 ** 31 - 1024, 2 ** 32 - 1024];

function ringFrom(start: number, ringBytes: number): SharedArrayBuffer {
  const ring = createRing(ringBytes);
  const words = new Int32Array(ring);
  words[PUBLISHED_WORD] = start;
  words[RELEASED_WORD] = start;
  return ring;
}

function markWrap(ring: SharedArrayBuffer, start: number, ringBytes: number, trace: Trace): void {
  const passed = ((new Int32Array(ring)[PUBLISHED_WORD] as number) - start) >>> 0;
  if (passed >= ringBytes) trace.mark('ring wrapped');
  if (start !== 0 && passed >= 1024) trace.mark('cursor of a ring wrapped');
}

export function connectRings(
  loop: Loop,
  random: Random,
  trace: Trace,
  front: { readonly number: number; readonly thread: Thread },
  worker: Thread,
  ringBytes: number,
  shards: readonly number[],
): Rings {
  const threads = [front.thread, worker] as const;
  const onLarge = () => trace.mark('record beside the ring');
  const [commandsUp, commandsDown] = portPair(loop, random, threads, onLarge);
  const [answersUp, answersDown] = portPair(loop, random, threads, onLarge);
  const start = random.pick(STARTS);
  const commands = ringFrom(start, ringBytes);
  const answers = ringFrom(start, ringBytes);
  return {
    frontSide: {
      worker: 0,
      shards,
      commands: { shared: commands, port: commandsUp },
      answers: { shared: answers, port: answersUp },
    },
    workerSide: {
      front: front.number,
      commands: { shared: commands, port: commandsDown },
      answers: { shared: answers, port: answersDown },
    },
    cut: () => {
      markWrap(commands, start, ringBytes, trace);
      markWrap(answers, start, ringBytes, trace);
      commandsDown.close();
      answersDown.close();
    },
  };
}
