import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SimulatedCommand } from '../history.js';
import { judge } from './judge.js';
import { type Step, step } from './support/commands.js';
import { Direct } from './support/direct.js';

const SECOND = 1_000_000;

/** Actions name a transaction that is there, mostly. */
function aimed(command: SimulatedCommand, head: number): SimulatedCommand {
  return 'parent' in command ? { ...command, parent: 1 + (command.parent % (head + 2)) } : command;
}

function play(direct: Direct, steps: readonly Step[]): void {
  for (const one of steps) {
    if (one.do === 'commit') direct.commit();
    else if (one.do === 'expire') direct.expire(one.max);
    else if (one.do === 'evict') direct.evict();
    else if (one.do === 'wait') direct.now += one.seconds * SECOND;
    else ask(direct, one);
  }
}

function ask(direct: Direct, { book, key, dry, what }: Extract<Step, { do: 'ask' }>): void {
  const command = aimed(what, direct.head);
  const reads = command.type === 'read_account' || command.type === 'read_head';
  if (dry && 'dryRun' in command) direct.ask({ book, key: null, command: { ...command, dryRun: true } });
  else direct.ask({ book, key: reads ? null : `key-${key}`, command });
}

const steps = fc.array(step, { minLength: 20, maxLength: 120 });

describe('the state machine and the model, each written on its own', () => {
  test('agree on every outcome, answer, read and balance of random commands', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const direct = new Direct();
        play(direct, all);
        expect(judge(direct.history())).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('agree on a dry run that names nobody while a hold on its other account has lapsed', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const direct = new Direct();
        play(direct, all);
        expect(judge(direct.history())).toEqual([]);
      }),
      { numRuns: 100, seed: -1982884201 },
    );
  });

  test('agree where there is room for few accounts, holds and keys, and keys are soon forgotten', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const direct = new Direct({
          accountsMax: 5,
          openHoldsMax: 3,
          keysMax: 24,
          keysGuaranteed: 4,
          keyWindow: 5 * SECOND,
          backdatingMax: 10 * SECOND,
        });
        play(direct, all);
        expect(judge(direct.history())).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
