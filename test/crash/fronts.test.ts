/** Fronts that throw, again and again, under load. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { INSPECTABLE, throwInThread } from './support/inspector.js';
import { Journal } from './support/load.js';
import { millrace, until } from './support/processes.js';

const ROUNDS = 30;

let engine: RunningEngine;
beforeAll(async () => {
  engine = await startEngine({ env: { ...INSPECTABLE, MILLRACE_HTTP__THREADS: '2' } });
});
afterAll(() => engine.dispose());

const ended = (): number => engine.log().match(/front \d ended; started again/g)?.length ?? 0;
const inFlight = async (): Promise<number> => {
  const metrics = await (await fetch(`${engine.url}/metrics`)).text();
  return [...metrics.matchAll(/^millrace_front_in_flight\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
};

test('a front that throws 30 times is started again each time, ends what was under way there, and loses no answer', async () => {
  const pid = await engine.enginePid();
  let unheard = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const journal = new Journal(engine.url, engine.key, `round-${round}`).start();
    await journal.posted(20);
    await throwInThread(pid, engine.log, /http\/front\/thread/);
    await until('the front was started again', () => ended() > round);
    await journal.posted(20);
    // Every request has an answer or the end of its connection, or this would wait for ever.
    await journal.stop();
    unheard += journal.count(({ answer }) => answer === null);
    await journal.prove();
  }
  expect(ended()).toBe(ROUNDS);
  // Some were under way on the thread that threw.
  expect(unheard).toBeGreaterThan(0);
  expect(await engine.enginePid(), `only the threads were started again:\n${engine.log()}`).toBe(pid);
  await until('no front holds a request that nobody waits for', async () => (await inFlight()) === 0);
  const verified = await millrace(['verify'], { MILLRACE_DATA_DIR: engine.dataDir });
  expect(verified.out).toContain('all true');
}, 900_000);
