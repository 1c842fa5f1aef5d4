/** A receipt may come from anybody: what is wrong with it is said, and nothing in it is believed before it is looked at. */
import { describe, expect, it } from 'vitest';
import type { ReceiptFile } from '../../src/cli/evidence/files.js';
import { faultOfReceipt } from '../../src/cli/evidence/receipt-check.js';
import { inWords, recordIn } from '../../src/folds/verify/receipt.js';
import { CopyEncoder } from '../../src/store/copy/encoder.js';
import { pathTo } from '../../src/store/seal/merkle.js';
import { BatchSealer, genesisOf, LEAF_HEADER_BYTES, type Leaf } from '../../src/store/seal/seal.js';
import { fill } from '../store/records.js';
import { records } from './support/places.js';

const POSITION = 7;

/** Of position 7 in a batch of 40 rows of several merchants. */
function receipt(): ReceiptFile {
  const encoder = new CopyEncoder();
  fill(encoder, records(1, 40));
  const head = { prev: 0, last: 40, epoch: 3, hash: -5n };
  const sealer = new BatchSealer(new Uint8Array(16).fill(4));
  const { digest } = sealer.seal(encoder.rows(), head, genesisOf(9));
  const leaves: Leaf[] = [];
  const { digests, count } = sealer.digests(encoder.rows(), head, (leaf) => leaves.push(leaf));
  const index = leaves.findIndex(({ rows }) => rows.includes(POSITION - 1));
  const leaf = leaves[index];
  const rows = leaf?.bytes.subarray(LEAF_HEADER_BYTES) ?? Buffer.alloc(0);
  const record = recordIn(rows, POSITION);
  if (record === null) throw new Error('the leaf holds the record');
  return {
    format: 'millrace-receipt-1',
    transaction: `txn_${'0'.repeat(26)}`,
    shard: 'shard-0',
    log: 9,
    record: { ...inWords(record), legs: [...inWords(record).legs] },
    batch: {
      prev: 0,
      last: 40,
      epoch: 3,
      hash: '-5',
      leaves: count,
      previous: genesisOf(9).toString('hex'),
      digest: digest.toString('hex'),
    },
    leaf: { index, blind: leaf?.blind.toString('hex') ?? '', rows: rows.toString('base64') },
    path: pathTo(digests, count, index).map((node) => node.toString('hex')),
  };
}

const flipped = (hex: string): string => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;

describe('a receipt', () => {
  it('is true as it was made', () => {
    expect(faultOfReceipt(receipt())).toBeNull();
  });

  it('is a lie after any change of what it is made of', () => {
    const { batch, leaf, path, record } = receipt();
    const changes: readonly Partial<ReceiptFile>[] = [
      { record: { ...record, position: 8 } },
      { record: { ...record, position: 41 } },
      { record: { ...record, key: 'other' } },
      { record: { ...record, legs: record.legs.map((leg) => ({ ...leg, amount: '1' })) } },
      { batch: { ...batch, last: 41 } },
      { batch: { ...batch, epoch: 4 } },
      { batch: { ...batch, hash: '5' } },
      { batch: { ...batch, hash: String(2n ** 64n - 5n) } },
      { batch: { ...batch, leaves: batch.leaves + 1 } },
      { batch: { ...batch, previous: flipped(batch.previous) } },
      { batch: { ...batch, digest: flipped(batch.digest) } },
      { leaf: { ...leaf, index: leaf.index + 1 } },
      { leaf: { ...leaf, index: 99 } },
      { leaf: { ...leaf, blind: flipped(leaf.blind) } },
      { path: path.slice(1) },
      { path: [...path, ...path] },
      { path: path.map(flipped) },
    ];
    for (const change of changes)
      expect(faultOfReceipt({ ...receipt(), ...change }), JSON.stringify(change)).not.toBeNull();
  });

  it('ends with an answer whatever its rows are', () => {
    const { leaf } = receipt();
    const rows = Buffer.from(leaf.rows, 'base64');
    for (let at = 0; at < Math.min(rows.length, 400); at++) {
      for (const value of [0x00, 0x7f, 0x80, 0xff]) {
        const other = Buffer.from(rows);
        if (other[at] === value) continue;
        other[at] = value;
        expect(faultOfReceipt({ ...receipt(), leaf: { ...leaf, rows: other.toString('base64') } })).not.toBeNull();
      }
      const cut = rows.subarray(0, at).toString('base64');
      expect(faultOfReceipt({ ...receipt(), leaf: { ...leaf, rows: cut } })).not.toBeNull();
    }
    const negative = Buffer.from(rows);
    // A length of −100 before the last text of the first row: whoever adds it to an offset goes round for ever.
    negative.writeInt32BE(-100, rows.indexOf(Buffer.from('key-')) - 4);
    expect(faultOfReceipt({ ...receipt(), leaf: { ...leaf, rows: negative.toString('base64') } })).toMatch(/not rows/);
  });
});
