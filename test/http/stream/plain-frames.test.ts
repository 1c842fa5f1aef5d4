/** Frames of plain postings are done at one go: nobody can tell, whatever becomes of their requests. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FATES, type Fate, leg, type Sent, Side, type Step } from './side.js';

const usual = fc.constantFrom<object>(
  {},
  {},
  {},
  { to: 'POST /v1/transactions' },
  { body: { legs: [leg], pending: true } },
);
const oddities = fc.constantFrom<object>(
  { key: '' },
  { key: '"quoted"' },
  { key: 'k'.repeat(256) },
  { token: 'c1.x' },
  { to: 'GET /v1/accounts' },
  { to: 'GET /v1/nothing' },
  { to: 'POST /v1/transactions?a=1' },
  { body: { legs: [leg], metadata: { a: 1 } } },
  { body: { legs: [leg, leg] } },
  { body: { legs: [{ ...leg, amount: 0 }] } },
  { body: 1.5 },
);
const sent = (odd: fc.Arbitrary<object>): fc.Arbitrary<Sent> =>
  fc.record({
    key: fc.constantFrom('k0', 'k1', 'k2', 'k3'),
    odd,
    fate: fc.oneof({ weight: 3, arbitrary: fc.constant<Fate>('posted') }, fc.constantFrom(...FATES)),
  });
const send = (odd: fc.Arbitrary<object>, numbersGrow: boolean): fc.Arbitrary<Step> =>
  fc.array(sent(odd), { minLength: 1, maxLength: 8 }).map((requests) => ({ do: 'send', requests, numbersGrow }));
const events = ['revoke', 'distrust keys', 'lose the shard', 'find the shard', 'drain', 'close'] as const;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: send(usual, true) },
    { weight: 2, arbitrary: send(fc.oneof(usual, oddities), true) },
    { weight: 1, arbitrary: send(usual, false) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('answer' as const), count: fc.nat(12), from: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...events) }) },
  ),
  { minLength: 1, maxLength: 12 },
);

const turn = async (): Promise<void> => {
  for (let turns = 0; turns < 4; turns++) await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(10);
  await new Promise((resolve) => setImmediate(resolve));
};

// What is measured and waited for is not what is compared.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** All that can be seen of a front from outside and from beside it. */
const seen = ({ sent, ended, engine, admitted, counters, handler, errors, session, waiting }: Side) => ({
  sent,
  ended,
  posts: engine.posts,
  admitted,
  statuses: [...counters.byStatus()],
  errors,
  inFlight: handler.inFlight,
  credits: session.credits,
  waiting,
});

it('whatever is sent, and whatever becomes of it, frames that are done at one go are answered like all others', async () => {
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom(6, 40, 1000), async (given, inFlightMax) => {
      const sides = [new Side(true, inFlightMax), new Side(false, inFlightMax)] as const;
      for (const step of given) {
        for (const side of sides) side.step(step);
        await turn();
        expect(seen(sides[0])).toEqual(seen(sides[1]));
      }
      for (const side of sides) side.answerAll();
      await turn();
      expect(seen(sides[0])).toEqual(seen(sides[1]));
      expect(sides[0].handler.inFlight).toBe(0);
      for (const side of sides) side.close();
      plain += sides[0].plain;
    }),
    { numRuns: 300 },
  );
  expect(plain, 'enough of them were').toBeGreaterThan(150);
});
