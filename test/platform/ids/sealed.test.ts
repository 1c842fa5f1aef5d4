import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sealer, TOKEN_LENGTH } from '../../../src/platform/ids/sealed.js';

const key = Uint8Array.from({ length: 16 }, (_, index) => index * 11);
const sealer = new Sealer(key);
const incarnation = fc.nat(2 ** 32 - 1);
const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. é');

const changed = (text: string, index: number, replacement: string): string =>
  text.slice(0, index) + replacement + text.slice(index + 1);

describe('a consistency token', () => {
  it('opens to what was sealed', () => {
    fc.assert(
      fc.property(incarnation, fc.maxSafeNat(), fc.nat(2 ** 31 - 1), (number, sequence, book) => {
        const text = sealer.sealToken(number, sequence, book);
        expect(text).toMatch(/^c1\.[A-Za-z0-9_-]{28}$/);
        expect(sealer.openToken(text, book)).toEqual({ incarnation: number, sequence });
        expect(sealer.openToken(text, book + 1)).toBe('invalid');
      }),
      { numRuns: 1000 },
    );
    expect(sealer.openToken(sealer.sealToken(1, 2))).toEqual({ incarnation: 1, sequence: 2 });
  });

  it('is the same where it is written into bytes, and nothing around it changes', () => {
    fc.assert(
      fc.property(incarnation, fc.maxSafeNat(), fc.nat(2 ** 31 - 1), fc.nat(9), (number, sequence, book, offset) => {
        const bytes = new Uint8Array(48).fill(0x2e);
        expect(sealer.sealTokenInto(number, sequence, book, bytes, offset)).toBe(offset + TOKEN_LENGTH);
        const text = Buffer.from(bytes).toString();
        const token = sealer.sealToken(number, sequence, book);
        expect(text).toBe('.'.repeat(offset) + token + '.'.repeat(48 - TOKEN_LENGTH - offset));
      }),
      { numRuns: 1000 },
    );
  });

  it('stays the same for ever', () => {
    expect(sealer.sealToken(0x81234567, 0x1f_edcb_a987_6543, 77)).toBe('c1.gSNFZx_ty6mHZUMxleah1sZ8Xyp-');
  });

  it('with any character changed is invalid', () => {
    fc.assert(
      fc.property(incarnation, fc.maxSafeNat(), fc.nat(30), character, (number, sequence, index, replacement) => {
        const text = sealer.sealToken(number, sequence);
        fc.pre(text[index] !== replacement);
        expect(sealer.openToken(changed(text, index, replacement))).toBe('invalid');
      }),
      { numRuns: 2000 },
    );
  });

  it('of another key or another shape is invalid', () => {
    const text = sealer.sealToken(1, 1);
    expect(new Sealer(new Uint8Array(16)).openToken(text)).toBe('invalid');
    for (const other of ['', 'c1.', text.slice(3), `${text}A`, text.slice(0, -1), text.replace('c1', 'c2')]) {
      expect(sealer.openToken(other)).toBe('invalid');
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (any) => sealer.openToken(any) === 'invalid'));
  });
});

describe('a cursor', () => {
  const values = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger()), { maxLength: 6 });

  it('opens to what was sealed, for its own kind only', () => {
    fc.assert(
      fc.property(fc.string(), values, (kind, list) => {
        fc.pre(!list.some((value) => Object.is(value, -0)));
        const text = sealer.sealCursor(kind, list);
        expect(text).toMatch(/^c1\.[A-Za-z0-9_-]+$/);
        expect(sealer.openCursor(kind, text)).toEqual(list);
        expect(sealer.openCursor(`${kind}x`, text)).toBe('invalid');
      }),
    );
  });

  it('with any character changed, or cut, is invalid', () => {
    fc.assert(
      fc.property(values, fc.nat(200), character, (list, at, replacement) => {
        const text = sealer.sealCursor('entries', list);
        const index = at % text.length;
        fc.pre(text[index] !== replacement);
        expect(sealer.openCursor('entries', changed(text, index, replacement))).toBe('invalid');
        expect(sealer.openCursor('entries', text.slice(0, index))).toBe('invalid');
      }),
      { numRuns: 500 },
    );
  });

  it('shows nothing of what it holds', () => {
    const text = sealer.sealCursor('entries', ['customer/42', 123_456_789]);
    expect(Buffer.from(text.slice(3), 'base64url').toString('latin1')).not.toContain('customer');
  });

  it('is no token, and a token is no cursor', () => {
    expect(sealer.openToken(sealer.sealCursor('entries', []))).toBe('invalid');
    expect(sealer.openCursor('entries', sealer.sealToken(1, 1))).toBe('invalid');
  });
});
