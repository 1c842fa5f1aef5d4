import { expect, it } from 'vitest';
import { readTexts } from '../../src/ledger/texts.js';

it('texts are read as they were written, whatever they begin with', () => {
  const written = ['k', '\ufeff', '\ufeffBeleg', ''];
  const parts = written.map((text) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  const bytes = Uint8Array.from(Buffer.concat(parts));
  const { key, reference, description, metadata } = readTexts({ bytes, offset: 0, length: bytes.length });
  expect([key, reference, description, metadata]).toEqual(written);
});
