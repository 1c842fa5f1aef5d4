import { describe, expect, it } from 'vitest';
import { DamagedRecordError } from '../../../src/engine/ring/damage.js';
import { DATA_BYTES, PUBLISHED_WORD, Tag } from '../../../src/engine/ring/layout.js';
import { createRing, RingConsumer, RingProducer } from '../../../src/engine/ring/ring.js';

const CAPACITY_BYTES = 1024;
const HEADER_BYTES = 8;

/** A ring whose end lies between two records, with a padding there and a large record's handle behind. */
function filledRing() {
  const shared = createRing(CAPACITY_BYTES);
  const producer = new RingProducer(shared, () => undefined);
  const consumer = new RingConsumer(shared);
  const put = (length: number, tag: number = Tag.record): void => {
    const offset = producer.claim(length);
    producer.bytes.fill(length, offset, offset + length);
    producer.commit(length, tag);
  };
  const start = CAPACITY_BYTES - 160;
  for (let at = 0; at < start; at += 32) put(24);
  producer.publish();
  consumer.drain(() => undefined, 1000);
  for (const length of [40, 61, 200, 8]) put(length);
  put(4, Tag.handle);
  put(17);
  producer.publish();
  // Headers, by where they stand: the third record went round, and the rest of the ring became padding.
  const headers = [start, start + 48, start + 120, 0, 208, 224, 240].map((at) => DATA_BYTES + at);
  return { shared, consumer, headers, bytes: new Uint8Array(shared) };
}

const LENGTHS = [40, 61, 200, 8, -4, 17];

/** Lengths of what is handed over until the end or the first complaint, the handle as −4; never more than there can be. */
function taken(consumer: RingConsumer) {
  const lengths: number[] = [];
  let error: unknown = null;
  const bound = 200;
  try {
    while (lengths.length < bound) {
      consumer.peek((offset, length) => expect(offset + length).toBeLessThanOrEqual(DATA_BYTES + CAPACITY_BYTES), 9);
      const count = consumer.drain(
        (offset, length) => {
          expect(offset + length).toBeLessThanOrEqual(DATA_BYTES + CAPACITY_BYTES);
          lengths.push(length);
        },
        1,
        () => lengths.push(-4) > 0,
      );
      if (count === 0) break;
    }
  } catch (thrown) {
    error = thrown;
  }
  expect(lengths.length).toBeLessThan(bound);
  return { lengths, error };
}

describe('damage to a ring', () => {
  it('is none where nothing was damaged', () => {
    expect(taken(filledRing().consumer)).toEqual({ lengths: LENGTHS, error: null });
  });

  it('is noticed for every other value of every byte of every header, before the record is handed over', () => {
    const { shared, headers, bytes } = filledRing();
    const sound = bytes.slice();
    for (const [index, header] of headers.entries()) {
      // Without padding, which is nobody's record.
      const before = LENGTHS.slice(0, index > 2 ? index - 1 : index);
      for (let byte = header; byte < header + HEADER_BYTES; byte++) {
        for (let change = 1; change < 256; change++) {
          bytes.set(sound);
          bytes[byte] = (sound[byte] ?? 0) ^ change;
          const { lengths, error } = taken(new RingConsumer(shared));
          expect(error, `byte ${byte - header} of header ${index} changed by ${change}`).toBeInstanceOf(
            DamagedRecordError,
          );
          expect(lengths).toEqual(before);
        }
      }
    }
  });

  it('of the cursor ends in a complaint or shows no more than was written', () => {
    const { shared, bytes } = filledRing();
    const sound = bytes.slice();
    for (let byte = PUBLISHED_WORD * 4; byte < PUBLISHED_WORD * 4 + 4; byte++) {
      for (let change = 1; change < 256; change++) {
        bytes.set(sound);
        bytes[byte] = (sound[byte] ?? 0) ^ change;
        const { lengths, error } = taken(new RingConsumer(shared));
        if (error === null) expect(LENGTHS.slice(0, lengths.length)).toEqual(lengths);
        else expect(error).toBeInstanceOf(DamagedRecordError);
      }
    }
  });

  it('is told again to whoever looks again', () => {
    const { consumer, headers, bytes } = filledRing();
    bytes[headers[0] ?? 0] = 41;
    for (let time = 0; time < 3; time++) {
      expect(() => consumer.drain(() => undefined, 10)).toThrow(DamagedRecordError);
    }
  });
});
