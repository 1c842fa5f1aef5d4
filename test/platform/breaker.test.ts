/** What an operator sees of attempts to reach something that is away. */
import { expect, test } from 'vitest';
import { Breaker, breakerState } from '../../src/platform/breaker.js';

const stateOf = ({ attempts, nextAttemptAt }: Breaker) => breakerState(attempts, nextAttemptAt);

test('it is closed until an attempt fails, open until the next one, half open during it, closed after its success', () => {
  const breaker = new Breaker();
  breaker.trying();
  expect([stateOf(breaker), breaker.attempts]).toEqual(['closed', 0]);
  breaker.failed(1_000);
  expect([stateOf(breaker), breaker.attempts]).toEqual(['open', 1]);
  expect((breaker.nextAttemptAt ?? 0) - Date.now()).toBeGreaterThan(500);
  breaker.trying();
  expect([stateOf(breaker), breaker.attempts]).toEqual(['half_open', 1]);
  breaker.failed(1_000);
  expect(breaker.attempts).toBe(2);
  breaker.succeeded();
  expect([stateOf(breaker), breaker.attempts, breaker.nextAttemptAt]).toEqual(['closed', 0, null]);
});
