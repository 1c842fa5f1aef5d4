import { describe, expect, it } from 'vitest';
import { ERRORS, errorByCode, errorByNumber } from '../../src/ledger/errors.js';

describe('the table of problems', () => {
  it('gives every problem a number and a code of its own: numbers stand in logs', () => {
    expect(new Set(ERRORS.map(({ number }) => number)).size).toBe(ERRORS.length);
    expect(new Set(ERRORS.map(({ code }) => code)).size).toBe(ERRORS.length);
    for (const entry of ERRORS) {
      expect(errorByNumber(entry.number)).toBe(entry);
      expect(errorByCode(entry.code)).toBe(entry);
    }
  });
});
