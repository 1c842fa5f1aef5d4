/** What is wrong with an account's name, or null. */
export function accountNameFault(_name: string): string | null {
  throw new Error('not built yet');
}

/** An account's name from a path segment as it was sent (percent-encoded). @throws RequestProblem `unknown_account` */
export function parseAccountSegment(_segment: string): string {
  throw new Error('not built yet');
}
