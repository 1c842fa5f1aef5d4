/**
 * Faults that a run is asked to have. The engine's own code knows nothing of them; what stands in for the database, the
 * network and the folds asks here whether to misbehave beyond what they may.
 */
export const PLANTABLE = ['fence_left_out', 'fold_skips_one', 'raise_without_owner'] as const;
export type Plantable = (typeof PLANTABLE)[number];

export const isPlantable = (name: string): name is Plantable => PLANTABLE.some((known) => known === name);

let present: ReadonlySet<Plantable> = new Set();

/** For this thread, from now on. */
export function plant(names: readonly Plantable[]): void {
  present = new Set(names);
}

export const planted = (name: Plantable): boolean => present.size > 0 && present.has(name);
