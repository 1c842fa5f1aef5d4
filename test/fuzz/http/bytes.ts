/** Faults for bytes: of a body that is announced with its true length afterwards, or of a whole request as it is. */
import type { Random } from '../support/random.js';

/** Where parsers decide: ends of lines and values, brackets, signs, controls, bytes that UTF-8 does not have. */
const DECIDING = [...'\0\t\n\r "#%,-./0:;=?[\\]{}\x7f\x80\xbf\xc0\xed\xff'];

/** Latin1 in, latin1 out. */
export function mutateBytes(text: string, random: Random): string {
  const changes = random.pick([1, 1, 1, 2, 3, 8]);
  let changed = text;
  for (let change = 0; change < changes && changed.length > 0; change++) changed = mutateOnce(changed, random);
  return changed;
}

function mutateOnce(text: string, random: Random): string {
  const at = random.below(text.length);
  const length = Math.min(1 + random.below(random.pick([2, 16, 200])), text.length - at);
  const byte = random.chance(0.7) ? random.pick(DECIDING) : String.fromCharCode(random.below(256));
  return random.weighted([
    [4, () => text.slice(0, at) + byte + text.slice(at + 1)],
    [3, () => text.slice(0, at) + byte + text.slice(at)],
    [3, () => text.slice(0, at) + text.slice(at + length)],
    [1, () => text.slice(0, at)],
    [2, () => text.slice(0, at) + text.slice(at, at + length) + text.slice(at)],
    [
      1,
      () => text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))) + text.slice(at + 1),
    ],
    [1, () => moved(text, at, length, random)],
  ]);
}

function moved(text: string, at: number, length: number, random: Random): string {
  const rest = text.slice(0, at) + text.slice(at + length);
  const to = random.below(rest.length + 1);
  return rest.slice(0, to) + text.slice(at, at + length) + rest.slice(to);
}
