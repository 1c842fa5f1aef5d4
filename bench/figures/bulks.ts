/** Measurements of many transactions at a time, as tables and plots call them. */
import type { BatchFigures, Results, SingleFigures } from './schema.js';

export interface Bulk {
  readonly name: string;
  readonly figures: BatchFigures;
}

export function bulksOf({ batch, stream }: Pick<Results, 'batch' | 'stream'>): Bulk[] {
  return [
    ...(batch === null ? [] : [{ name: `batches of ${batch.transactions}, ${batch.driver}`, figures: batch }]),
    ...(stream === null ? [] : [{ name: `stream, frames of ${stream.transactions}`, figures: stream }]),
  ];
}

export interface Driven {
  readonly name: string;
  readonly figures: SingleFigures | BatchFigures;
}

/** Everything that drivers have loaded the engine with, singles first. */
export const drivenOf = (results: Results): Driven[] => [
  ...Object.values(results.singleByDriver).map((figures) => ({ name: `single, ${figures.driver}`, figures })),
  ...bulksOf(results),
];
