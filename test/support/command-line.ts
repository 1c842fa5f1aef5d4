/** What the long commands of this folder have in common: options that are numbers, and a mistake is one line. */
import { Command, InvalidArgumentError } from 'commander';

/** Largest seed that is drawn; larger ones may be given. */
const DRAWN_SEED_MAX = 2 ** 32;

/** @param script as package.json names it, which is how it is started */
export function longCommand(script: string, description: string): Command {
  return new Command(`npm run ${script} --`)
    .description(description)
    .helpOption('--help', 'print this')
    .allowExcessArguments(false)
    .showHelpAfterError('(--help says what there is)');
}

/** For a number that may have a fraction, above zero: of minutes, say. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('A number above 0 is wanted.');
  return value;
}

const wholeFrom =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`A whole number from ${least} is wanted.`);
    }
    return value;
  };

/** For a seed, or a count that may be nothing. */
export const whole = wholeFrom(0);
/** For as many as there are of something. */
export const count = wholeFrom(1);

export const drawnSeed = (): number => Math.floor(Math.random() * DRAWN_SEED_MAX);
