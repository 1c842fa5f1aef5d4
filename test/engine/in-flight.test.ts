import { expect, it } from 'vitest';
import { InFlight } from '../../src/engine/in-flight.js';
import type { AnswerReceiver } from '../../src/engine/wire/messages.js';

const receiver = (): AnswerReceiver => ({ recorded: () => undefined, answered: () => undefined });

it('a request is found by its number until it leaves, and never again', () => {
  const table = new InFlight<string>();
  const [a, b] = [receiver(), receiver()];
  const first = table.enter(a, 7, 'w', 0);
  const second = table.enter(b, 8, 'w', 0);
  expect(table.count).toBe(2);
  const slot = table.slotOf(first);
  expect(table.tagOf(slot)).toBe(7);
  expect(table.leave(slot)).toBe(a);
  expect(table.slotOf(first)).toBe(-1);
  expect(table.tagOf(table.slotOf(second))).toBe(8);

  const third = table.enter(b, 9, 'w', 0);
  expect(third, 'the slot is used again under another number').not.toBe(first);
  expect(table.slotOf(third)).toBe(slot);
  expect(table.slotOf(first), 'an answer that comes too late finds nobody').toBe(-1);
  expect(table.count).toBe(2);
});

it('thousands wait at a time, each with its tag', () => {
  const table = new InFlight<string>();
  const one = receiver();
  const numbers = Array.from({ length: 5000 }, (_, tag) => table.enter(one, tag, 'w', 0));
  expect(new Set(numbers).size).toBe(5000);
  expect(numbers.map((number) => table.tagOf(table.slotOf(number)))).toEqual(numbers.map((_, tag) => tag));
  for (const number of numbers) table.leave(table.slotOf(number));
  expect(table.count).toBe(0);
});

it('those of one owner and those that wait for long are named', () => {
  const table = new InFlight<string>();
  table.enter(receiver(), 0, 'a', 10);
  table.enter(receiver(), 1, 'b', 20);
  table.enter(receiver(), 2, 'a', 30);
  table.leave(table.slotOf(table.enter(receiver(), 3, 'a', 0)));
  const tags = (slots: readonly number[]): number[] => slots.map((slot) => table.tagOf(slot));
  expect(tags(table.slotsOf('a'))).toEqual([0, 2]);
  expect(tags(table.slotsBefore(25))).toEqual([0, 1]);
});

it('one that is given up keeps its slot until its answer has come, however often others are used meanwhile', () => {
  const table = new InFlight<string>();
  const late = receiver();
  const given = table.enter(late, 7, 'w', 0);
  expect(table.giveUp(table.slotOf(given))).toBe(late);
  expect(table.count, 'nobody waits').toBe(0);
  for (let use = 0; use < 10_000; use++) {
    const other = table.enter(receiver(), 8, 'w', 0);
    if (other === given) throw new Error(`use ${use} of another request has the number of the one that was given up`);
    table.leave(table.slotOf(other));
  }
  expect(table.leave(table.slotOf(given)), 'its answer finds somebody else than who waited').not.toBe(late);
  expect([table.count, table.slotOf(given)]).toEqual([0, -1]);
});

it('one that is given up is lost with its owner, and is given up once', () => {
  const table = new InFlight<string>();
  const slot = table.slotOf(table.enter(receiver(), 0, 'a', 10));
  expect(table.slotsBefore(20)).toEqual([slot]);
  table.giveUp(slot);
  expect([table.slotsBefore(20), table.slotsOf('a')]).toEqual([[], [slot]]);
  table.leave(slot);
  expect([table.slotsOf('a'), table.count]).toEqual([[], 0]);
});

it('is full when every slot waits for an answer, also for one that nobody wants any more', () => {
  const table = new InFlight<string>();
  const one = receiver();
  let last = -1;
  for (let slots = 0; slots < 2 ** 20; slots++) {
    if (table.isFull) throw new Error(`full at ${slots}`);
    last = table.enter(one, 0, 'w', 0);
    table.giveUp(table.slotOf(last));
  }
  expect([table.count, table.isFull]).toEqual([0, true]);
  table.leave(table.slotOf(last));
  expect(table.isFull).toBe(false);
});
