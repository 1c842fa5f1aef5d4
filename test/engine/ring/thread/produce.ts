/** Writes `count` records to a channel, in bursts of changing size, and never blocks its event loop. */
import { workerData } from 'node:worker_threads';
import { type ChannelEnd, ChannelProducer } from '../../../../src/engine/ring/channel.js';
import { Lengths, write } from './records.js';

interface Task {
  readonly end: ChannelEnd;
  readonly count: number;
  readonly seed: number;
  readonly wordsMax: number;
}

const { end, count, seed, wordsMax } = workerData as Task;
const producer = new ChannelProducer(end);
const ringWords = new Int32Array(end.shared);
const lengths = new Lengths(seed, wordsMax);
let sequence = 0;
let length = lengths.next();

function burst(): void {
  // Sometimes one record, sometimes hundreds: the consumer parks, wakes, runs dry and falls behind.
  const burstEnd = Math.min(count, sequence + 1 + ((sequence * 7919) % 1021));
  while (sequence < burstEnd) {
    // Now and then more is claimed than is used.
    const offset = producer.claim((sequence & 15) === 0 ? length + 32 : length);
    if (offset < 0) break;
    const { bytes } = producer.target;
    const words = bytes.buffer === end.shared ? ringWords : new Int32Array(bytes.buffer as ArrayBuffer, 0, length >> 2);
    write(words, offset, length, sequence);
    producer.commit(length);
    sequence += 1;
    length = lengths.next();
    if ((sequence & 31) === 0) producer.publish();
  }
  producer.publish();
  if (sequence < count) setImmediate(burst);
  else producer.close();
}

burst();
