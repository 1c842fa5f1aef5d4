/** Sends every record back, and lives only as long as there is something to receive. */
import { workerData } from 'node:worker_threads';
import { ChannelConsumer, type ChannelEnd, ChannelProducer } from '../../../../src/engine/ring/channel.js';

const { requests, answers } = workerData as { readonly requests: ChannelEnd; readonly answers: ChannelEnd };
const producer = new ChannelProducer(answers);
new ChannelConsumer(requests, {
  onRecord: (bytes, _view, offset, length) => {
    producer.send(bytes.subarray(offset, offset + length));
  },
  onTurnEnd: () => producer.publish(),
  onEnd: () => producer.close(),
});
