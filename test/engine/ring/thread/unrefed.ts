/** A thread with nothing to do but an open channel that is unrefed: it ends. */
import { workerData } from 'node:worker_threads';
import { ChannelConsumer, type ChannelEnd, ChannelProducer } from '../../../../src/engine/ring/channel.js';

const { requests, answers } = workerData as { readonly requests: ChannelEnd; readonly answers: ChannelEnd };

new ChannelProducer(answers);
new ChannelConsumer(requests, { onRecord: () => undefined }).unref();
