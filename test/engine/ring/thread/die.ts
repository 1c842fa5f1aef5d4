/** Publishes some records, commits some more, begins another, and stands still until its thread is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ChannelEnd, ChannelProducer } from '../../../../src/engine/ring/channel.js';
import { write } from './records.js';

const { end, published } = workerData as { readonly end: ChannelEnd; readonly published: number };
const producer = new ChannelProducer(end);
const words = new Int32Array(end.shared);

function put(sequence: number): void {
  const offset = producer.claim(64);
  write(words, offset, 64, sequence);
  producer.commit(64);
}

for (let sequence = 0; sequence < published; sequence++) put(sequence);
producer.publish();
put(published);
put(published + 1);
producer.target.bytes.fill(0x55, producer.claim(64));
parentPort?.postMessage('half-way');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
