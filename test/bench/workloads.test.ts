import { describe, expect, it } from 'vitest';
import { randomOf } from '../../bench/load/arrivals.js';
import { pairOf, uniform, Zipf } from '../../bench/workloads/draw.js';
import { requestWorkload, WORKLOADS, workloadNamed } from '../../bench/workloads/registry.js';
import type { RequestWorkload } from '../../bench/workloads/workload.js';

const RUN = '0a1b2c';

const sourceOf = (workload: RequestWorkload, merchants = 8) =>
  workload.source({
    host: '127.0.0.1:8080',
    keys: Array.from({ length: Math.min(merchants, workload.merchants) }, (_, index) => `mr_test_${index}`),
    random: randomOf(workload.seed),
    run: RUN,
  });
const first = (workload: RequestWorkload, count: number): string[] => {
  const source = sourceOf(workload);
  return Array.from({ length: count }, () => source.next().text);
};
const sent = WORKLOADS.filter((workload): workload is RequestWorkload => workload.kind === 'requests');

describe('Zipf', () => {
  it('gives rank r about 1 / r of what the first one gets', () => {
    const zipf = new Zipf(10_000, 1, randomOf(1));
    const drawn = new Map<number, number>();
    for (let count = 0; count < 400_000; count++) {
      const rank = zipf.next();
      drawn.set(rank, (drawn.get(rank) ?? 0) + 1);
    }
    const most = drawn.get(0) ?? 0;
    // The first of 10,000 gets one in H(10,000) = 9.79.
    expect(most / 400_000).toBeCloseTo(1 / 9.788, 2);
    for (const rank of [1, 3, 9]) expect((drawn.get(rank) ?? 0) / most).toBeCloseTo(1 / (rank + 1), 1);
    expect(Math.max(...drawn.keys())).toBeLessThan(10_000);
  });

  it('reaches its last rank, and no further', () => {
    expect(new Zipf(3, 1, () => 1 - 2 ** -53).next()).toBe(2);
    expect(new Zipf(3, 1, () => 0).next()).toBe(0);
    expect(new Zipf(1, 1, () => 0.5).next()).toBe(0);
  });
});

describe('drawing', () => {
  it('is uniform over all, and a pair is never one account twice', () => {
    const random = randomOf(2);
    const drawn = new Set(Array.from({ length: 1000 }, () => uniform(random, 10)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (let count = 0; count < 100; count++) {
      const [one, other] = pairOf(() => uniform(random, 2));
      expect(one).not.toBe(other);
    }
  });
});

describe('workloads', () => {
  it('have names and seeds of their own', () => {
    expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length);
    expect(new Set(WORKLOADS.map(({ seed }) => seed)).size).toBe(WORKLOADS.length);
  });

  it('that do not exist are refused with the names of those that do', () => {
    expect(() => workloadNamed('nothing')).toThrow(/hot-account, zipf-merchants/);
    expect(() => requestWorkload('import')).toThrow(/not sent by a generator/);
  });

  it.each(sent)('$name sends the same again for the same seed', (workload) => {
    expect(first(workload, 5)).toEqual(first(workload, 5));
  });

  it.each(sent)('$name announces the length of each body', (workload) => {
    for (const text of first(workload, 5)) {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      expect(Number(/Content-Length: (\d+)/.exec(head)?.[1] ?? 0)).toBe(Buffer.byteLength(body));
    }
  });

  it('hot-account touches one account', () => {
    const credited = first(requestWorkload('hot-account'), 50).map((text) => /"credit":"([^"]+)"/.exec(text)?.[1]);
    expect(new Set(credited)).toEqual(new Set(['bench/000001']));
  });

  it('pending-capture captures what was held, once it is answered', () => {
    const source = sourceOf(requestWorkload('pending-capture'));
    const hold = source.next();
    expect(hold.text).toContain('"pending":true');
    expect(source.next().text).toContain('"pending":true');
    expect(hold.posted('{"id":"txn_abc","status":"pending"}')).toBe(1);
    expect(source.next().text).toMatch(/^POST \/v1\/transactions\/txn_abc\/capture /);
  });

  it('four-legs has four legs', () => {
    const [text = ''] = first(requestWorkload('four-legs'), 1);
    expect(text.split('"debit"').length - 1).toBe(4);
  });

  it('replays sends 5 % again, byte by byte', () => {
    const texts = first(requestWorkload('replays'), 20_000);
    const share = 1 - new Set(texts).size / texts.length;
    expect(share).toBeGreaterThan(0.035);
    expect(share).toBeLessThan(0.055);
  });

  it('refusals expects 1 % to be refused', () => {
    const source = sourceOf(requestWorkload('refusals'));
    const refused = Array.from({ length: 20_000 }, () => source.next()).filter(({ refusal }) => refusal === 422);
    expect(refused.length / 20_000).toBeCloseTo(0.01, 2);
    expect(refused[0]?.text).toContain('"debit":"bench/empty"');
  });

  it('reads posts and reads in turn', () => {
    const methods = first(requestWorkload('reads'), 4).map((text) => text.slice(0, text.indexOf(' ')));
    expect(methods).toEqual(['GET', 'POST', 'GET', 'POST']);
  });

  it.each([10, 200, 8192])('batches of %i have as many items, each with a key of its own', (items) => {
    const workload = requestWorkload(`batches-${items}`);
    const [text = ''] = first(workload, 1);
    const body = JSON.parse(text.split('\r\n\r\n')[1] ?? '') as { transactions: { idempotency_key: string }[] };
    expect(new Set(body.transactions.map((item) => item.idempotency_key)).size).toBe(items);
    expect(sourceOf(workload).next().posted('"status":201,"status":422,"status":201')).toBe(2);
  });
});
