import { describe, expect, it } from 'vitest';
import { occurrences } from '../../src/cli/bench/autocannon.js';
import { NUMBER_LENGTH } from '../../src/cli/bench/load.js';
import {
  accountBodies,
  accountName,
  batchRequests,
  newRun,
  OUTSIDE_ACCOUNT,
  singleRequests,
} from '../../src/cli/bench/requests.js';

const NUMBER = '0'.repeat(NUMBER_LENGTH);
const workload = { url: 'http://127.0.0.1:8080', keys: ['mr_test_a', 'mr_test_b'], accounts: 50 };

function split(text: string): { head: string; body: string; announced: number } {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { head, body, announced: Number(/Content-Length: (\d+)/.exec(head)?.[1]) };
}

describe('requests of the bench', () => {
  it('announce exactly the length of their bodies, alone and in batches', () => {
    for (const { pieces } of [...singleRequests(workload), ...batchRequests(workload, 20)]) {
      const { body, announced } = split(pieces.join(NUMBER));
      expect(Buffer.byteLength(body)).toBe(announced);
    }
  });

  it('carry the number as the key of a single posting, and in the key of each item of a batch', () => {
    const single = split(singleRequests(workload)[0]?.pieces.join(NUMBER) ?? '');
    expect(single.head).toContain(`Idempotency-Key: ${NUMBER}\r\n`);
    const batch = JSON.parse(split(batchRequests(workload, 3)[0]?.pieces.join(NUMBER) ?? '').body);
    expect(batch.transactions.map((item: { idempotency_key: string }) => item.idempotency_key)).toEqual([
      `${NUMBER}-0000`,
      `${NUMBER}-0001`,
      `${NUMBER}-0002`,
    ]);
  });

  it('spread evenly over the merchants and reach every account', () => {
    const texts = singleRequests(workload).map(({ pieces }) => pieces.join(NUMBER));
    expect(texts.filter((text) => text.includes('mr_test_a')).length).toBe(texts.length / 2);
    const credited = new Set(texts.map((text) => /"credit":"([^"]+)"/.exec(text)?.[1]));
    expect(credited.size).toBe(workload.accounts);
  });

  it('name only accounts that were opened before', () => {
    const opened = accountBodies(50, 20).flatMap((body) =>
      (JSON.parse(body) as { accounts: { name: string }[] }).accounts.map(({ name }) => name),
    );
    expect(opened).toEqual([OUTSIDE_ACCOUNT, ...Array.from({ length: 50 }, (_, index) => accountName(index + 1))]);
  });

  it('begin their keys anew in each run', () => {
    expect(newRun()).not.toBe(newRun());
  });
});

describe('counting words', () => {
  it('counts each once, and nothing for no word', () => {
    expect(occurrences('"status":201 "status":422 "status":201', '"status":201')).toBe(2);
    expect(occurrences('aaaa', 'aa')).toBe(2);
    expect(occurrences('aaaa', '')).toBe(0);
  });
});
