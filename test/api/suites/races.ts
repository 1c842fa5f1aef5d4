/** Many at once: no sum ever passes its bound, and each outcome is counted exactly. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';
import { leg } from '../support/merchant.js';
import type { World } from '../support/world.js';

const times = (count: number, send: (index: number) => Promise<ApiAnswer>): Promise<ApiAnswer[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => admitted(() => send(i))));

/** A slow machine lets in fewer of one merchant at a time: who is refused at the door has done nothing, and comes again. */
async function admitted(send: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  for (;;) {
    const answer = await send();
    if (!['too_many_requests', 'overloaded'].includes(answer.body.code)) return answer;
    await delay(Number(answer.headers.get('retry-after')) * 1000);
  }
}

export function racePromises(world: World): void {
  describe('a race', () => {
    it('of 32 captures never captures more than is held', async () => {
      const m = await world.merchant();
      const { id } = await m.hold([leg('external/x', 'shop', 100)]);
      const answers = await times(32, () => m.act(id, 'capture', { amount: 9 }));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(11);
      const codes = answers.filter(({ status }) => status !== 201).map(({ body }) => body.code);
      expect(codes).toEqual(new Array(21).fill('amount_exceeds_remaining'));
      expect(await m.body(`/v1/transactions/${id}`)).toMatchObject({
        status: 'partially_captured',
        captured: 99,
        remaining: 1,
      });
      expect(await m.posted('shop')).toBe(99);
    });

    it('of 32 whole captures, voids and reversals lets exactly one capture or void win', async () => {
      const m = await world.merchant();
      const { id } = await m.hold([leg('external/x', 'shop', 100)]);
      const answers = await times(32, (i) => m.act(id, i % 2 === 0 ? 'capture' : 'void'));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      const { captured, released } = await m.body(`/v1/transactions/${id}`);
      expect([
        [100, 0],
        [0, 100],
      ]).toContainEqual([captured, released]);
      expect(await m.posted('shop')).toBe(captured);
    });

    it('of 32 reversals never reverses more than was posted', async () => {
      const m = await world.merchant();
      const { id } = (await m.transfer('external/x', 'shop', 100)).body;
      const answers = await times(32, () => m.act(id, 'reverse', { amount: 7 }));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(14);
      expect((await m.body(`/v1/transactions/${id}`)).reversed).toBe(98);
      expect(await m.posted('shop')).toBe(2);
    });

    it('of 64 writers on one account never passes its limit', async () => {
      const m = await world.merchant();
      await m.fund('hot', 1000);
      const answers = await times(64, (i) => m.transfer('hot', `sink/${i}`, 30));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(33);
      for (const { status, body } of answers) if (status !== 201) expect(body.code).toBe('insufficient_funds');
      expect(await m.balances('hot')).toEqual({ posted: 10, pending_in: 0, pending_out: 0, available: 10 });
      // Each refusal is remembered too: the sequence counts them all, each once.
      expect(new Set(answers.map(({ body }) => body.sequence)).size).toBe(64);
    });

    it('for a condition on a version has one winner', async () => {
      const m = await world.merchant();
      await m.fund('a', 1000);
      const answers = await times(24, () => m.transfer('a', 'b', 1, { if: { a: { version: 1 } } }));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(await m.posted('b')).toBe(1);
    });

    it('to open one account opens it once', async () => {
      const m = await world.merchant();
      const answers = await times(24, () => m.transfer('external/x', 'new', 1));
      expect(answers.map(({ status }) => status)).toEqual(new Array(24).fill(201));
      expect(answers.map(({ body }) => body.sequence).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 24 }, (_, i) => i + 3),
      );
      expect(await m.account('new')).toMatchObject({ version: 24, balances: { posted: 24 } });
    });
  });
}
