import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tag } from '../../../src/engine/ring/layout.js';
import { createRing, RECORD_TOO_LARGE, RING_FULL, RingConsumer, RingProducer } from '../../../src/engine/ring/ring.js';

const CAPACITY_BYTES = 1024;

function makeRing(capacityBytes = CAPACITY_BYTES) {
  const shared = createRing(capacityBytes);
  let rung = 0;
  const producer = new RingProducer(shared, () => {
    rung += 1;
  });
  const consumer = new RingConsumer(shared);
  const drain = (recordsMax = 1_000_000): string[] => {
    const taken: string[] = [];
    consumer.drain((offset, length) => {
      taken.push(Buffer.from(consumer.bytes.slice(offset, offset + length)).toString('latin1'));
    }, recordsMax);
    return taken;
  };
  const put = (record: string, claimBytes = record.length): boolean => {
    const offset = producer.claim(claimBytes);
    if (offset < 0) return false;
    expect(offset % 8).toBe(0);
    producer.bytes.set(Buffer.from(record, 'latin1'), offset);
    producer.commit(record.length);
    return true;
  };
  return { shared, producer, consumer, drain, put, rings: () => rung };
}

describe('a ring', () => {
  it('shows nothing before publish, and then all of it, in order', () => {
    const { producer, drain, put } = makeRing();
    put('one');
    put('');
    put('three');
    expect(drain()).toEqual([]);
    producer.publish();
    expect(drain()).toEqual(['one', '', 'three']);
    expect(drain()).toEqual([]);
  });

  it('hands over at most as many as asked', () => {
    const { producer, drain, put } = makeRing();
    for (const record of ['a', 'b', 'c']) put(record);
    producer.publish();
    expect(drain(2)).toEqual(['a', 'b']);
    expect(drain(2)).toEqual(['c']);
  });

  it('shows what comes next without taking it, up to a large record', () => {
    const { producer, consumer, drain, put } = makeRing();
    const peek = (recordsMax: number): string[] => {
      const shown: string[] = [];
      consumer.peek((offset, length) => {
        shown.push(Buffer.from(consumer.bytes.slice(offset, offset + length)).toString('latin1'));
      }, recordsMax);
      return shown;
    };
    put('a');
    expect(peek(9)).toEqual([]);
    for (const record of ['b', 'c']) put(record);
    producer.claim(4);
    producer.commit(4, Tag.handle);
    put('d');
    producer.publish();
    expect(peek(2)).toEqual(['a', 'b']);
    expect(peek(9)).toEqual(['a', 'b', 'c']);
    expect(drain(2)).toEqual(['a', 'b']);
    expect(peek(9)).toEqual(['c']);
  });

  it('shows what stands behind the end of its memory', () => {
    const { producer, consumer, drain, put } = makeRing();
    for (let round = 0; round < 40; round++) {
      put(`${round}`.padStart(200));
      put('x');
      producer.publish();
      const shown: number[] = [];
      consumer.peek((_, length) => shown.push(length), 9);
      expect(shown).toEqual([200, 1]);
      expect(drain()).toEqual([`${round}`.padStart(200), 'x']);
    }
  });

  it('says that it is full, takes nothing then, and goes on after a drain', () => {
    const { producer, drain, put } = makeRing();
    let count = 0;
    while (put(`${count}`.padStart(10))) count += 1;
    expect(count).toBe(Math.floor(CAPACITY_BYTES / 24));
    producer.publish();
    expect(producer.claim(10)).toBe(RING_FULL);
    expect(drain(1)).toEqual(['0'.padStart(10)]);
    expect(put('x'.repeat(10))).toBe(true);
    producer.publish();
    expect(drain()).toHaveLength(count);
  });

  it('refuses for ever what is longer than a quarter of it', () => {
    const { producer } = makeRing();
    expect(producer.payloadBytesMax).toBe(CAPACITY_BYTES / 4 - 8);
    expect(producer.claim(producer.payloadBytesMax + 1)).toBe(RECORD_TOO_LARGE);
    expect(producer.claim(producer.payloadBytesMax)).toBeGreaterThan(0);
  });

  it('takes the longest record whenever it is empty, wherever its cursors stand', () => {
    const { producer, drain, put } = makeRing();
    for (let round = 0; round < 300; round++) {
      put('.'.repeat(round % 97));
      producer.publish();
      drain();
      expect(put('x'.repeat(producer.payloadBytesMax))).toBe(true);
      producer.publish();
      expect(drain()).toEqual(['x'.repeat(producer.payloadBytesMax)]);
    }
  });

  it('forgets a claim that was not committed, and refuses to commit more than was claimed', () => {
    const { producer, drain, put } = makeRing();
    producer.claim(100);
    put('kept');
    expect(() => producer.commit(0)).toThrow(RangeError);
    producer.claim(8);
    expect(() => producer.commit(9)).toThrow('commit of 9 bytes where 8 are claimed');
    producer.publish();
    expect(drain()).toEqual(['kept']);
  });

  it('keeps to a queue under any mixture of steps', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('put' as const), length: fc.nat(248), spare: fc.nat(40) }),
      fc.record({ type: fc.constant('abandon' as const), length: fc.nat(248) }),
      fc.record({ type: fc.constant('publish' as const) }),
      fc.record({ type: fc.constant('drain' as const), recordsMax: fc.nat(12) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const { producer, consumer, drain, put } = makeRing();
        const committed: string[] = [];
        const published: string[] = [];
        let serial = 0;
        for (const at of steps) {
          if (at.type === 'put') {
            const record = `${serial++}`.padEnd(at.length, '#').slice(0, at.length);
            if (put(record, Math.min(at.length + at.spare, producer.payloadBytesMax))) committed.push(record);
            else expect(committed.length + published.length).toBeGreaterThan(0);
          } else if (at.type === 'abandon') {
            producer.claim(at.length);
          } else if (at.type === 'publish') {
            producer.publish();
            published.push(...committed.splice(0));
          } else {
            expect(drain(at.recordsMax)).toEqual(published.splice(0, at.recordsMax));
            if (published.length === 0) expect(consumer.isEmpty || at.recordsMax === 0).toBe(true);
          }
          expect(producer.usedBytes).toBeLessThanOrEqual(CAPACITY_BYTES);
        }
        producer.publish();
        expect(drain()).toEqual([...published, ...committed]);
        expect(producer.usedBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('goes on where cursors pass 2^32', () => {
    const shared = createRing(CAPACITY_BYTES);
    const words = new Int32Array(shared);
    // Both cursors a little before the wrap of their 32 bits.
    words[128 / 4] = -64;
    words[256 / 4] = -64;
    const producer = new RingProducer(shared, () => undefined);
    const consumer = new RingConsumer(shared);
    let expected = 0;
    for (let serial = 0; serial < 50; serial++) {
      const offset = producer.claim(8);
      producer.view.setFloat64(offset, serial);
      producer.commit(8);
      producer.publish();
      consumer.drain((at) => expect(consumer.view.getFloat64(at)).toBe(expected++), 10);
    }
    expect(expected).toBe(50);
  });

  it('counts a record as taken when its reader throws, and not those behind it', () => {
    const { producer, consumer, drain, put } = makeRing();
    for (const record of ['good', 'bad', 'next']) put(record);
    producer.publish();
    let seen = 0;
    const read = (): void => {
      seen += 1;
      if (seen === 2) throw new Error('reader failed');
    };
    expect(() => consumer.drain(read, 10)).toThrow('reader failed');
    expect(drain()).toEqual(['next']);
  });

  it('stops within a drain when told to', () => {
    const { producer, consumer, drain, put } = makeRing();
    for (const record of ['a', 'b', 'c']) put(record);
    producer.publish();
    expect(consumer.drain(() => consumer.stop(), 10)).toBe(1);
    expect(drain()).toEqual(['b', 'c']);
  });

  it('rings only for a parked consumer, and once', () => {
    const { producer, consumer, put, rings } = makeRing();
    const publish = (): void => {
      put('x');
      producer.publish();
    };
    publish();
    expect(rings()).toBe(0);
    expect(consumer.park()).toBe(false);
    consumer.drain(() => undefined, 10);
    expect(consumer.park()).toBe(true);
    producer.publish();
    expect(rings()).toBe(0);
    publish();
    publish();
    expect(rings()).toBe(1);
    consumer.drain(() => undefined, 10);
    consumer.park();
    consumer.unpark();
    publish();
    expect(rings()).toBe(1);
  });

  it.each([0, 1000, 1023, 1025, 512, 2 ** 31, 1.5])('cannot have %d bytes', (capacityBytes) => {
    expect(() => createRing(capacityBytes)).toThrow('power of two from 1 KiB to 1 GiB');
  });
});
