/** The rings between one front and one worker: commands up, answers down. */
import type { MessagePort } from 'node:worker_threads';
import type { ChannelEnd } from '../ring/channel.js';
import { createChannel } from '../ring/channel.js';

/** What the front gets. */
export interface WorkerConnection {
  readonly worker: number;
  /** Indexes of the shards that this worker writes. */
  readonly shards: readonly number[];
  readonly commands: ChannelEnd;
  readonly answers: ChannelEnd;
}

/** What the worker gets. */
export interface FrontConnection {
  readonly front: number;
  readonly commands: ChannelEnd;
  readonly answers: ChannelEnd;
}

export interface Connection {
  readonly frontSide: WorkerConnection;
  readonly frontTransfers: readonly MessagePort[];
  readonly workerSide: FrontConnection;
  readonly workerTransfers: readonly MessagePort[];
}

export function connect(front: number, worker: number, shards: readonly number[], ringBytes: number): Connection {
  const commands = createChannel(ringBytes);
  const answers = createChannel(ringBytes);
  return {
    frontSide: { worker, shards, commands: commands.producer, answers: answers.consumer },
    frontTransfers: [commands.producer.port, answers.consumer.port],
    workerSide: { front, commands: commands.consumer, answers: answers.producer },
    workerTransfers: [commands.consumer.port, answers.producer.port],
  };
}
