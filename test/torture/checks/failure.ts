/** What a check says when something is not as it was promised. */
export class Broken extends Error {}

/** @throws Broken */
export function must(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Broken(what());
}
