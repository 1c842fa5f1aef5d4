import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DivergenceError } from '../../../src/engine/shard/recover.js';
import { RecordKind } from '../../../src/ledger/record.js';
import { SealBrokenError, StoreUnavailableError } from '../../../src/store/errors.js';
import { World } from './support/world.js';

const unavailable = (code: string) => ({ type: 'unavailable', code, retryAfterSeconds: 1 });
const posted = (amount: bigint) => ({ type: 'account', account: { creditsPosted: amount } });

describe('an answer', () => {
  it('is not given before its records are committed, whether it wrote them or only saw them', async () => {
    const world = await World.started();
    const requests = [
      world.post('a', 'wallet', 5),
      world.balance(),
      world.post('a', 'wallet', 5),
      world.post(null, 'wallet', 7),
    ];
    const commit = await world.store.begun();
    const later = world.balance();
    await world.settled();
    for (const request of [...requests, later]) expect(world.answers.has(request)).toBe(false);
    commit.end('committed');
    const [write, read, duplicate, dry] = await Promise.all(requests.map((request) => world.answer(request)));
    expect(write).toMatchObject({ type: 'recorded', code: null });
    expect(read).toMatchObject(posted(105n));
    expect(duplicate).toMatchObject({ type: 'replay', position: world.store.log.length });
    expect(dry).toMatchObject({ type: 'answered', code: null });
    expect(await world.answer(later)).toMatchObject(posted(105n));
  });

  it('of a read waits for the next batch only where the next batch has begun', async () => {
    const world = await World.started();
    world.post('a', 'wallet', 5);
    const first = await world.store.begun();
    const early = world.balance();
    world.post('b', 'wallet', 5);
    const late = world.balance();
    first.end('committed');
    expect(await world.answer(early)).toMatchObject(posted(105n));
    const second = await world.store.begun();
    await world.settled();
    expect(world.answers.has(late)).toBe(false);
    second.end('committed');
    expect(await world.answer(late)).toMatchObject(posted(110n));
  });
});

describe('a batch that the database refuses', () => {
  it('is undone with all that was applied on top of it, and its clients are told that nothing happened', async () => {
    const world = await World.started();
    const requests = [world.post('a', 'wallet', 5), world.post('a', 'wallet', 5), world.balance()];
    const commit = await world.store.begun();
    requests.push(world.post('b', 'wallet', 5), world.balance());
    world.store.easy = true;
    commit.end('failed');
    for (const request of requests) expect(await world.answer(request)).toEqual(unavailable('shard_unavailable'));
    await world.until(() => world.states.at(-1) === 'ready');
    expect(await world.answer(world.balance())).toMatchObject(posted(100n));
    expect(await world.answer(world.post('a', 'wallet', 5)), 'the key is new again').toMatchObject({
      type: 'recorded',
      code: null,
    });
    expect(await world.answer(world.balance())).toMatchObject(posted(105n));
  });
});

describe('a database that refuses one batch after the other', () => {
  it('is asked ever later, and shown as away meanwhile, until it takes one', async () => {
    const world = await World.started();
    const rests: number[] = [];
    vi.spyOn(world.breaker, 'rest').mockImplementation(async (waitMs) => {
      expect(world.states.at(-1), 'who asks meanwhile is refused at once').toBe('resolving');
      rests.push(waitMs);
    });
    let nth = 0;
    const refuse = async (): Promise<void> => {
      const request = world.post(`n${nth++}`, 'wallet', 5);
      const commit = await world.store.begun();
      commit.end('failed');
      expect(await world.answer(request)).toEqual(unavailable('shard_unavailable'));
      await world.until(() => world.states.at(-1) === 'ready');
    };
    await refuse();
    expect(rests, 'one refusal is no reason to rest').toEqual([]);
    await refuse();
    await refuse();
    expect(rests).toEqual([50, 100]);
    const taken = world.post('taken', 'wallet', 5);
    (await world.store.begun()).end('committed');
    expect(await world.answer(taken)).toMatchObject({ type: 'recorded', code: null });
    await refuse();
    expect(rests).toHaveLength(2);
  });
});

describe('a shard that has to be loaded anew', () => {
  it.each([new SealBrokenError('position 5: by the test'), new DivergenceError('by the test')])(
    'stops where $code is found, and says so',
    async (fault) => {
      const world = await World.started();
      const request = world.post('a', 'wallet', 5);
      const commit = await world.store.begun();
      world.store.broken = fault;
      commit.end('failed');
      await world.until(() => world.states.at(-1) === 'stopped');
      expect(world.error).toBe(fault);
      expect(await world.answer(request)).toEqual(unavailable('shard_unavailable'));
      world.store.broken = null;
      for (const later of [world.balance(), world.post('b', 'wallet', 5)]) {
        expect(await world.answer(later)).toEqual(unavailable('shard_unavailable'));
      }
      expect(world.states.at(-1), 'and does not come back by itself').toBe('stopped');
      expect(world.shard.status()).toMatchObject({ state: 'stopped', attempts: 0 });
    },
  );

  it('says that log and state do not fit where a record cannot be folded', async () => {
    const world = await World.started();
    world.post('a', 'wallet', 5);
    const commit = await world.store.begun();
    const [first] = world.store.log;
    if (first !== undefined) first.position += 7;
    commit.end('failed');
    await world.until(() => world.states.at(-1) === 'stopped');
    expect(world.error).toMatchObject({ code: 'MR_DIVERGENCE', message: expect.stringContaining('millrace verify') });
  });

  it('is tried again while its database is away', async () => {
    const world = await World.started();
    world.post('a', 'wallet', 5);
    const commit = await world.store.begun();
    world.store.broken = new StoreUnavailableError('by the test');
    commit.end('failed');
    await vi.waitUntil(() => world.shard.status().attempts > 0 || world.states.at(-1) === 'stopped');
    world.store.broken = null;
    world.store.easy = true;
    await world.until(() => world.states.at(-1) === 'ready');
  });
});

describe('a commit whose outcome is not known', () => {
  for (const isThere of [true, false]) {
    it(`is settled by the log: ${isThere ? 'it is there' : 'it is not there, and is written again'}; a retry is a replay`, async () => {
      const world = await World.started();
      const { epoch } = world.store;
      const requests = [world.post('a', 'wallet', 5), world.balance()];
      const commit = await world.store.begun();
      requests.push(world.post('b', 'wallet', 5));
      world.store.easy = true;
      commit.end('ambiguous', isThere);
      for (const request of requests) expect(await world.answer(request)).toEqual(unavailable('outcome_unknown'));
      await world.until(() => world.states.at(-1) === 'ready');
      expect(world.store.epoch).toBeGreaterThan(epoch);
      expect(await world.answer(world.post('a', 'wallet', 5))).toMatchObject({ type: 'replay' });
      expect(await world.answer(world.post('b', 'wallet', 5))).toMatchObject({ type: 'replay' });
      expect(await world.answer(world.balance())).toMatchObject(posted(110n));
      const positions = world.store.log.map(({ position }) => position);
      expect(positions).toEqual(positions.map((_, index) => index + 1));
    });
  }

  it('lets nothing in until it is settled', async () => {
    const world = await World.started();
    world.post('a', 'wallet', 5);
    const commit = await world.store.begun();
    commit.end('ambiguous', false);
    const again = await world.store.begun();
    expect(world.states.at(-1)).toBe('resolving');
    expect(await world.answer(world.post('b', 'wallet', 5))).toEqual(unavailable('shard_unavailable'));
    expect(await world.answer(world.balance())).toEqual(unavailable('shard_unavailable'));
    again.end('committed');
    await world.until(() => world.states.at(-1) === 'ready');
  });
});

describe('a batch that was never sent, since the database is away', () => {
  it('is kept and written later; memory is not loaded anew, and a retry is a replay', async () => {
    const world = await World.started();
    const loaded = vi.spyOn(world.store, 'folded');
    const requests = [world.post('a', 'wallet', 5)];
    const commit = await world.store.begun();
    requests.push(world.post('b', 'wallet', 5));
    world.store.easy = true;
    commit.end('unsent');
    for (const request of requests) expect(await world.answer(request)).toEqual(unavailable('outcome_unknown'));
    await world.until(() => world.states.at(-1) === 'ready');
    expect(await world.answer(world.post('a', 'wallet', 5))).toMatchObject({ type: 'replay' });
    expect(await world.answer(world.post('b', 'wallet', 5))).toMatchObject({ type: 'replay' });
    expect(await world.answer(world.balance())).toMatchObject(posted(110n));
    expect(loaded).not.toHaveBeenCalled();
    expect(world.shard.status()).toMatchObject({ failed: 1, ambiguous: 0 });
  });

  it('is tried ever later while the fence can be raised and the batch still not be sent', async () => {
    const world = await World.started();
    const rests: number[] = [];
    vi.spyOn(world.breaker, 'rest').mockImplementation(async (waitMs) => {
      rests.push(waitMs);
    });
    world.post('a', 'wallet', 5);
    for (let attempt = 0; attempt < 4; attempt++) (await world.store.begun()).end('unsent');
    const last = await world.store.begun();
    expect(world.states.at(-1)).toBe('resolving');
    world.store.easy = true;
    last.end('committed');
    await world.until(() => world.states.at(-1) === 'ready');
    expect(rests).toEqual([50, 100, 200]);
  });

  it('goes where the database then refuses it, and what was applied on top of it: memory is what the log says', async () => {
    const world = await World.started();
    world.post('a', 'wallet', 5);
    const commit = await world.store.begun();
    world.post('b', 'wallet', 5);
    commit.end('unsent');
    const again = await world.store.begun();
    world.store.easy = true;
    again.end('failed');
    await world.until(() => world.states.at(-1) === 'ready');
    expect(await world.answer(world.balance())).toMatchObject(posted(100n));
    for (const key of ['a', 'b']) {
      expect(await world.answer(world.post(key, 'wallet', 5)), 'the key is new').toMatchObject({ type: 'recorded' });
    }
    expect(await world.answer(world.balance())).toMatchObject(posted(110n));
  });

  it('goes with its owner where another one has the fence', async () => {
    const world = await World.started();
    const request = world.post('a', 'wallet', 5);
    (await world.store.begun()).end('unsent');
    expect(await world.answer(request)).toEqual(unavailable('outcome_unknown'));
    (await world.store.begun()).end('fenced');
    await world.until(() => world.states.at(-1) === 'stopped');
  });
});

describe('a commit that stands still', () => {
  it('keeps those waiting who are in it, and refuses the others at once, until it ends', async () => {
    const world = await World.started();
    const inside = world.post('a', 'wallet', 5);
    const commit = await world.store.begun();
    await world.until(() => world.states.at(-1) === 'stalled');
    expect(await world.answer(world.post('b', 'wallet', 5))).toEqual(unavailable('shard_unavailable'));
    expect(await world.answer(world.balance())).toEqual(unavailable('shard_unavailable'));
    expect(world.answers.has(inside)).toBe(false);
    world.store.easy = true;
    commit.end('committed');
    expect(await world.answer(inside)).toMatchObject({ type: 'recorded', code: null });
    expect(world.states.at(-1)).toBe('ready');
    expect(await world.answer(world.post('b', 'wallet', 5)), 'the key is new').toMatchObject({ type: 'recorded' });
    expect(await world.answer(world.balance())).toMatchObject(posted(110n));
  });

  it('is settled like any other when its outcome stays unknown', async () => {
    const world = await World.started();
    const inside = world.post('a', 'wallet', 5);
    const commit = await world.store.begun();
    await world.until(() => world.states.at(-1) === 'stalled');
    world.store.easy = true;
    commit.end('ambiguous', true);
    expect(await world.answer(inside)).toEqual(unavailable('outcome_unknown'));
    await world.until(() => world.states.at(-1) === 'ready');
    expect(await world.answer(world.post('a', 'wallet', 5))).toMatchObject({ type: 'replay' });
  });
});

it('an owner whose fence is lost stops for good, and what it had taken is refused', async () => {
  const world = await World.started();
  const request = world.post('a', 'wallet', 5);
  (await world.store.begun()).end('fenced');
  expect(await world.answer(request)).toEqual(unavailable('shard_unavailable'));
  await world.until(() => world.states.at(-1) === 'stopped');
  expect(await world.answer(world.balance())).toEqual(unavailable('shard_unavailable'));
});

describe('a command that waits for something to be loaded', () => {
  it('keeps the order of its book; its own key again is key_in_flight', async () => {
    const world = await World.started();
    world.store.easy = true;
    const position = world.store.log.length;
    const reversal = world.reverse(position, 'undo');
    await world.settled();
    expect(world.store.loads).toHaveLength(1);
    const behind = world.balance();
    const twice = world.reverse(position, 'undo');
    expect(await world.answer(twice)).toEqual(unavailable('key_in_flight'));
    expect(world.answers.has(behind)).toBe(false);
    world.store.loads[0]?.release();
    expect(await world.answer(reversal)).toMatchObject({ type: 'recorded', code: null });
    expect(await world.answer(behind)).toMatchObject({ type: 'account', account: { debitsPosted: 100n } });
  });
});

it('a transaction that was loaded for a dry run does not stay in memory, though no commit follows', async () => {
  const world = await World.started();
  world.store.easy = true;
  const posted = world.store.log.length;
  for (const loads of [1, 2]) {
    const tried = world.reverse(posted, null);
    await world.settled();
    expect(world.store.loads).toHaveLength(loads);
    world.store.loads.at(-1)?.release();
    expect(await world.answer(tried)).toMatchObject({ code: null });
  }
});

it('actions on a transaction and on its action, loaded together, see all that became of both', async () => {
  const world = await World.started();
  world.store.easy = true;
  const posted = world.store.log.length;
  const undone = world.reverse(posted, 'undo');
  await world.settled();
  world.store.loads[0]?.release();
  const reversal = (await world.answer(undone)) as { readonly position: number };
  await world.settled();
  const again = world.reverse(posted, 'undo again');
  const ofReversal = world.reverse(reversal.position, 'undo the undoing');
  await world.settled();
  expect(new Set(world.store.loads.at(-1)?.positions)).toEqual(new Set([posted, reversal.position]));
  world.store.loads.at(-1)?.release();
  expect(await world.answer(again)).toMatchObject({ type: 'recorded', code: 'nothing_to_reverse' });
  await world.settled();
  world.store.loads.at(-1)?.release();
  expect(await world.answer(ofReversal)).toMatchObject({ type: 'recorded', code: 'not_actionable' });
});

it('an action is answered with its own record, also where a hold on its accounts has just lapsed', async () => {
  const world = await World.started();
  world.store.easy = true;
  const held = (await world.answer(world.post('held', 'wallet', 5, 'external/card', 0))) as {
    readonly position: number;
  };
  const lapses = await world.answer(world.post('lapses', 'wallet', 7, 'external/card', 3_000));
  const { expiresAt } = lapses as { readonly expiresAt: number };
  // No timer gets its turn meanwhile: it is the capture that finds the other hold lapsed.
  while (Date.now() * 1000 <= expiresAt + 2_000);
  const captured = await world.answer(world.reverse(held.position, 'capture', 'capture'));
  expect(world.store.log.at(-2)).toMatchObject({ kind: RecordKind.expiry });
  expect(captured).toMatchObject({ code: null, records: [{ kind: RecordKind.capture, parent: held.position }] });
});

it('a clock that has jumped is shown, writes are refused, and what lapsed is written when it is back, without a command', async () => {
  const world = await World.started();
  world.store.easy = true;
  const lapses = await world.answer(world.post('lapses', 'wallet', 7, 'external/card', 3_000));
  const { expiresAt } = lapses as { readonly expiresAt: number };
  world.clockOff = 60e6;
  expect(world.shard.status().clockAgrees).toBe(false);
  expect(await world.answer(world.post('now', 'wallet', 1))).toEqual(unavailable('clock_disagrees'));
  while (Date.now() * 1000 <= expiresAt + 2_000);
  expect(world.store.log.at(-1)).not.toMatchObject({ kind: RecordKind.expiry });
  world.clockOff = 0;
  expect(world.shard.status().clockAgrees).toBe(true);
  await vi.waitFor(() => expect(world.store.log.at(-1)).toMatchObject({ kind: RecordKind.expiry }), 5_000);
});

it('where very many holds have lapsed at once, they are written in bounded batches, and commands wait for them', async () => {
  const holds = 6_000;
  const world = await World.started({ parkedMax: holds });
  world.store.easy = true;
  const asks = Array.from({ length: holds }, (_, n) => world.post(`h${n}`, 'wallet', 1, 'external/card', 1_000_000));
  const lapses = await world.answer(asks.at(-1) ?? 0);
  await world.settled();
  const { expiresAt } = lapses as { readonly expiresAt: number };
  world.store.sizes.length = 0;
  while (Date.now() * 1000 <= expiresAt + 2_000);
  const asked = world.balance();
  const posted = world.post('after', 'wallet', 1);
  expect(await world.answer(asked)).toMatchObject({ type: 'account', account: { creditsPending: 0n } });
  expect(await world.answer(posted)).toMatchObject({ type: 'recorded', code: null });
  expect(world.store.log.filter(({ kind }) => kind === RecordKind.expiry)).toHaveLength(holds);
  expect(Math.max(...world.store.sizes)).toBeLessThan(5_000);
});

it('a shard that was drained writes nothing more, whatever lapses', async () => {
  const world = await World.started();
  world.store.easy = true;
  const lapses = await world.answer(world.post('lapses', 'wallet', 7, 'external/card', 3_000));
  const { expiresAt } = lapses as { readonly expiresAt: number };
  await world.shard.drain();
  const { length } = world.store.log;
  while (Date.now() * 1000 <= expiresAt + 2_000);
  world.shard.turnEnded();
  await world.settled();
  expect(world.store.log).toHaveLength(length);
});

describe('the bounds', () => {
  it('a full batch makes later commands wait in order, and a full queue is refused as overloaded', async () => {
    const world = await World.started({ batchRecordsMax: 2, parkedMax: 2 });
    world.post('a', 'wallet', 1);
    const first = await world.store.begun();
    // Two records gather, two commands wait, one is too many. The accounts are there, so a posting is one record.
    const taken = ['b', 'c', 'd', 'e'].map((key) => world.post(key, 'wallet', 1));
    expect(await world.answer(world.post('f', 'wallet', 1))).toEqual(unavailable('overloaded'));
    world.store.easy = true;
    first.end('committed');
    const sequences = (await Promise.all(taken.map((request) => world.answer(request)))).map((answer) =>
      answer.type === 'recorded' ? answer.sequence : 0,
    );
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(sequences).not.toContain(0);
  });

  describe('of the lag of the folds', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    /** Its folds are far behind and have been seen to be; a commit of fifty records has just been answered. */
    async function behind(): Promise<World> {
      const world = await World.started({ foldLagMax: 1 });
      world.store.easy = true;
      world.store.foldedTo = 0;
      await vi.advanceTimersByTimeAsync(500);
      const many = Array.from({ length: 51 }, (_, index) => world.post(`many-${index}`, 'wallet', 1));
      // The first is a commit of its own, and the others wait a millisecond for its sake.
      await vi.advanceTimersByTimeAsync(1);
      for (const request of many) expect(await world.answer(request)).toMatchObject({ type: 'recorded' });
      return world;
    }

    it('the next commit rests, answers and reads do not; when the folds have followed, nothing rests', async () => {
      const world = await behind();
      expect(await world.answer(world.balance())).toMatchObject(posted(151n));
      const rested = world.post('rested', 'wallet', 1);
      expect(world.shard.isBusy).toBe(false);
      await vi.advanceTimersByTimeAsync(49);
      await world.settled();
      expect(world.answers.has(rested)).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(await world.answer(rested)).toMatchObject({ type: 'recorded' });
      expect(world.shard.status().foldRestMs).toBe(50);
      expect(world.shard.status().foldRestedMs).toBeGreaterThanOrEqual(50);
      world.store.foldedTo = world.store.log.length + 10;
      await vi.advanceTimersByTimeAsync(500);
      for (const key of ['c', 'd', 'e']) {
        expect(await world.answer(world.post(key, 'wallet', 1))).toMatchObject({ type: 'recorded' });
      }
    });

    it('a drain does not rest', async () => {
      const world = await behind();
      const rested = world.post('rested', 'wallet', 1);
      await world.shard.drain();
      expect(await world.answer(rested)).toMatchObject({ type: 'recorded' });
    });
  });

  it('a drain finishes what was taken and takes nothing more', async () => {
    const world = await World.started({ batchRecordsMax: 1 });
    const taken = [world.post('a', 'wallet', 1), world.post('b', 'wallet', 1), world.post('c', 'wallet', 1)];
    const drained = world.shard.drain();
    for (let commits = 0; commits < 3; commits++) (await world.store.begun()).end('committed');
    await drained;
    for (const request of taken) expect(await world.answer(request)).toMatchObject({ type: 'recorded', code: null });
    expect(await world.answer(world.post('d', 'wallet', 1))).toEqual(unavailable('draining'));
  });
});
