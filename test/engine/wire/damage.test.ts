/** Records with a byte changed or their end cut off: noticed, or a request that could have been sent. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DamagedRecordError } from '../../../src/engine/ring/damage.js';
import { decodeAnswer, encodeAnswer, plainSuccess } from '../../../src/engine/wire/answer.js';
import { decodeCold, encodeCold } from '../../../src/engine/wire/cold.js';
import type { RingTarget } from '../../../src/engine/wire/head.js';
import type { Answer, PostRequest, RareRequest } from '../../../src/engine/wire/messages.js';
import { decodePost, encodePost, postSizeMax } from '../../../src/engine/wire/post.js';
import { decodeReadAccount, encodeReadAccount } from '../../../src/engine/wire/read-account.js';
import { PostCommand } from '../../../src/ledger/command.js';
import { LEGS_MAX } from '../../../src/ledger/record.js';
import { arbitraryHead, arbitraryPost, hash, plainPost, someAccount, targetOf, textsOf } from './arbitrary.js';

const head = { shard: 3, book: 7, key: 'order-1', route: 'POST /v1/transactions', requestId: 99 };
const START = 8;

interface Written extends RingTarget {
  readonly length: number;
}

function post(request: PostRequest, from: Parameters<typeof encodePost>[0] = head): Written {
  const target = targetOf(postSizeMax(request) + 600, 0xcd);
  return { ...target, length: encodePost(from, request, hash, target, START) };
}

function cold(request: RareRequest): Written {
  const record = encodeCold(head, request, hash);
  const target = targetOf(record.length + 600, 0xcd);
  target.bytes.set(record, START);
  return { ...target, length: record.length };
}

const POSTS: readonly PostRequest[] = [
  plainPost,
  { ...plainPost, reference: 'a reference', description: 'Größe', metadata: '{"a":1}', pending: true, expiresIn: 5 },
  { ...plainPost, legs: Array.from({ length: 3 }, (_, leg) => ({ ...plainPost.legs[0], amount: leg + 1 }) as never) },
  { ...plainPost, extras: { if: [{ account: 'a', available: { gte: 7n } }], open: { b: { min_balance: null } } } },
];

const COLD: readonly RareRequest[] = [
  {
    type: 'capture',
    parent: 2 ** 40,
    amount: 5n,
    legs: [],
    final: true,
    force: false,
    dryRun: false,
    reference: 'r',
    description: null,
    metadata: null,
  },
  { type: 'change_account', account: 'customer/42', max_balance: 10n, ifMatch: null } as never,
  { type: 'read_head' },
];

const ANSWERS: readonly Answer[] = [
  plainSuccess(5, 6, 1_790_000_000_000_000, 0),
  { type: 'replay', position: 5, fingerprint: '1:-2' },
  { type: 'head', sequence: 9, recordedAt: 3 },
  { type: 'account', account: someAccount, sequence: 9 },
  { type: 'unavailable', code: 'shard_unavailable', retryAfterSeconds: 1 },
];

/** All that a decoded posting says lies within its record, and can be asked for. */
function mustBeWellFormed(command: PostCommand, start: number, end: number): void {
  const { legCount, texts } = command;
  let sound = legCount > 0 && legCount <= LEGS_MAX && texts.offset + texts.length <= end;
  for (let leg = 0; sound && leg < legCount; leg++) {
    const namesEnd = (command.creditOffset[leg] ?? 0) + (command.creditLength[leg] ?? 0);
    sound = (command.debitOffset[leg] ?? 0) >= start && namesEnd <= end;
  }
  const four = textsOf(texts);
  // One call where all is well: there are a hundred thousand of them.
  if (!sound || four.length !== 4 || (four[0] !== null) !== command.keyed) {
    expect.fail(`not well-formed: ${legCount} legs, texts of ${texts.length} bytes`);
  }
}

function decodePosting({ bytes, view }: RingTarget, length: number): void {
  const command = new PostCommand();
  decodePost(bytes, view, START, length, command);
  mustBeWellFormed(command, START, START + length);
}

/** @returns whether it was noticed; anything but the error of its own fails */
function notices(decode: () => void): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    if (!(error instanceof DamagedRecordError)) throw error;
    return true;
  }
}

/** Every other value of every byte. */
function forEveryChange({ bytes, length }: Written, tryIt: (byte: number) => void): void {
  for (let byte = 0; byte < length; byte++) {
    const sound = bytes[START + byte] ?? 0;
    for (let change = 1; change < 256; change++) {
      bytes[START + byte] = sound ^ change;
      tryIt(byte);
    }
    bytes[START + byte] = sound;
  }
}

describe('a damaged posting', () => {
  it.each(POSTS.map((request, index) => [index, request] as const))(
    'is noticed or well-formed, whichever byte was changed: %i',
    (_, request) => {
      const written = post(request);
      let noticed = 0;
      let changes = 0;
      forEveryChange(written, () => {
        changes++;
        if (notices(() => decodePosting(written, written.length))) noticed++;
      });
      if (request.extras === null) expect(noticed).toBeGreaterThan(changes / 10);
      else expect(noticed).toBe(changes);
    },
  );

  it.each(POSTS.map((request, index) => [index, request] as const))(
    'is noticed wherever it was cut off: %i',
    (_, request) => {
      const written = post(request);
      for (let length = 0; length < written.length; length++) {
        expect(
          notices(() => decodePosting(written, length)),
          `${length} bytes`,
        ).toBe(true);
      }
      expect(notices(() => decodePosting(written, written.length + 1))).toBe(true);
    },
  );

  it('says so by the code of its error', () => {
    const { bytes, view, length } = post(plainPost);
    expect(() => decodePost(bytes, view, START, length - 1, new PostCommand())).toThrow(
      expect.objectContaining({ code: 'MR_RING_DAMAGED' }),
    );
  });

  it('is noticed or well-formed, whatever it held and however much of it is other bytes', () => {
    fc.assert(
      fc.property(
        arbitraryHead,
        arbitraryPost,
        fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 9 }),
        (someHead, request, changes) => {
          const written = post(request, someHead);
          for (const [at, change] of changes) {
            const byte = START + (at % written.length);
            written.bytes[byte] = (written.bytes[byte] ?? 0) ^ change;
          }
          notices(() => decodePosting(written, written.length));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('any other damaged request', () => {
  it.each(COLD.map((request) => [request.type, request] as const))(
    'is noticed, changed or cut off anywhere: %s',
    (_, request) => {
      const written = cold(request);
      forEveryChange(written, (byte) => {
        expect(
          notices(() => decodeCold(written.bytes, START, written.length)),
          `byte ${byte}`,
        ).toBe(true);
      });
      for (let length = 0; length < written.length; length++) {
        expect(
          notices(() => decodeCold(written.bytes, START, length)),
          `${length} bytes`,
        ).toBe(true);
      }
    },
  );

  it('is noticed or well-formed where it is an atomic batch', () => {
    const written = cold({ type: 'atomic_batch', items: [plainPost, { ...plainPost, metadata: '{}' }], dryRun: false });
    const decode = (length: number): void => {
      const { request } = decodeCold(written.bytes, START, length);
      if (!('type' in request) || request.type !== 'atomic_batch') throw new Error('another request');
      for (const item of request.items) mustBeWellFormed(item, 0, length);
    };
    forEveryChange(written, () => notices(() => decode(written.length)));
    // Cut off between two items it is a batch of fewer; the ring's header is what keeps the length.
    const between = new Set([written.length]);
    const wholeWith = (items: number) =>
      encodeCold(head, { type: 'atomic_batch', items: [plainPost, plainPost].slice(0, items), dryRun: false }, hash)
        .length;
    for (const items of [0, 1]) between.add(wholeWith(items));
    for (let length = 0; length < written.length; length++) {
      if (!between.has(length))
        expect(
          notices(() => decode(length)),
          `${length} bytes`,
        ).toBe(true);
    }
  });
});

describe('a damaged read of an account', () => {
  it('is noticed or a read of an account', () => {
    const target = targetOf(600, 0xcd);
    const length = encodeReadAccount({ ...head, key: null }, 'customer/42', target, START);
    const decode = (bytes: number): void => {
      const { account } = decodeReadAccount(target.bytes, target.view, START, bytes);
      if (account.length === 0 || account.length > 128) expect.fail(`a name of ${account.length} characters`);
    };
    forEveryChange({ ...target, length }, () => notices(() => decode(length)));
    // Cut off within the name it is a read of another one; the ring's header is what keeps the length.
    for (let cut = 0; cut <= length - 'customer/42'.length; cut++) expect(notices(() => decode(cut))).toBe(true);
  });
});

describe('a damaged answer', () => {
  it.each(ANSWERS.map((answer) => [answer.type, answer] as const))(
    'is noticed or of its own kind: %s',
    (type, answer) => {
      const record = encodeAnswer(5, answer);
      const target = targetOf(record.length + 600, 0xcd);
      target.bytes.set(record, START);
      const written = { ...target, length: record.length };
      forEveryChange(written, () => {
        notices(() => {
          const seen = decodeAnswer(written.bytes, written.view, START, written.length);
          if (seen.type !== type) expect.fail(`${type} became ${seen.type}`);
        });
      });
      for (let length = 0; length < record.length; length++) {
        expect(
          notices(() => decodeAnswer(written.bytes, written.view, START, length)),
          `${length} bytes`,
        ).toBe(true);
      }
    },
  );
});
