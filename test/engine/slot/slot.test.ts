import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc16, formatSlots, parseSlots, SLOTS, SlotMap, SlotMapError, slotOf } from '../../../src/engine/slot.js';

describe('the slot of a merchant', () => {
  it('is that of Redis Cluster', () => {
    expect(crc16('123456789')).toBe(0x31c3);
    // As CLUSTER KEYSLOT answers.
    expect(slotOf('')).toBe(0);
    expect(slotOf('123456789')).toBe(12739);
    expect(slotOf('foo')).toBe(12182);
    expect(slotOf('somekey')).toBe(11058);
    expect(slotOf('foo{hash_tag}')).toBe(2515);
    expect(slotOf('bar{hash_tag}')).toBe(2515);
  });

  it('is that of what stands in the first braces, by the cluster specification', () => {
    expect(slotOf('{user1000}.following')).toBe(slotOf('user1000'));
    expect(slotOf('{user1000}.followers')).toBe(slotOf('user1000'));
    // Nothing between the first braces: the whole key counts.
    expect(slotOf('foo{}{bar}')).toBe(crc16('foo{}{bar}') % SLOTS);
    expect(slotOf('foo{{bar}}zap')).toBe(slotOf('{bar'));
    expect(slotOf('foo{bar}{zap}')).toBe(slotOf('bar'));
    expect(slotOf('foo{bar')).toBe(crc16('foo{bar') % SLOTS);
    expect(slotOf('foo}bar{')).toBe(crc16('foo}bar{') % SLOTS);
  });

  it('is taken of UTF-8 where there is more than ASCII', () => {
    const reference = (text: string): number => {
      let crc = 0;
      for (const byte of Buffer.from(text)) {
        crc ^= byte << 8;
        for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
      }
      return crc;
    };
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => crc16(text) === reference(text)));
  });
});

describe('a list of slots', () => {
  it('is read and written in one form', () => {
    expect(parseSlots('0-8191')).toEqual([{ first: 0, last: 8191 }]);
    expect(parseSlots(' 5 , 7-9')).toEqual([
      { first: 5, last: 5 },
      { first: 7, last: 9 },
    ]);
    expect(formatSlots(parseSlots('300-400,0-100,101,200'))).toBe('0-101,200,300-400');
  });

  it.each([
    ['', '"" is not a slot'],
    ['a-b', '"a-b" is not a slot'],
    ['1-', '"1-" is not a slot'],
    ['-1', '"-1" is not a slot'],
    ['1.5', '"1.5" is not a slot'],
    ['0-16384', '16384 is not a slot; slots are 0 to 16383'],
    ['9-5', '9-5 runs backwards; write 5-9'],
  ])('says what is wrong with "%s"', (text, message) => {
    expect(() => parseSlots(text)).toThrow(SlotMapError);
    expect(() => parseSlots(text)).toThrow(message);
  });
});

describe('the map of slots', () => {
  it('gives every slot its shard', () => {
    const map = SlotMap.of([
      { name: 'a', slots: '0-8191,16383' },
      { name: 'b', slots: '8192-16382' },
    ]);
    expect([0, 8191, 8192, 16382, 16383].map((slot) => map.shardOfSlot(slot))).toEqual([0, 0, 1, 1, 0]);
    expect(map.shardOf('foo')).toBe(1);
    expect(map.rangesOf(0)).toEqual([
      { first: 0, last: 8191 },
      { first: 16383, last: 16383 },
    ]);
    expect(() => map.shardOfSlot(16384)).toThrow(RangeError);
  });

  it('names the slots that no shard has', () => {
    const incomplete = [
      { name: 'a', slots: '0-99' },
      { name: 'b', slots: '200-16000' },
    ];
    expect(() => SlotMap.of(incomplete)).toThrow('slots 100-199,16001-16383 belong to no shard');
    expect(() => SlotMap.of([])).toThrow('slots 0-16383 belong to no shard');
  });

  it('names the slot that two shards have, and both', () => {
    const overlapping = [
      { name: 'a', slots: '0-8192' },
      { name: 'b', slots: '8192-16383' },
    ];
    expect(() => SlotMap.of(overlapping)).toThrow('slot 8192 belongs to both a and b');
    expect(() => SlotMap.of([{ name: 'a', slots: '0-16383,7' }])).toThrow('slot 7 is named twice by shard a');
  });

  it('can be made even for any number of shards', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), (count) => {
        const names = Array.from({ length: count }, (_, index) => `s${index}`);
        const map = SlotMap.even(names);
        const sizes = names.map((_, shard) =>
          map.rangesOf(shard).reduce((size, { first, last }) => size + last - first + 1, 0),
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
