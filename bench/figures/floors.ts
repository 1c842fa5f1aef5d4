/** What a run must not fall below: ratios, since a slow machine is slow for both sides of one. */
import { readFileSync } from 'node:fs';
import Type from 'typebox';
import { Value } from 'typebox/value';
import type { Results } from './schema.js';

const ratio = Type.Number({ exclusiveMinimum: 0 });
const FloorsSchema = Type.Object(
  {
    'single.ratioToFront by wrk': ratio,
    'single.ratioToFront by autocannon': ratio,
    'batch.ratioToCopy': ratio,
    'ordinary.ratio': ratio,
  },
  { additionalProperties: false },
);

export type Floors = Type.Static<typeof FloorsSchema>;
type FloorName = keyof Floors;

/** @throws Error that names the file */
export function readFloors(file: string): Floors {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (Value.Check(FloorsSchema, value)) return value;
  const [first] = Value.Errors(FloorsSchema, value);
  throw new Error(`${file} holds no floors: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
}

/** Those that were measured. */
export function reachedOf({ singleByDriver, batch, ordinary }: Results): ReadonlyMap<FloorName, number> {
  const reached = new Map<FloorName, number>();
  for (const driver of ['wrk', 'autocannon'] as const) {
    const single = singleByDriver[driver];
    if (single !== undefined) reached.set(`single.ratioToFront by ${driver}`, single.ratioToFront);
  }
  if (batch !== null) reached.set('batch.ratioToCopy', batch.ratioToCopy);
  if (ordinary !== null) reached.set('ordinary.ratio', ordinary.ratio);
  return reached;
}

/** The better of two runs, figure by figure: a loss that is real shows in both. */
export function bestOf(runs: readonly ReadonlyMap<FloorName, number>[]): ReadonlyMap<FloorName, number> {
  const best = new Map<FloorName, number>();
  for (const run of runs) for (const [name, value] of run) best.set(name, Math.max(value, best.get(name) ?? 0));
  return best;
}

/** Names of those that were measured and are below their floor. */
export function below(floors: Floors, reached: ReadonlyMap<FloorName, number>): FloorName[] {
  return [...reached].filter(([name, value]) => value < floors[name]).map(([name]) => name);
}

/** A line for each. */
export function floorsText(floors: Floors, reached: ReadonlyMap<FloorName, number>): string {
  const lines = [...reached].map(
    ([name, value]) => `${name}: ${value}, floor ${floors[name]}${value < floors[name] ? ', BELOW' : ''}`,
  );
  return `${lines.join('\n')}\n`;
}
