/** Which of the bench's options go with which of its runs: one that would do nothing is a mistake. */

const PLOTS = ['json', 'html'];
const LENGTHS = ['rounds', 'duration'];

const TAKES = {
  'the long run': [...PLOTS, ...LENGTHS, 'floors', 'stream', 'connections', 'rates'],
  '--quick': [...PLOTS, ...LENGTHS, 'quick', 'floors', 'stream'],
  '--workload': [...PLOTS, 'workload', 'quick', 'duration', 'connections', 'rates'],
  '--growth': [...PLOTS, ...LENGTHS, 'growth', 'quick'],
  '--profile': ['profile', 'duration'],
  knob: ['shape', 'connections', 'rounds', 'duration', 'json'],
  soak: ['minutes', 'share', 'connections', 'seed', 'json'],
  report: ['html', 'plots'],
  compare: [],
} as const satisfies Record<string, readonly string[]>;

export type RunName = keyof typeof TAKES;

/** @throws Error that names the first option that does not go with the run */
export function mustGoWith(run: RunName, values: Readonly<Record<string, string | boolean | undefined>>): void {
  const taken: readonly string[] = TAKES[run];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === false || taken.includes(name)) continue;
    const what = taken.length === 0 ? 'no options' : taken.map((option) => `--${option}`).join(', ');
    throw new Error(`--${name} does not go with ${run}, which takes ${what}`);
  }
}
