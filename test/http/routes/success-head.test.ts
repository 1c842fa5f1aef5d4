import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestIds } from '../../../src/http/routes/request-ids.js';
import { SuccessHead } from '../../../src/http/routes/success-head.js';
import { Sealer } from '../../../src/platform/ids/sealed.js';

const ids = new RequestIds();
const sealer = new Sealer(new Uint8Array(16).fill(9));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('the id of a request', () => {
  it('is unlike the others of its front, and unlike those of other fronts', () => {
    expect(ids.text(ids.next())).not.toBe(ids.text(ids.next()));
    expect(ids.text(1)).not.toBe(new RequestIds().text(1));
    expect(ids.text(35)).toMatch(/^req_[0-9a-f]{12}z$/);
  });

  it('is the same where it is written into bytes', () => {
    const bytes = new Uint8Array(64);
    fc.assert(
      fc.property(fc.oneof(fc.nat(2000), fc.maxSafeNat()), (number) => {
        expect(ids.prefix + text(bytes.subarray(3, ids.encodeInto(number, bytes, 3)))).toBe(ids.text(number));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the head of a success', () => {
  it('holds the fields of its own answer, whatever was written before', () => {
    const head = new SuccessHead(201, ids);
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.oneof(fc.nat(2000), fc.maxSafeNat()), (sequence, number) => {
        expect(text(head.write(sealer, 1, sequence, 3, number)).split('\r\n')).toEqual([
          '201 Created',
          'Content-Type: application/json',
          `Consistency-Token: ${sealer.sealToken(1, sequence, 3)}`,
          `X-Request-Id: ${ids.text(number)}`,
        ]);
      }),
    );
  });
});
