import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrontLink } from '../../../src/engine/shard/front-link.js';
import { WaitingCommands } from '../../../src/engine/shard/waiting-commands.js';

const noWhere = { send: () => true, flush: () => undefined };
const links = [new FrontLink(0, noWhere), new FrontLink(1, noWhere)] as const;

/** A command's bytes somewhere in a larger memory, as in a ring. */
function push(waiting: WaitingCommands, link: FrontLink, command: Uint8Array): void {
  const offset = 16;
  const memory = new Uint8Array(offset + command.length);
  memory.set(command, offset);
  waiting.push(link, memory, new DataView(memory.buffer), offset, command.length);
}

function takeOne(waiting: WaitingCommands): { readonly front: number; readonly command: readonly number[] } | null {
  let taken: { front: number; command: number[] } | null = null;
  waiting.take((link, bytes, view, offset, length) => {
    expect(offset % 8).toBe(0);
    expect(view.buffer).toBe(bytes.buffer);
    taken = { front: link.front, command: [...bytes.subarray(offset, offset + length)] };
  });
  return taken;
}

describe('commands that wait for room', () => {
  test('come out as they went in and in their order, whatever their lengths and however taking and coming alternate', () => {
    const command = fc.uint8Array({ minLength: 1, maxLength: 3_000 });
    const step = fc.oneof(
      fc.record({ push: fc.array(fc.tuple(fc.boolean(), command), { maxLength: 60 }) }),
      fc.record({ take: fc.nat(80) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const waiting = new WaitingCommands();
        const expected: { front: number; command: readonly number[] }[] = [];
        for (const one of steps) {
          if ('push' in one) {
            for (const [second, bytes] of one.push) {
              push(waiting, links[second ? 1 : 0], bytes);
              expected.push({ front: second ? 1 : 0, command: [...bytes] });
            }
          } else {
            for (let more = one.take; more > 0; more--) expect(takeOne(waiting)).toEqual(expected.shift() ?? null);
          }
          expect(waiting.count).toBe(expected.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('may be joined by others while one is handed over, whose bytes stay what they are', () => {
    const waiting = new WaitingCommands();
    push(waiting, links[0], Uint8Array.of(1, 2, 3));
    let seen: number[] = [];
    waiting.take((_link, bytes, _view, offset, length) => {
      for (let more = 0; more < 100; more++) push(waiting, links[1], new Uint8Array(2_000).fill(more));
      seen = [...bytes.subarray(offset, offset + length)];
    });
    expect(seen).toEqual([1, 2, 3]);
    expect(waiting.count).toBe(100);
    for (let more = 0; more < 100; more++) expect(takeOne(waiting)?.command[1_999]).toBe(more);
    expect(takeOne(waiting)).toBeNull();
  });

  test('leave no memory of a flood behind', () => {
    const waiting = new WaitingCommands();
    for (let more = 0; more < 400; more++) push(waiting, links[0], new Uint8Array(60_000));
    let largest = 0;
    const look = (_link: FrontLink, bytes: Uint8Array): void => {
      largest = Math.max(largest, bytes.length);
    };
    while (waiting.take(look));
    expect(largest).toBeGreaterThan(24_000_000);
    push(waiting, links[0], Uint8Array.of(7));
    largest = 0;
    waiting.take(look);
    expect(largest).toBe(65_536);
  });
});
