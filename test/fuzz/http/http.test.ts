/** HTTP under fire: both fronts, each before a real engine. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settings } from '../support/settings.js';
import { type Access, accessRows, askWithout } from './access.js';
import { fuzzRequests } from './campaign.js';
import { Engines } from './engines.js';
import { attack, HOSTILE } from './hostile.js';
import { CASES, type Case, reported } from './report.js';
import { replayed } from './shrink.js';

const { requests, seed, untilMs } = settings();
const FOREVER = 2 ** 31 - 1;

describe(`with seed ${seed}`, () => {
  const engines = new Engines();
  beforeAll(() => engines.start());
  afterAll(() => engines.stop());

  it(
    'requests made from the schemas get what the documents say, alike from both fronts, and refusals change nothing',
    async () => {
      const run = fuzzRequests(engines, { seed, requests, until: performance.now() + untilMs });
      const sent = await reported(engines, seed, run);
      await engines.mustBeWhole();
      const counts = Object.fromEntries([...engines.counts].sort(([, a], [, b]) => b - a));
      console.log(`seed ${seed}: ${sent} requests to each engine`, JSON.stringify(counts));
      // What was made fits the API well enough to reach the ledger, and badly enough to be refused everywhere.
      expect(engines.counts.get('201')).toBeGreaterThan(sent / 20);
      expect(engines.counts.size).toBeGreaterThan(15);
    },
    FOREVER,
  );

  it.each(readdirSync(CASES).filter((name) => name.endsWith('.json')))(
    'what once went wrong goes right: %s',
    async (name) => {
      const { requests } = JSON.parse(readFileSync(join(CASES, name), 'utf8')) as Case;
      expect((await replayed(engines, requests))?.message).toBeUndefined();
    },
  );

  it('no request that hides in another is ever dispatched, and each that could be two is refused or cut within 12 s', async () => {
    for (const pair of await engines.strangers()) {
      const said = await Promise.all(
        pair.sides.map(async ({ connection, identity }) => {
          const answers = HOSTILE.map((hostile) => attack(connection.port, hostile, identity.key));
          return Promise.all(answers);
        }),
      );
      HOSTILE.forEach(({ name, statuses }, index) => {
        for (const answers of said) {
          const [status, ...more] = (answers[index] ?? '').split(' ').filter((text) => text !== '');
          // At most one answer, and that a refusal.
          expect(more, name).toEqual([]);
          if (status !== undefined) expect(statuses, name).toContain(Number(status));
        }
      });
      // Neither the outer nor the hidden posting has left a record.
      await pair.probe();
      for (const side of pair.sides) {
        for (const account of ['smuggled', 'outer']) {
          const seen = await side.send(
            `GET /v1/accounts/${account} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer @KEY@\r\n\r\n`,
          );
          expect(seen.code, account).toBe('unknown_account');
        }
      }
      break;
    }
    await engines.mustBeWhole();
  }, 60_000);

  describe('every route by every method', () => {
    it.each(['missing', 'malformed', 'unknown', 'revoked'] satisfies Access[])(
      'with a key that is %s says so, and nothing else',
      async (access) => {
        for (const engine of engines.engines) {
          for (const row of accessRows())
            expect(await askWithout(engine, access, row), `${row.method} ${row.path}`).toBe(row.refusal);
        }
      },
    );

    it('to another merchant’s transaction answers as to one that there never was, whatever else is wrong', async () => {
      const [pair] = await engines.strangers();
      const answers = async (slot: 'f' | 'u') => {
        const said: string[] = [];
        for (const row of accessRows(slot).filter(({ path }) => path.includes('/txn_'))) {
          for (const { status, body } of await pair.ask(row.request)) {
            const { request_id: _, ...rest } = body ?? {};
            said.push(`${row.method} ${row.path.replace(/txn_\S{26}/, '')} ${status} ${JSON.stringify(rest)}`);
          }
        }
        return said;
      };
      const foreign = await answers('f');
      expect(foreign).toEqual(await answers('u'));
      expect(foreign.filter((text) => text.includes('unknown_transaction')).length).toBeGreaterThan(20);
    });
  });
});
