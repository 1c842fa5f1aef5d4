import { Packr, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { readAnswerFrame } from '../../bench/stream/answer-frame.js';
import { FrameTemplate } from '../../bench/stream/frame-template.js';
import { FrameWriter } from '../../src/http/stream/frame-writer.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });

describe('frames of the stream driver', () => {
  it('are what docs/stream.md says, each with numbers and keys of its own', () => {
    const template = new FrameTemplate('run123', [7, 8_000]);
    for (const first of [0, 41, 4_294_967_294]) {
      expect(unpack(template.from(first))).toEqual(
        [7, 8_000].map((account, index) => ({
          n: first + index,
          key: `run123${String(first + index).padStart(10, '0')}`,
          body: {
            legs: [
              {
                debit: 'external/bench',
                credit: `bench/${String(account).padStart(6, '0')}`,
                amount: 125,
                currency: 'EUR',
              },
            ],
          },
        })),
      );
    }
  });

  it('are counted by what the engine answers: credits, answers, and those that are 201', () => {
    const writer = new FrameWriter();
    const bodies = [
      { status: 201, body: { id: 'txn_1', status: 'posted' } },
      { status: 409, body: { code: 'key_in_flight', status: 409 } },
      { status: 201, body: { id: 'txn_2', status: 'posted' } },
    ];
    for (const credits of [3, 300, 70_000]) {
      for (const token of ['c1.abc', 'c1.'.padEnd(100, 'x'), '']) {
        for (const [index, { status, body }] of bodies.entries()) {
          writer.add({ n: index + 70_000, status, replayed: index === 2, retryAfter: 0 }, packr.pack(body));
        }
        expect(readAnswerFrame(Buffer.from(writer.take(credits, token)))).toEqual({ credits, answers: 3, posted: 2 });
      }
    }
  });

  it('begin with the credits of the first frame', () => {
    const first = packr.pack({ stream: 1, credits: 256, frame_bytes_max: 2_097_152 });
    expect(readAnswerFrame(first)).toEqual({ credits: 256, answers: 0, posted: 0 });
  });
});
