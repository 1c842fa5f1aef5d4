/** `npm run simulate -- --faults`: plants every fault in turn and prints within how many runs each was found. */
import { type FindOptions, find, type Trial } from './find.js';
import { FAULTS, SOUND } from './list/index.js';

export interface FaultsOptions extends Partial<FindOptions> {
  /** Only faults whose names hold this text. */
  readonly only?: string;
  readonly print?: (line: string) => void;
}

const SEEDS = 1_000;
/** What finds everything has found nothing: first the same runs without a fault. */
const SOUND_SEEDS = 20;
const PATIENCE_MS = 120_000;

/** @returns whether every fault was found */
export async function runFaults(options: FaultsOptions = {}): Promise<boolean> {
  const { only = '', print = (line: string) => process.stdout.write(`${line}\n`) } = options;
  const { firstSeed = 1, seeds = SEEDS, patienceMs = PATIENCE_MS } = options;
  const wanted = FAULTS.filter(({ name }) => name.includes(only));
  if (wanted.length === 0) {
    print(`no fault is called "${only}"`);
    return false;
  }
  const sound = await find(SOUND, { firstSeed, seeds: Math.min(seeds, SOUND_SEEDS), patienceMs });
  if (sound !== null) {
    print(`without any fault, seed ${sound.seed} is complained about: ${sound.rule}: ${sound.said}`);
    return false;
  }
  let missed = 0;
  print('| fault | what it breaks | runs until found | by rule |');
  print('| --- | --- | --- | --- |');
  for (const fault of wanted) {
    const found = await tried(() => find(fault, { firstSeed, seeds, patienceMs }), print);
    if (found === null || found === 'broken') missed++;
    print(`| ${fault.name} | ${fault.breaks} | ${told(found, seeds)} |`);
  }
  print(missed === 0 ? '\nall found' : `\nnot found: ${missed}`);
  return missed === 0;
}

async function tried(trial: () => Promise<Trial>, print: (line: string) => void): Promise<Trial | 'broken'> {
  try {
    return await trial();
  } catch (error) {
    print((error as Error).message);
    return 'broken';
  }
}

function told(found: Trial | 'broken', seeds: number): string {
  if (found === 'broken') return '**trial failed** | ';
  return found === null ? `**not within ${seeds}** | ` : `${found.seeds} | ${found.rule}`;
}
