/** What admission promises, on a shard that is played: commits of a known cost, one after the other, on virtual time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { randomOf } from '../../../bench/load/arrivals.js';
import { AdmissionControl, unitsOf } from '../../../src/http/front/admission.js';
import type { Principal } from '../../../src/http/types.js';

const QUEUE_MS = 250;
const SHARE_MS = 5;
const WARM_MS = 4_000;
const RUN_MS = 4_000;
/** Time goes in these. */
const STEP_MS = 1;

const merchant = (book: number): Principal => ({
  keyId: '',
  merchant: `m${book}`,
  environment: 'test',
  book,
  shard: 0,
  scopes: [],
});

interface Disk {
  /** ms of a commit, and more for each record. */
  readonly commitMs: number;
  readonly recordMs: number;
  readonly recordsMax: number;
}

interface Waited {
  readonly book: number;
  readonly ms: number;
}

interface Queued {
  readonly principal: Principal;
  readonly units: number;
  readonly since: number;
  /** One of the clients that ask again when they are answered. */
  readonly isLoop: boolean;
}

/** A shard that commits what has gathered whenever the commit before it has ended. */
class PlayedShard {
  readonly admission: AdmissionControl;
  readonly #queue: Queued[] = [];
  #inCommit: Queued[] = [];
  #commitEnds = 0;
  readonly served: Waited[] = [];
  readonly refused = { too_many_requests: 0, overloaded: 0 };

  constructor(readonly disk: Disk) {
    this.admission = new AdmissionControl({ queueMs: QUEUE_MS, shareMs: SHARE_MS, commitMs: () => disk.commitMs });
  }

  /** @param rates requests a millisecond, by book */
  run(ms: number, rates: Readonly<Record<number, number>>): void {
    const due = new Map<number, number>();
    for (let step = 0; step < ms; step++) {
      for (const [book, rate] of Object.entries(rates)) {
        let owed = (due.get(Number(book)) ?? 0) + rate;
        for (; owed >= 1; owed--) this.#ask(merchant(Number(book)));
        due.set(Number(book), owed);
      }
      this.#commit();
      vi.advanceTimersByTime(1);
    }
  }

  /** Clients that ask again as soon as they are answered, for the rest of this shard's life. @param units of each request */
  loops(book: number, count: number, units = 1): void {
    for (let loop = 0; loop < count; loop++) this.#ask(merchant(book), units, true);
  }

  #ask(principal: Principal, units = 1, isLoop = false): void {
    const admission = this.admission.judge(principal);
    if (admission !== 'admitted') {
      this.refused[admission]++;
      return;
    }
    this.admission.enter(principal, units);
    this.#queue.push({ principal, units, since: performance.now(), isLoop });
  }

  #commit(): void {
    const now = performance.now();
    if (this.#commitEnds > now) return;
    const ended = this.#inCommit;
    for (const { principal, units, since } of ended) {
      this.admission.leave(principal, units);
      this.served.push({ book: principal.book, ms: now - since });
    }
    for (const { principal, units, isLoop } of ended) if (isLoop) this.#ask(principal, units, true);
    let records = 0;
    let count = 0;
    // A batch is one unit of commit, however long.
    for (const { units } of this.#queue) {
      if (count > 0 && records + units > this.disk.recordsMax) break;
      records += units;
      count++;
    }
    this.#inCommit = this.#queue.splice(0, count);
    if (count > 0) this.#commitEnds = now + this.disk.commitMs + this.disk.recordMs * records;
  }

  /** Takes what was served until now. */
  take(): Waited[] {
    return this.served.splice(0);
  }
}

const p99 = (waited: readonly Waited[], of: (book: number) => boolean = () => true): number => {
  const sorted = waited
    .filter(({ book }) => of(book))
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
};

/** `goodput`: of the capacity, at least. */
const DISKS: readonly (Disk & { readonly name: string; readonly goodput: number })[] = [
  { name: 'a quick disk', goodput: 0.9, commitMs: 2, recordMs: 0.1, recordsMax: 8192 },
  { name: 'a slow disk', goodput: 0.9, commitMs: 10, recordMs: 0.2, recordsMax: 8192 },
  { name: 'small commits', goodput: 0.9, commitMs: 12, recordMs: 0, recordsMax: 128 },
  { name: 'a disk as slow as a queue is long', goodput: 0.75, commitMs: 200, recordMs: 0.2, recordsMax: 8192 },
];

/** Records a millisecond that it commits at most. */
const capacityOf = ({ commitMs, recordMs, recordsMax }: Disk): number =>
  recordsMax / (commitMs + recordMs * recordsMax);

describe('admission', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(DISKS)('bounds waits and loses little of the capacity at three and at ten times of it: $name', (disk) => {
    for (const factor of [3, 10]) {
      const shard = new PlayedShard(disk);
      const rate = (capacityOf(disk) * factor) / 4;
      const all = { 1: rate, 2: rate, 3: rate, 4: rate };
      shard.run(WARM_MS, all);
      shard.take();
      shard.run(RUN_MS, all);
      const waited = shard.take();
      shard.admission.close();
      expect(p99(waited)).toBeLessThan(Math.max(1.3 * QUEUE_MS, 13 * disk.commitMs));
      expect(waited.length / RUN_MS).toBeGreaterThan(disk.goodput * capacityOf(disk));
    }
  });

  it.each(DISKS)(
    'lets one merchant with nine tenths of all the load at most double the wait of others: $name',
    (disk) => {
      const shard = new PlayedShard(disk);
      const other = (capacityOf(disk) * 0.3) / 3;
      const others = { 2: other, 3: other, 4: other };
      shard.run(WARM_MS, others);
      shard.take();
      shard.run(RUN_MS, others);
      const alone = p99(shard.take());
      const flood = { 1: capacityOf(disk) * 2.7, ...others };
      shard.run(WARM_MS, flood);
      shard.take();
      shard.run(RUN_MS, flood);
      const waited = shard.take();
      shard.admission.close();
      expect(p99(waited, (book) => book !== 1)).toBeLessThanOrEqual(2 * (alone + STEP_MS));
      expect(waited.length / RUN_MS).toBeGreaterThan(0.4 * capacityOf(disk));
      expect(shard.refused.too_many_requests).toBeGreaterThan((100 * shard.refused.overloaded) / 10);
    },
  );

  it('refuses nobody who is alone before the queue is full, and forgets those who have gone', () => {
    const shard = new PlayedShard({ commitMs: 12, recordMs: 0, recordsMax: 16 });
    shard.run(WARM_MS, { 1: 1, 2: 0.2 });
    shard.take();
    // The other one has been silent for two rounds then: what is held is no longer a share.
    shard.run(2_500, { 1: 1.2 });
    expect(shard.refused.too_many_requests).toBe(0);
    shard.run(5_000, { 1: 4 });
    shard.admission.close();
    expect(shard.refused.too_many_requests).toBe(0);
    expect(shard.refused.overloaded).toBeGreaterThan(1_000);
  });

  it('never refuses one of several merchants that send alike as one that floods', () => {
    const admission = new AdmissionControl({ queueMs: 1_000_000, shareMs: 5, commitMs: () => 1 });
    const random = randomOf(1);
    // Closed loops: as many requests under way as there are connections, each of whichever merchant.
    for (const [merchants, connections, units] of [
      [2, 256, 1],
      [4, 128, 1],
      [4, 16, 200],
      [50, 500, 1],
    ] as const) {
      const underWay: Principal[] = [];
      const counts = { admitted: 0, too_many_requests: 0, overloaded: 0 };
      for (let asked = 0; asked < 20_000; asked++) {
        const next = merchant(1 + Math.floor(random() * merchants));
        if (underWay.length === connections) {
          const [done] = underWay.splice(Math.floor(random() * connections), 1);
          if (done !== undefined) admission.leave(done, units);
        }
        counts[admission.judge(next)]++;
        admission.enter(next, units);
        underWay.push(next);
        if (asked % 20 === 0) vi.advanceTimersByTime(1);
      }
      for (const principal of underWay) admission.leave(principal, units);
      expect(counts.too_many_requests).toBe(0);
    }
    admission.close();
  });

  it('refuses nothing of a burst, of one merchant beside another, on a shard that had little to do', () => {
    const shard = new PlayedShard({ commitMs: 4, recordMs: 0.05, recordsMax: 8192 });
    shard.run(WARM_MS, { 1: 0.1, 2: 0.1 });
    shard.run(10, { 1: 200, 2: 0.1 });
    shard.run(WARM_MS, { 1: 0.1, 2: 0.1 });
    shard.admission.close();
    expect(shard.refused).toEqual({ too_many_requests: 0, overloaded: 0 });
  });

  it.each(DISKS)(
    'never refuses a client of 256 connections that is alone, nor several who are as many: $name',
    (disk) => {
      for (const books of [[1], [1, 2, 3, 4]]) {
        const shard = new PlayedShard(disk);
        for (const book of books) shard.loops(book, 256 / books.length);
        shard.run(2 * WARM_MS, {});
        shard.admission.close();
        expect(shard.refused).toEqual({ too_many_requests: 0, overloaded: 0 });
      }
    },
  );

  it.each(DISKS)('never refuses 32 connections with batches of 200, alone: $name', (disk) => {
    const shard = new PlayedShard(disk);
    shard.loops(1, 32, 206);
    shard.run(2 * WARM_MS, {});
    shard.admission.close();
    expect(shard.refused).toEqual({ too_many_requests: 0, overloaded: 0 });
  });

  it.each(DISKS)('never refuses a client of 40 connections beside one that asks now and then: $name', (disk) => {
    const shard = new PlayedShard(disk);
    shard.loops(1, 40);
    shard.run(2 * WARM_MS, { 2: 0.02 });
    shard.admission.close();
    expect(shard.refused).toEqual({ too_many_requests: 0, overloaded: 0 });
  });

  it.each(DISKS)('never refuses an import of four batches at a time, nor the clients beside it: $name', (disk) => {
    const shard = new PlayedShard(disk);
    shard.loops(2, 30);
    shard.run(WARM_MS, {});
    shard.loops(1, 4, 8192);
    shard.run(4 * WARM_MS, {});
    shard.admission.close();
    expect(shard.refused).toEqual({ too_many_requests: 0, overloaded: 0 });
    expect(new Set(shard.take().map(({ book }) => book))).toEqual(new Set([1, 2]));
  });

  it('never refuses a small client behind a few of the largest bodies', () => {
    const shard = new PlayedShard({ commitMs: 10, recordMs: 0.01, recordsMax: 8192 });
    shard.loops(1, 3, unitsOf(8 * 1024 * 1024));
    shard.run(2 * WARM_MS, { 2: 0.01 });
    shard.admission.close();
    expect(shard.refused).toEqual({ too_many_requests: 0, overloaded: 0 });
  });

  it('holds a flood to its share from its first moment, where the shard has shown what it can do', () => {
    const disk = { commitMs: 10, recordMs: 0, recordsMax: 32 };
    const shard = new PlayedShard(disk);
    // What it can do is known from a backlog, long ago.
    shard.run(WARM_MS, { 1: 2 * capacityOf(disk) });
    shard.run(2 * WARM_MS, { 1: 0.1, 2: 0.9 });
    shard.take();
    shard.run(500, { 1: 2.7 * capacityOf(disk), 2: 0.9 });
    shard.admission.close();
    const first = shard.take();
    shard.run(500, { 1: 2.7 * capacityOf(disk), 2: 0.9 });
    const longest = (waited: readonly Waited[]): number =>
      Math.max(...waited.flatMap(({ book, ms }) => (book === 2 ? [ms] : [])));
    expect(longest(first)).toBeLessThanOrEqual(9 * disk.commitMs);
    expect(longest(shard.take())).toBeLessThanOrEqual(5 * disk.commitMs);
  });

  it('does not take what the engine had no room for as work that was served', () => {
    const admission = new AdmissionControl({ queueMs: QUEUE_MS, shareMs: SHARE_MS, commitMs: () => 1 });
    const hold = (): number => {
      for (let held = 0; ; held++) {
        if (admission.judge(merchant(1)) !== 'admitted') return held;
        admission.enter(merchant(1), 1);
      }
    };
    admission.enter(merchant(1), 1);
    for (let tick = 0; tick < 100; tick++) {
      // Batches of which no item came to the shard are answered at once.
      for (let batch = 0; batch < 100; batch++) {
        admission.enter(merchant(2), 100);
        admission.leave(merchant(2), 100, 100);
      }
      vi.advanceTimersByTime(50);
    }
    expect(hold()).toBeLessThan(300);
    admission.close();
  });

  it('fills no more than half of what the engine has room for with what one shard has to do', () => {
    const inFlightMax = 8_000;
    const admission = new AdmissionControl({ queueMs: QUEUE_MS, shareMs: SHARE_MS, commitMs: () => 1, inFlightMax });
    const shard = merchant(1);
    // A rate that alone would let in a hundred times as much.
    for (let tick = 0; tick < 100; tick++) {
      for (let work = 0; work < 100; work++) admission.enter(shard, 1_000);
      vi.advanceTimersByTime(50);
      for (let work = 0; work < 100; work++) admission.leave(shard, 1_000);
      admission.enter(shard, 1);
    }
    let held = 0;
    for (; held < inFlightMax && admission.judge(shard) === 'admitted'; held++) admission.enter(shard, 1);
    expect(held).toBeGreaterThan(inFlightMax / 4);
    expect(held).toBeLessThan(inFlightMax / 2);
    admission.close();
  });

  it('keeps queues of shards apart', () => {
    const admission = new AdmissionControl({ queueMs: 250, shareMs: 5, commitMs: () => 1 });
    const elsewhere = { ...merchant(2), shard: 1 };
    for (let asked = 0; asked < 100_000 && admission.judge(merchant(1)) === 'admitted'; asked++) {
      admission.enter(merchant(1), 1);
    }
    expect(admission.judge(merchant(1))).toBe('overloaded');
    expect(admission.judge(elsewhere)).toBe('admitted');
    admission.enter(elsewhere, 1);
    expect(admission.judge(elsewhere)).toBe('admitted');
    admission.close();
  });

  it('makes streams wait for room, and refuses nobody for what they have under way', () => {
    const admission = new AdmissionControl({ queueMs: QUEUE_MS, shareMs: SHARE_MS, commitMs: () => 1 });
    for (let asked = 0; asked < 1_000; asked++) {
      admission.enter(merchant(1), 1, true);
      admission.enter(merchant(2), 1, true);
    }
    expect(admission.hasRoom(merchant(1)), 'a burst is let in').toBe(true);
    // Nothing is answered: a backlog, on a shard that has shown nothing.
    vi.advanceTimersByTime(500);
    expect(admission.hasRoom(merchant(1))).toBe(false);
    for (let asked = 0; asked < 200; asked++) {
      expect(admission.judge(merchant(3)), `after ${asked}`).toBe('admitted');
      admission.enter(merchant(3), 1);
    }
    for (let asked = 0; asked < 1_000; asked++) {
      admission.leave(merchant(1), 1, 0, true);
      admission.leave(merchant(2), 1, 0, true);
    }
    for (let asked = 0; asked < 200; asked++) admission.leave(merchant(3), 1);
    expect(admission.hasRoom(merchant(1))).toBe(true);
    admission.close();
  });

  it('sleeps when there is nothing to measure', () => {
    const shard = new PlayedShard({ commitMs: 1, recordMs: 0, recordsMax: 16 });
    shard.run(100, { 1: 1 });
    expect(vi.getTimerCount()).toBe(1);
    shard.run(5_000, {});
    expect(vi.getTimerCount()).toBe(0);
    shard.run(100, { 1: 1 });
    expect(vi.getTimerCount()).toBe(1);
    shard.admission.close();
  });

  it('counts a batch as the work that its length stands for', () => {
    expect([0, 100, 26_000].map(unitsOf)).toEqual([1, 1, 204]);
  });
});
