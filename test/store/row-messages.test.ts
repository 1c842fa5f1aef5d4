import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowMessages } from '../../src/store/postgres/row-messages.js';

interface Message {
  readonly kind: string;
  readonly body: Uint8Array;
}

function encode({ kind, body }: Message): Buffer {
  const header = Buffer.alloc(5);
  header.write(kind, 'latin1');
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

const message: fc.Arbitrary<Message> = fc.record({
  kind: fc.constantFrom('d', 'd', 'd', 'H', 'N', 'S', 'c', 'C'),
  body: fc.uint8Array({ maxLength: 40 }),
});

/** Cut at any places, also within headers. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

test('rows go to one buffer and everything else to the driver, in order, wherever chunks end', () => {
  const someMessages = fc.array(message, { maxLength: 30 });
  fc.assert(
    fc.property(someMessages, fc.array(fc.nat(), { maxLength: 20 }), fc.nat(200), (messages, places, expectedBytes) => {
      const stream = new PassThrough();
      const heard: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => heard.push(chunk));
      const rows = new RowMessages(stream, expectedBytes);
      for (const chunk of cutAt(Buffer.concat(messages.map(encode)), places)) stream.emit('data', chunk);
      const isRow = ({ kind }: Message): boolean => kind === 'd';
      const own = Buffer.concat(messages.filter(isRow).map(({ body }) => body));
      const others = Buffer.concat(messages.filter((each) => !isRow(each)).map(encode));
      expect(rows.giveBack().equals(own)).toBe(true);
      expect(Buffer.concat(heard).equals(others)).toBe(true);
    }),
  );
});

test('a driver that has heard the end has the stream to itself, from the next byte on', () => {
  const stream = new PassThrough();
  const heard: Buffer[] = [];
  let rows: Buffer | null = null;
  stream.on('data', (chunk: Buffer) => {
    heard.push(chunk);
    if (chunk.toString('latin1').startsWith('Z')) rows = taken.giveBack();
  });
  const taken = new RowMessages(stream, 0);
  const row = encode({ kind: 'd', body: Buffer.from('row') });
  const end = encode({ kind: 'Z', body: Buffer.alloc(0) });
  stream.emit('data', Buffer.concat([row, end, row]));
  stream.emit('data', row);
  expect(rows).toEqual(Buffer.from('row'));
  expect(Buffer.concat(heard)).toEqual(Buffer.concat([end, row, row]));
  expect(stream.listenerCount('data')).toBe(1);
});
