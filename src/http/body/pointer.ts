/** JSON pointers (RFC 6901). */

/** The pointer to a place: `pointer('legs', 0, 'amount')` is "/legs/0/amount". */
export function pointer(...path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) {
    text += `/${typeof part === 'number' ? part : part.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return text;
}
