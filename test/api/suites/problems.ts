/** Last: which codes of the table the suites before have seen, and what they left behind. */
import { expect, it } from 'vitest';
import type { World } from '../support/world.js';

/** Codes that a client of a healthy engine cannot provoke, and where they are tested instead. */
const NOT_FROM_OUTSIDE: Readonly<Record<string, string>> = {
  too_many_requests: 'a flood beside others: test/http/front, test/overload',
  headers_too_large: 'where the native server refuses by itself, the answer is its own; test/http/server',
  request_timeout: 'a connection that is cut without a word is as good an answer; test/http/server',
  overloaded: 'needs an engine that is full',
  shard_unavailable: 'needs a shard that is down',
  draining: 'needs an engine that is stopping',
  keys_unavailable: 'needs a control database that has been away for long',
  archived: 'needs a log of which a part was detached; test/backup',
  restored: 'needs a ledger that was restored',
  read_behind: 'needs a fold that is far behind',
  key_in_flight: 'needs a command that is parked or a shard that is resolving',
  key_window_full: 'needs as many keys as the engine can remember',
  accounts_full: 'needs as many accounts as the engine can hold',
  holds_full: 'needs as many holds as the engine can hold',
  clock_disagrees: 'needs a clock that jumps',
  outcome_unknown: 'needs a commit whose answer is lost',
  internal_error: 'needs a fault of ours',
};

export function problemPromises(world: World): void {
  it('every problem of the table that can be provoked from outside was provoked', () => {
    const { rows, seen } = world.problems;
    const codes = rows.map(({ code }) => code);
    expect(codes.filter((code) => !seen.has(code) && NOT_FROM_OUTSIDE[code] === undefined)).toEqual([]);
    expect(Object.keys(NOT_FROM_OUTSIDE).filter((code) => !codes.includes(code))).toEqual([]);
    expect(seen).not.toContain('internal_error');
  });

  it('the ledger that is left behind is true, from SQL alone', async () => {
    const { code, said } = await world.verify();
    expect(code, said).toBe(0);
  });

  it('the engine had no fault of its own to report', () => {
    expect(world.engine.log()).not.toMatch(/ (error|fatal) /);
  });
}
