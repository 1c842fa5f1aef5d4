import { describe, expect, it } from 'vitest';
import { COPY_HEADER, COPY_TRAILER } from '../../src/store/copy/columns.js';
import { readSealed } from '../../src/store/seal/stored.js';
import type { SqlRow, SqlValue } from '../../src/store/sql.js';

const HEAD = 40_000;
const BATCH = 8_192;
const HEAD_POSITIONS = [0, 8_192, 16_384, 24_576, 32_768];

/** A database that has these batches; a row of its log takes so many bytes. */
function sessionOf(
  batches: readonly (readonly [prev: number, last: number])[],
  rowBytes: (position: number) => number,
) {
  const read: number[] = [];
  return {
    read,
    query: (_text: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> => {
      const [after, before] = values.map(Number) as [number, number];
      const found = batches.filter(([prev]) => prev > after && prev < before).sort(([a], [b]) => a - b);
      const rest = { epoch: 1n, hash: 0n, digest: new Uint8Array(32), marks: new Uint8Array(0) };
      return Promise.resolve(found.map(([prev, last]) => ({ prev: BigInt(prev), last: BigInt(last), ...rest })));
    },
    copyOut: (text: string): Promise<Buffer> => {
      const [, from, to] = /position > (\d+) AND position <= (\d+)/.exec(text) ?? [];
      let bytes = 0;
      for (let position = Number(from) + 1; position <= Number(to); position++) {
        read.push(position);
        bytes += rowBytes(position);
      }
      return Promise.resolve(Buffer.concat([COPY_HEADER, Buffer.alloc(bytes), COPY_TRAILER]));
    },
  };
}

const even = HEAD_POSITIONS.map((prev) => [prev, Math.min(prev + BATCH, HEAD)] as const);
const small = () => 200;

async function slicesOf(session: ReturnType<typeof sessionOf>, recordsMax: number) {
  const slices: { readonly batches: readonly (readonly [number, number])[]; readonly bytes: number }[] = [];
  for await (const { batches, bytes } of readSealed(session, 0, HEAD, recordsMax)) {
    slices.push({ batches: batches.map(({ prev, last }) => [prev, last] as const), bytes: bytes.length });
  }
  return slices;
}

describe('slices of sealed batches', () => {
  it.each([1, 100, BATCH, BATCH + 1, 32_768])(
    'have every batch and every row once, by about %i records',
    async (records) => {
      const session = sessionOf(even, small);
      const slices = await slicesOf(session, records);
      expect(slices.flatMap(({ batches }) => batches)).toEqual(even);
      expect(session.read).toEqual(Array.from({ length: HEAD }, (_, index) => index + 1));
    },
  );

  it.each([
    [16_192, 16_193],
    [39_999, 40_000],
    [1, 2],
  ])('have a batch too that begins at %i, among the records of another', async (...added) => {
    for (const records of [1, 100, BATCH, 32_768]) {
      const slices = await slicesOf(sessionOf([...even, added], small), records);
      expect(slices.flatMap(({ batches }) => batches)).toContainEqual(added);
    }
  });

  it('say that a batch is missing by having none, and end there', async () => {
    const slices = await slicesOf(sessionOf(even.slice(0, 2), small), 1);
    expect(slices.at(-1)?.batches).toEqual([]);
    expect(slices).toHaveLength(3);
  });

  it('grow by no more than double, so that large records behind small ones are not read all at once', async () => {
    const many = Array.from({ length: HEAD / 10 }, (_, index) => [index * 10, index * 10 + 10] as const);
    const slices = await slicesOf(
      sessionOf(many, (position) => (position <= 2_048 ? 100 : 9_000)),
      32_768,
    );
    expect(Math.max(...slices.map(({ bytes }) => bytes))).toBeLessThan(40_000_000);
  });
});
