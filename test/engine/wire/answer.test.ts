import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAnswer,
  encodeAnswer,
  encodeRecorded,
  encodeReplay,
  RECORDED_BYTES,
  REPLAY_BYTES,
} from '../../../src/engine/wire/answer.js';
import { requestIdOf } from '../../../src/engine/wire/head.js';
import type { Answer } from '../../../src/engine/wire/messages.js';
import type { RecordView } from '../../../src/ledger/view.js';
import { someAccount as account, targetOf } from './arbitrary.js';

function roundTrip(answer: Answer, requestId = 5): Answer {
  const record = encodeAnswer(requestId, answer);
  const { bytes, view } = targetOf(record.length + 24, 0xee);
  bytes.set(record, 8);
  expect(requestIdOf(view, 8)).toBe(requestId);
  const decoded = decodeAnswer(bytes, view, 8, record.length);
  bytes.fill(0);
  return decoded;
}

const record: RecordView = {
  position: 2 ** 52,
  book: 3,
  sequence: 9,
  kind: 3,
  recordedAt: 1_790_000_000_000_001,
  flags: 2,
  code: 0,
  parent: 8,
  effectiveAt: 1,
  expiresAt: 0,
  legs: [{ leg: 0, debit: 'a', credit: 'b', currency: 'EUR', amount: 2n ** 63n - 1n, released: 0n }],
  details: '{"parent_state":{}}',
  key: 'k',
  reference: 'Müller & 😀',
  description: null,
  metadata: '{"a":1.0}',
  fingerprint: '-1:2147483647',
};
const success: Answer = {
  type: 'recorded',
  code: null,
  position: 7,
  sequence: 6,
  recordedAt: 5,
  expiresAt: 4,
  details: null,
  records: [],
  accounts: [],
};

const answers: readonly Answer[] = [
  success,
  { ...success, code: 'insufficient_funds', details: '{"param":"/legs/0"}' },
  { ...success, records: [record, record] },
  { ...success, accounts: [account, { ...account, metadata: null }, { ...account, metadata: '{}' }] },
  { type: 'answered', code: 'unknown_account', details: null, records: [] },
  { type: 'answered', code: null, details: null, records: [record] },
  { type: 'replay', position: 2 ** 53 - 1, fingerprint: '-2147483648:17' },
  { type: 'account', account, sequence: 12 },
  {
    type: 'account',
    account: { ...account, metadata: null, maxBalance: 2n ** 63n - 1n, minBalance: null },
    sequence: 12,
  },
  { type: 'account', account: { ...account, open: false, normalBalance: 'debit', minBalance: 0n }, sequence: 12 },
  { type: 'account', account: { ...account, metadata: '{"a":1}' }, sequence: 12 },
  { type: 'account', account: null, sequence: 0 },
  { type: 'head', sequence: 2 ** 53 - 1, recordedAt: 1_790_000_000_000_001 },
  { type: 'unavailable', code: 'outcome_unknown', retryAfterSeconds: 1 },
];

describe('an answer on the ring', () => {
  it.each(answers)('comes back as it was sent: $type $#', (answer) => {
    // Strict: undefined and null are different answers about metadata.
    expect(roundTrip(answer)).toStrictEqual(answer);
  });

  it('takes 40 bytes for a plain success and 24 for a replay', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(2 ** 32 - 1), fc.integer(), (number, requestId, word) => {
        const { bytes, view } = targetOf(64, 0xee);
        expect(encodeRecorded(view, 8, requestId, number, number, number, number)).toBe(RECORDED_BYTES);
        expect(requestIdOf(view, 8)).toBe(requestId);
        expect(decodeAnswer(bytes, view, 8, RECORDED_BYTES)).toStrictEqual({
          ...success,
          position: number,
          sequence: number,
          recordedAt: number,
          expiresAt: number,
        });
        expect(encodeReplay(view, 8, requestId, number, word, -word)).toBe(REPLAY_BYTES);
        expect(decodeAnswer(bytes, view, 8, REPLAY_BYTES)).toStrictEqual({
          type: 'replay',
          position: number,
          fingerprint: `${word}:${-word | 0}`,
        });
      }),
    );
    expect(encodeAnswer(1, success)).toHaveLength(RECORDED_BYTES);
  });

  it('refuses what is no answer', () => {
    const { bytes, view } = targetOf(64, 1);
    expect(() => decodeAnswer(bytes, view, 0, 64)).toThrow('not an answer');
  });
});
