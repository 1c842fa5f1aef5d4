import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ChannelConsumer, ChannelProducer, createChannel } from '../../../src/engine/ring/channel.js';
import { topicOf } from '../../../src/engine/ring/layout.js';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const end of opened.splice(0)) end.close();
});

interface Options {
  readonly largeBytesMax?: number;
  readonly recordsPerTurn?: number;
}

function makeChannel({ largeBytesMax, recordsPerTurn }: Options = {}) {
  const { producer: producerEnd, consumer: consumerEnd } = createChannel(1024);
  const received: string[] = [];
  const turns: number[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  let rung = 0;
  const producer = new ChannelProducer(producerEnd, largeBytesMax === undefined ? {} : { largeBytesMax });
  const consumer = new ChannelConsumer(consumerEnd, {
    onRecord: (bytes, _view, offset, length) => {
      received.push(Buffer.from(bytes.slice(offset, offset + length)).toString('latin1'));
      wake();
    },
    onTurnEnd: () => turns.push(received.length),
    onRung: () => {
      rung++;
      wake();
    },
    onEnd: () => {
      ended = true;
      wake();
    },
    ...(recordsPerTurn === undefined ? {} : { recordsPerTurn }),
  });
  opened.push(producer, consumer);
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { producer, consumer, received, turns, until, hasEnded: () => ended, rung: () => rung };
}

const send = (producer: ChannelProducer, record: string): boolean => producer.send(Buffer.from(record, 'latin1'));
/** A turn of the event loop in which the consumer could have run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a channel', () => {
  it('leaves a parked consumer asleep for deferred topics, which it takes when it looks', async () => {
    const { producer, consumer, received, until } = makeChannel();
    const [mine, other] = [topicOf(3), topicOf(4)];
    consumer.defer(mine);
    for (let turns = 0; turns < 4; turns++) await turn();
    send(producer, 'waits');
    producer.publish(mine);
    // More than a doorbell needs.
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(received).toEqual([]);
    consumer.look();
    expect(received).toEqual(['waits']);

    for (let turns = 0; turns < 4; turns++) await turn();
    send(producer, 'waits too');
    producer.publish(mine);
    send(producer, 'rings');
    producer.publish(mine | other);
    await until(() => received.length === 3);
    consumer.defer(0);
    for (let turns = 0; turns < 4; turns++) await turn();
    send(producer, 'rings again');
    producer.publish(mine);
    await until(() => received.length === 4);
    expect(received).toEqual(['waits', 'waits too', 'rings', 'rings again']);
  });

  it('wakes the consumer for deferred topics too before they fill the ring', async () => {
    const { producer, consumer, received, until } = makeChannel();
    consumer.defer(topicOf(0));
    for (let turns = 0; turns < 4; turns++) await turn();
    let sent = 0;
    while (producer.usedBytes < producer.capacityBytes / 4) {
      send(producer, `${sent++}`);
      producer.publish(topicOf(0));
    }
    await until(() => received.length === sent);
  });

  it('wakes a consumer that gathers when as many deferred records are there as it waits for', async () => {
    const { producer, consumer, received, until, rung } = makeChannel();
    consumer.defer(topicOf(0));
    consumer.gather(3);
    for (let turns = 0; turns < 4; turns++) await turn();
    for (const record of ['one', 'two']) {
      send(producer, record);
      producer.publish(topicOf(0));
    }
    for (let turns = 0; turns < 20; turns++) await turn();
    expect([received, rung()]).toEqual([[], 0]);
    consumer.gatherOn(2);
    send(producer, 'three');
    producer.publish(topicOf(0));
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(received).toEqual([]);
    send(producer, 'four');
    producer.publish(topicOf(0));
    await until(() => received.length === 4);
    expect([rung(), consumer.gathers]).toEqual([1, true]);
  });

  it('wakes a consumer that gathers, once, when its producer has nothing more to do', async () => {
    const { producer, consumer, received, until, rung } = makeChannel();
    consumer.defer(topicOf(0));
    producer.idle();
    consumer.gather(3);
    expect([producer.isAwaited, consumer.gathers]).toEqual([true, true]);
    send(producer, 'one');
    producer.publish(topicOf(0));
    producer.idle();
    producer.idle();
    expect([producer.isAwaited, consumer.gathers]).toEqual([false, false]);
    await until(() => rung() === 1);
    expect(received).toEqual(['one']);
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(rung()).toBe(1);
    consumer.gather(1);
    consumer.gatherNoMore();
    producer.idle();
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(rung()).toBe(1);
  });

  it('wakes a parked consumer', async () => {
    const { producer, received, until } = makeChannel();
    for (let round = 1; round <= 50; round++) {
      // Long enough for the consumer to look twice in vain and park.
      for (let turns = 0; turns < 4; turns++) await turn();
      send(producer, `${round}`);
      producer.publish();
      await until(() => received.length === round);
    }
    expect(received.at(-1)).toBe('50');
  });

  it('keeps small and large records in the order of their commits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2000), { maxLength: 60 }), async (lengths) => {
        const { producer, received, until } = makeChannel();
        const records = lengths.map((length, index) => `${index}`.padEnd(length, '#'));
        for (const record of records) {
          while (!send(producer, record)) {
            producer.publish();
            await turn();
          }
        }
        producer.publish();
        await until(() => received.length === records.length);
        expect(received).toEqual(records);
        producer.close();
      }),
      { numRuns: 40 },
    );
  });

  it('hands over a large record as long as it was committed, not as it was claimed', async () => {
    const { producer, received, until } = makeChannel();
    const offset = producer.claim(5000);
    producer.target.bytes.set(Buffer.from('short'), offset);
    producer.commit(5);
    producer.publish();
    await until(() => received.length === 1);
    expect(received).toEqual(['short']);
  });

  it('forgets a large claim that was not committed', async () => {
    const { producer, received, until } = makeChannel();
    producer.claim(5000);
    send(producer, 'small');
    producer.claim(5000);
    send(producer, 'l'.repeat(600));
    producer.publish();
    await until(() => received.length === 2);
    expect(received).toEqual(['small', 'l'.repeat(600)]);
  });

  it('bounds the large records on their way, but lets one of any size through', async () => {
    const { producer, received, until } = makeChannel({ largeBytesMax: 1000 });
    expect(send(producer, 'a'.repeat(5000))).toBe(true);
    expect(send(producer, 'b'.repeat(600))).toBe(false);
    producer.publish();
    await until(() => received.length === 1);
    expect(send(producer, 'c'.repeat(500))).toBe(true);
    expect(send(producer, 'd'.repeat(500))).toBe(true);
    expect(send(producer, 'e'.repeat(500))).toBe(false);
  });

  it('hands over at most the records of a turn, and says when a turn ends', async () => {
    const { producer, received, turns, until } = makeChannel({ recordsPerTurn: 3 });
    for (let index = 0; index < 8; index++) send(producer, `${index}`);
    producer.publish();
    await until(() => received.length === 8);
    await turn();
    expect(turns).toEqual([3, 6, 8]);
  });

  it('hands over nothing while paused, and all after', async () => {
    const { producer, consumer, received, until } = makeChannel();
    consumer.pause();
    send(producer, 'a');
    producer.publish();
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(received).toEqual([]);
    consumer.resume();
    send(producer, 'b');
    producer.publish();
    await until(() => received.length === 2);
    expect(received).toEqual(['a', 'b']);
  });

  it('ends at the consumer after everything published was handed over', async () => {
    const { producer, received, until, hasEnded } = makeChannel({ recordsPerTurn: 1 });
    for (const record of ['a', 'x'.repeat(900), 'b']) send(producer, record);
    producer.close();
    await until(hasEnded);
    expect(received).toEqual(['a', 'x'.repeat(900), 'b']);
  });

  it('tells the producer that the consumer is gone', async () => {
    const { producer, consumer } = createChannel(1024);
    const ended = new Promise<void>((resolve) => {
      opened.push(new ChannelProducer(producer, { onEnd: resolve }));
    });
    new ChannelConsumer(consumer, { onRecord: () => undefined }).close();
    await ended;
  });
});
