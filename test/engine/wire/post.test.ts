import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf, MessageKind, requestIdOf, shardOf } from '../../../src/engine/wire/head.js';
import type { PostRequest } from '../../../src/engine/wire/messages.js';
import { copyPost, decodePost, encodePost, postSizeMax } from '../../../src/engine/wire/post.js';
import { PostCommand } from '../../../src/ledger/command.js';
import { arbitraryHead, arbitraryPost, hash, legsOf, plainPost, targetOf, textsOf } from './arbitrary.js';

const head = { shard: 3, book: 7, key: 'order-1', route: 'POST /v1/transactions', requestId: 99 };

function encode(request: PostRequest, from: Partial<typeof head> | { key: null } = {}) {
  // Memory that was used before: whatever the encoder does not write must not count.
  const target = targetOf(postSizeMax(request) + 64, 0xcd);
  const offset = 8;
  const length = encodePost({ ...head, ...from }, request, hash, target, offset);
  return { ...target, offset, length };
}

function decode({ bytes, view, offset, length }: ReturnType<typeof encode>): PostCommand {
  const command = new PostCommand();
  decodePost(bytes, view, offset, length, command);
  return command;
}

const fingerprint = (command: PostCommand): string => `${command.fingerprintHi}:${command.fingerprintLo}`;

describe('a posting on the ring', () => {
  it('comes back as it was sent, whatever it holds', () => {
    const command = new PostCommand();
    fc.assert(
      fc.property(arbitraryHead, arbitraryPost, (someHead, request) => {
        const sizeMax = postSizeMax(request);
        const target = targetOf(sizeMax + 8, 0xaa);
        const length = encodePost(someHead, request, hash, target, 8);
        expect(length).toBeLessThanOrEqual(sizeMax);
        expect(kindOf(target.view, 8)).toBe(MessageKind.post);
        expect(requestIdOf(target.view, 8)).toBe(someHead.requestId);
        expect(shardOf(target.view, 8)).toBe(someHead.shard);
        expect(decodePost(target.bytes, target.view, 8, length, command)).toBe(someHead.requestId);
        expect(command.book).toBe(someHead.book);
        expect(command.keyed).toBe(someHead.key !== null);
        expect(command.dryRun).toBe(request.dryRun);
        expect(command.pending).toBe(request.pending);
        expect(command.openAccounts).toBe(request.openAccounts);
        expect(command.expiresIn).toBe(request.expiresIn);
        expect(command.effectiveAt).toBe(request.effectiveAt);
        expect(textsOf(command.texts)).toEqual([
          someHead.key,
          request.reference,
          request.description,
          request.metadata,
        ]);
        expect(legsOf(command)).toEqual(
          request.legs.map((leg) => ({
            debit: leg.debit,
            credit: leg.credit,
            amount: BigInt(leg.amount),
            currency: leg.currency,
          })),
        );
        if (request.extras === null) expect(command.extras).toBeNull();
        else {
          const byAccount = [...(request.extras.if ?? [])].sort((a, b) => (a.account < b.account ? -1 : 1));
          expect(command.extras?.if ?? []).toEqual(byAccount);
          expect({ ...command.extras?.open }).toEqual({ ...request.extras.open });
        }
      }),
      { numRuns: 400 },
    );
  });

  it('writes nothing behind what postSizeMax promises', () => {
    fc.assert(
      fc.property(arbitraryPost, (request) => {
        const sizeMax = postSizeMax(request);
        const target = targetOf(sizeMax + 64, 0x5a);
        encodePost({ ...head, key: 'k'.repeat(255), route: 'r'.repeat(128) }, request, hash, target, 0);
        expect(target.bytes.subarray(sizeMax).every((byte) => byte === 0x5a)).toBe(true);
      }),
    );
  });

  it('carries 64 legs of 2^63−1 between names of 128 characters', () => {
    const legs = Array.from({ length: 64 }, (_, leg) => ({
      debit: `d${leg}`.padEnd(128, 'x'),
      credit: `c${leg}`.padEnd(128, 'y'),
      amount: 2n ** 63n - 1n,
      currency: 65_535,
      currencyCode: 'EUR',
    }));
    const command = decode(encode({ ...plainPost, legs }));
    expect(legsOf(command)).toEqual(legs.map(({ currencyCode: _, ...leg }) => leg));
  });

  it('names the same fingerprint for the same command under any key, id and shard', () => {
    const one = decode(encode(plainPost));
    const other = decode(encode({ ...plainPost }, { key: 'another key', requestId: 1, shard: 0 }));
    expect(fingerprint(other)).toBe(fingerprint(one));
    expect([...other.keyHash]).not.toEqual([...one.keyHash]);
  });

  it('names the same fingerprint for numbers and bigints, and for fields in any order', () => {
    const leg = plainPost.legs[0];
    if (leg === undefined) throw new Error('plainPost has a leg');
    const fromJson: PostRequest = {
      ...plainPost,
      legs: [{ ...leg, amount: 5 }],
      extras: {
        if: [
          { account: 'b', version: 1, available: { gte: 1n, lt: 9n } },
          { account: 'a', version: 2 },
        ],
        open: { x: { min_balance: null, metadata: '{}' }, __proto: {}, a: { max_balance: 4n } },
      },
    };
    const fromMsgpack: PostRequest = {
      ...fromJson,
      legs: [{ credit: leg.credit, amount: 5n, debit: leg.debit, currencyCode: 'EUR', currency: leg.currency }],
      extras: {
        open: { a: { max_balance: 4n }, __proto: {}, x: { metadata: '{}', min_balance: null } },
        if: [
          { version: 2, account: 'a' },
          { available: { lt: 9n, gte: 1n }, version: 1, account: 'b' },
        ],
      },
    };
    expect(fingerprint(decode(encode(fromMsgpack)))).toBe(fingerprint(decode(encode(fromJson))));
  });

  it('names another fingerprint for every difference that a merchant can see', () => {
    const leg = plainPost.legs[0];
    if (leg === undefined) throw new Error('plainPost has a leg');
    const variants: readonly PostRequest[] = [
      plainPost,
      { ...plainPost, pending: true },
      { ...plainPost, openAccounts: true },
      { ...plainPost, expiresIn: 1 },
      { ...plainPost, effectiveAt: 1 },
      { ...plainPost, reference: 'ab', description: null },
      { ...plainPost, reference: null, description: 'ab' },
      { ...plainPost, reference: 'a', description: 'b' },
      { ...plainPost, reference: '' },
      { ...plainPost, metadata: '{}' },
      { ...plainPost, legs: [leg, leg] },
      { ...plainPost, legs: [{ ...leg, amount: 6 }] },
      { ...plainPost, legs: [{ ...leg, amount: 5 + 2 ** 32 }] },
      { ...plainPost, legs: [{ ...leg, currency: 1 }] },
      { ...plainPost, legs: [{ ...leg, debit: `${leg.debit}${leg.credit[0]}`, credit: leg.credit.slice(1) }] },
      { ...plainPost, legs: [{ ...leg, debit: leg.credit, credit: leg.debit }] },
      { ...plainPost, extras: {} },
      { ...plainPost, extras: { open: {} } },
      { ...plainPost, extras: { open: { a: {} } } },
      { ...plainPost, extras: { open: { a: { min_balance: null } } } },
      { ...plainPost, extras: { if: [{ account: 'a', version: 1 }] } },
      { ...plainPost, extras: { if: [{ account: 'a', config_version: 1 }] } },
    ];
    const seen = variants.map((request) => fingerprint(decode(encode(request))));
    seen.push(fingerprint(decode(encode(plainPost, { route: 'POST /v1/other' }))));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('has no key hash and no fingerprint without a key', () => {
    const command = decode(encode({ ...plainPost, dryRun: true }, { key: null }));
    expect([...command.keyHash, command.fingerprintHi, command.fingerprintLo]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('lets an account be named __proto__', () => {
    const open = JSON.parse('{"__proto__": {"metadata": "{}"}}') as Record<string, object>;
    const command = decode(encode({ ...plainPost, extras: { open } }));
    expect(Object.keys(command.extras?.open ?? {})).toEqual(['__proto__']);
    expect(Object.values(command.extras?.open ?? {})).toEqual([{ metadata: '{}' }]);
  });

  it('survives the ring as a copy', () => {
    fc.assert(
      fc.property(arbitraryPost, (request) => {
        const record = encode(request);
        const command = decode(record);
        const copy = copyPost(command);
        const before = { legs: legsOf(command), texts: textsOf(command.texts) };
        record.bytes.fill(0);
        expect({ legs: legsOf(copy), texts: textsOf(copy.texts) }).toEqual(before);
        expect(copy.keyHash).toEqual(command.keyHash);
      }),
      { numRuns: 50 },
    );
  });
});
