import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { ChannelConsumer, ChannelProducer, createChannel } from '../../../src/engine/ring/channel.js';
import { isWhole, Lengths } from './thread/records.js';
import { Threads } from './threads.js';

const threads = new Threads();
afterAll(() => threads.close());

interface Run {
  readonly capacityBytes: number;
  readonly count: number;
  readonly wordsMax: number;
  /** Ends the producer's thread when so many were received. */
  readonly killAt?: number;
}

/** Receives what a thread sends; resolves when the channel ends. */
async function receive({ capacityBytes, count, wordsMax, killAt = -1 }: Run) {
  const { producer, consumer } = createChannel(capacityBytes);
  const seed = 12345;
  const lengths = new Lengths(seed, wordsMax);
  const ringWords = new Int32Array(consumer.shared);
  let received = 0;
  let broken = 0;
  let worker: Worker | null = null;
  const ended = new Promise<void>((resolve) => {
    new ChannelConsumer(consumer, {
      onRecord: (bytes, _view, offset, length) => {
        const words = bytes.buffer === consumer.shared ? ringWords : new Int32Array(bytes.buffer, 0, length >> 2);
        if (length !== lengths.next() || !isWhole(words, offset, length, received)) broken += 1;
        received += 1;
        if (received === killAt) void worker?.terminate();
      },
      onEnd: resolve,
    });
  });
  worker = threads.start('produce', { end: producer, count, seed, wordsMax }, [producer.port]);
  await ended;
  return { received, broken };
}

describe('a ring between two threads', () => {
  it('carries 10 million records of random lengths, whole and in order', { timeout: 120_000 }, async () => {
    const count = 10_000_000;
    expect(await receive({ capacityBytes: 2 ** 20, count, wordsMax: 30 })).toEqual({ received: count, broken: 0 });
  });

  it('does so where it is full and wraps all the time', { timeout: 60_000 }, async () => {
    const count = 300_000;
    expect(await receive({ capacityBytes: 1024, count, wordsMax: 50 })).toEqual({ received: count, broken: 0 });
  });

  it('does so where every other record is too large for it', { timeout: 60_000 }, async () => {
    const count = 20_000;
    expect(await receive({ capacityBytes: 4096, count, wordsMax: 512 })).toEqual({ received: count, broken: 0 });
  });

  it('shows only whole records of a thread that was killed at full speed', { timeout: 60_000 }, async () => {
    for (const killAt of [1, 1000, 77_777]) {
      const { received, broken } = await receive({ capacityBytes: 65_536, count: 2 ** 30, wordsMax: 60, killAt });
      expect(broken).toBe(0);
      expect(received).toBeGreaterThanOrEqual(killAt);
    }
  });

  it('shows nothing of what a thread had begun when it died', async () => {
    const { producer, consumer } = createChannel(65_536);
    const words = new Int32Array(consumer.shared);
    const published = 100;
    const worker = threads.start('die', { end: producer, published }, [producer.port]);
    await once(worker, 'message');
    let received = 0;
    const ended = new Promise<void>((resolve) => {
      new ChannelConsumer(consumer, {
        onRecord: (_bytes, _view, offset, length) => {
          expect(isWhole(words, offset, length, received)).toBe(true);
          received += 1;
        },
        onEnd: resolve,
      });
    });
    await worker.terminate();
    await ended;
    expect(received).toBe(published);
  });

  it('wakes the other side each time that it sleeps', { timeout: 30_000 }, async () => {
    const requests = createChannel(4096);
    const answers = createChannel(4096);
    const worker = threads.start('echo', { requests: requests.consumer, answers: answers.producer }, [
      requests.consumer.port,
      answers.producer.port,
    ]);
    const producer = new ChannelProducer(requests.producer);
    const rounds = 2000;
    let round = 0;
    const ask = (): void => {
      producer.send(Uint8Array.of(round & 255));
      producer.publish();
    };
    const ended = new Promise<void>((resolve) => {
      new ChannelConsumer(answers.consumer, {
        onRecord: (bytes, _view, offset) => {
          expect(bytes[offset]).toBe(round & 255);
          round += 1;
          if (round === rounds) producer.close();
          // Now and then late, so that both sides have gone to sleep for sure.
          else if (round % 10 === 0) setTimeout(ask, 1);
          else ask();
        },
        onEnd: resolve,
      });
    });
    ask();
    await Promise.all([ended, once(worker, 'exit')]);
    expect(round).toBe(rounds);
  });

  it('does not keep a thread alive once it is unrefed', async () => {
    const requests = createChannel(4096);
    const answers = createChannel(4096);
    const worker = threads.start('unrefed', { requests: requests.consumer, answers: answers.producer }, [
      requests.consumer.port,
      answers.producer.port,
    ]);
    const [code] = await once(worker, 'exit');
    expect(code).toBe(0);
    requests.producer.port.close();
    answers.consumer.port.close();
  });
});
