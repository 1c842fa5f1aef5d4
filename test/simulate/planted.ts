/**
 * Faults that a run is asked to have. The engine's own code knows nothing of them; what stands in for the database, the
 * network and the folds asks here whether to misbehave beyond what they may.
 */
let present: ReadonlySet<string> = new Set();

/** For this thread, from now on. */
export function plant(names: readonly string[]): void {
  present = new Set(names);
}

export const planted = (name: string): boolean => present.size > 0 && present.has(name);
