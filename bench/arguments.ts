/** Values of the bench's options, read strictly. */

/** @throws Error that names the option */
export function wholeOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} takes integers from 1; it has "${text}"`);
  return value;
}

/** @throws Error that names the option */
export function numberOf(name: string, text: string | undefined, least: number, most: number): number | null {
  if (text === undefined) return null;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`${name} takes numbers from ${least} to ${most}; it has "${text}"`);
}
