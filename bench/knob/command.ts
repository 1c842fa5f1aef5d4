/** `npm run bench -- knob`: the measured effect of a setting. */
import { writeFileSync } from 'node:fs';
import { wholeOf } from '../arguments.js';
import type { Command } from '../command.js';
import type { Shape } from '../rounds.js';
import { isSound } from '../suite/books.js';
import { BATCH, SINGLE } from '../suite/driven.js';
import { runKnob } from './run.js';
import type { KnobResults } from './schema.js';
import { knobText } from './text.js';
import { variantOf } from './variant.js';

interface Values {
  readonly shape?: string | undefined;
  readonly connections?: string | undefined;
  readonly rounds?: string | undefined;
  readonly duration?: string | undefined;
  readonly json?: string | undefined;
}

const SHAPES: Readonly<Record<KnobResults['shape'], Shape>> = { single: SINGLE, batches: BATCH };
const ROUNDS = 5;
const DURATION_S = 5;
/** Beside the load: folds that catch up before a round; the start of an engine, and its books. */
const ROUND_MORE_MS = 60_000;
const ENGINE_MORE_MS = 1_200_000;

/** @throws Error that says what is wrong with the arguments */
export function knobCommand(texts: readonly string[], values: Values): Command {
  if (texts.length === 0) throw new Error('knob takes NAME=VALUE[,NAME=VALUE]…');
  const variants = texts.map(variantOf);
  const shape = shapeOf(values.shape ?? 'single');
  const connections = wholeOf('--connections', values.connections) ?? SHAPES[shape].connections;
  const rounds = wholeOf('--rounds', values.rounds) ?? ROUNDS;
  const durationS = wholeOf('--duration', values.duration) ?? DURATION_S;
  return {
    maxMs: (variants.length + 1) * (ENGINE_MORE_MS + (rounds + 1) * (durationS * 1000 + ROUND_MORE_MS)),
    run: async () => {
      const results = await runKnob({ variants, shape, load: { ...SHAPES[shape], connections }, rounds, durationS });
      process.stdout.write(`\n${knobText(results)}\n`);
      if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
      return [results.defaults, ...results.variants].every(({ settlement }) => isSound(settlement)) ? 0 : 1;
    },
  };
}

function shapeOf(text: string): KnobResults['shape'] {
  if (text === 'single' || text === 'batches') return text;
  throw new Error(`--shape takes single or batches; it has "${text}"`);
}
