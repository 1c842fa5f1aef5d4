/** A promise that the code makes to itself was broken: a bug, never an input. Assertions stay on in production. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`invariant broken: ${message}`);
    this.name = 'InvariantError';
  }
}

/** @throws InvariantError. `message` is a constant text, so that nothing is built where the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
