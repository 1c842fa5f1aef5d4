/** Reads the values of options, or tells the command line which is a mistake and what would be right. */
import { InvalidArgumentError } from 'commander';

/** For counts. Nothing is cut off: `1o` is no 1, and removing all backups but one is not what was meant. */
export const wholeWithin =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be an integer from ${min} to ${max}.`);
  };

export function engineUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be one such as http://127.0.0.1:8080.');
}
