import { expect, test } from 'vitest';
import { ChannelConsumer, ChannelProducer, createChannel } from '../../../src/engine/ring/channel.js';
import { Outbox } from '../../../src/engine/shard/outbox.js';
import { RingSink } from '../../../src/engine/shard/ring-sink.js';

test('answers of every length come out of the ring as they went into the outbox, and what does not fit waits', async () => {
  const ends = createChannel(16_384);
  const producer = new ChannelProducer(ends.producer);
  const sink = new RingSink(producer);
  const lengths = Array.from({ length: 300 }, (_, index) => 1 + ((index * 7) % 200));
  const outbox = new Outbox();
  for (const [index, length] of lengths.entries()) {
    const offset = outbox.claim(index, length);
    for (let at = 0; at < length; at++) outbox.bytes[offset + at] = (index + at) & 255;
  }
  let from = outbox.sendTo(sink, 0);
  expect(from).toBeGreaterThan(0);
  const wrong: number[] = [];
  let taken = 0;
  await new Promise<void>((resolve) => {
    const consumer = new ChannelConsumer(ends.consumer, {
      onRecord: (bytes, _view, offset, length) => {
        const index = taken++;
        const right = Array.from({ length: lengths[index] ?? 0 }, (_, at) => (index + at) & 255);
        if (String([...bytes.subarray(offset, offset + length)]) !== String(right)) wrong.push(index);
      },
      onTurnEnd: () => {
        if (from !== -1) from = outbox.sendTo(sink, from);
        if (taken < lengths.length) return;
        consumer.close();
        resolve();
      },
    });
  });
  producer.close();
  expect(wrong).toEqual([]);
});
