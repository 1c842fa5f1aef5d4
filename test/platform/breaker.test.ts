/** What an operator sees of attempts to reach something that is away, and how long one waits between them. */
import { expect, test } from 'vitest';
import { Breaker, breakerState } from '../../src/platform/breaker.js';

const stateOf = ({ attempts, nextAttemptAt }: Breaker) => breakerState(attempts, nextAttemptAt);
/** Longer than any test may take. */
const FOR_EVER_MS = 3_600_000;

test('it is closed until an attempt fails, open until the next one, half open during it, closed after its success', async () => {
  const breaker = new Breaker();
  breaker.trying();
  expect([stateOf(breaker), breaker.attempts]).toEqual(['closed', 0]);
  const first = breaker.rest(10);
  expect([stateOf(breaker), breaker.attempts]).toEqual(['open', 1]);
  await first;
  breaker.trying();
  expect([stateOf(breaker), breaker.attempts]).toEqual(['half_open', 1]);
  const second = breaker.rest(10);
  expect(breaker.attempts).toBe(2);
  await second;
  breaker.trying();
  breaker.succeeded();
  expect([stateOf(breaker), breaker.attempts, breaker.nextAttemptAt]).toEqual(['closed', 0, null]);
});

test('a rest takes half of its time at least and all of it at most', () => {
  for (let i = 0; i < 100; i++) {
    const breaker = new Breaker();
    const before = Date.now();
    void breaker.rest(FOR_EVER_MS);
    const { nextAttemptAt } = breaker;
    breaker.tryNow();
    expect(nextAttemptAt).toBeGreaterThanOrEqual(before + FOR_EVER_MS / 2);
    expect(nextAttemptAt).toBeLessThanOrEqual(Date.now() + FOR_EVER_MS);
  }
});

test('who rests tries at once when it is said to be there again', async () => {
  const breaker = new Breaker();
  breaker.trying();
  const rested = breaker.rest(FOR_EVER_MS);
  breaker.tryNow();
  await rested;
});

test('an attempt that began before it was there is followed by another one at once, and by a rest where that fails too', async () => {
  const breaker = new Breaker();
  breaker.trying();
  breaker.tryNow();
  await breaker.rest(FOR_EVER_MS);
  breaker.trying();
  void breaker.rest(FOR_EVER_MS);
  expect(stateOf(breaker)).toBe('open');
  breaker.tryNow();
});
