/** Figures for operators. Runs after the suites that share the engine: it counts answers. */
import { describe, expect, it } from 'vitest';
import { leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

export function metricsPromises(world: World): void {
  describe('metrics', () => {
    it('count every answer, and name every shard but no merchant', async () => {
      const m = await world.merchant();
      const before = await figures(m.url);
      const posts = 5;
      for (let post = 0; post < posts; post++) {
        await m.post('/v1/transactions', { legs: [leg('external/metrics', 'seen-by-nobody', 5)], open_accounts: true });
      }
      await m.get('/v1/accounts/nobody-here');
      const after = await figures(m.url);
      const grown = (name: string): number => (after.values.get(name) ?? 0) - (before.values.get(name) ?? 0);
      expect(grown('millrace_http_answers_total{status="201"}')).toBe(posts);
      expect(grown('millrace_http_answers_total{status="404"}')).toBe(1);
      expect(grown('millrace_http_answers_total{status="200"}')).toBe(1);
      const { shards } = (await m.get('/readyz')).body as { shards: { name: string }[] };
      expect(shards.length).toBeGreaterThan(0);
      for (const { name } of shards) {
        expect(after.values.get(`millrace_shard_ready{shard="${name}"}`)).toBe(1);
        expect(after.values.get(`millrace_shard_keys_max{shard="${name}"}`)).toBeGreaterThan(0);
      }
      expect(after.values.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
      expect(after.text).not.toContain('seen-by-nobody');
    });

    it('are in the format that scrapers ask for', async () => {
      const m = await world.merchant();
      const response = await fetch(`${m.url}/metrics`, {
        headers: {
          Accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1',
        },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      for (const line of (await response.text()).trimEnd().split('\n')) {
        expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"\})? -?[\d.e+-]+|)$/);
      }
    });
  });
}

async function figures(url: string): Promise<{ text: string; values: ReadonlyMap<string, number> }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const values = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  return { text, values };
}
