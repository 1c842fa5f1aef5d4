/** Texts with `{column}` in them, and the columns that they name. */

import { suggestion } from '../../platform/config/mistake.js';
import { ConfigError } from '../../platform/errors.js';

/** Fields of one line, in the order of the file's columns. */
export type Line = readonly string[];
export type Template = (line: Line) => string;

/**
 * @param at where the template stands in the mapping file, for the message
 * @throws ConfigError where it names a column that the file does not have
 */
export function compileTemplate(text: string, columns: readonly string[], at: string): Template {
  const parts = text.split(/\{([^{}]*)\}/);
  const first = parts[0] ?? '';
  // Odd places are names of columns.
  const pieces = parts.map((part, place) => (place % 2 === 1 ? columnIndex(part, columns, at) : part));
  if (pieces.length === 1) return () => first;
  return (line) => {
    let made = '';
    for (const piece of pieces) made += typeof piece === 'number' ? (line[piece] ?? '') : piece;
    return made;
  };
}

/** @throws ConfigError where the file has no such column */
export function columnIndex(name: string, columns: readonly string[], at: string): number {
  const index = columns.indexOf(name);
  if (index < 0) throw new ConfigError(`${at}: the file has no column "${name}"; ${suggestion(name, columns)}`);
  return index;
}
