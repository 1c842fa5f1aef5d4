/**
 * What all postings of one program have in common: their fields, their order, the space between. Learnt from one that
 * was read field by field, it is the text between the values of the next: that text is compared eight bytes at a time,
 * and only the values are looked at byte by byte. Whatever does not match is read field by field again.
 */
import { OVERRUN } from '../../engine/wire/ascii-copy.js';
import { Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import { DESCRIPTION_LENGTH_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';
import { KEY_LENGTH_MAX } from '../parse/headers.js';
import { NAME_LENGTH_MAX } from '../parse/name.js';
import { integerEnd, integerOf, nameEnd, stringEnd } from './scan.js';

const TWO_32 = 2 ** 32;
const TEXT_BYTES_MAX = 512;
/** Values that a posting may have, but for `expires_in`: its lifetime is not learnt. */
const VALUES_MAX = 7;
/** Where their starts stand, and their bounds: lengths of texts. The amount has bounds of its own. */
const VALUES: readonly (readonly [place: number, lengthMin: number, lengthMax: number])[] = [
  [Plain.keyStart, 1, KEY_LENGTH_MAX],
  [Plain.referenceStart, 1, REFERENCE_LENGTH_MAX],
  [Plain.descriptionStart, 0, DESCRIPTION_LENGTH_MAX],
  [Plain.debitStart, 1, NAME_LENGTH_MAX],
  [Plain.creditStart, 1, NAME_LENGTH_MAX],
  [Plain.amountStart, 1, TEXT_BYTES_MAX],
  [Plain.currencyStart, 0, TEXT_BYTES_MAX],
];

export class PostingShape {
  /** The text between values, one piece behind the other. */
  readonly #text = new DataView(new ArrayBuffer(TEXT_BYTES_MAX + OVERRUN));
  /** Length of the piece before each value, and of the last. */
  readonly #pieces = new Int32Array(VALUES_MAX + 1);
  readonly #places = new Int32Array(VALUES_MAX);
  readonly #lengthMin = new Int32Array(VALUES_MAX);
  readonly #lengthMax = new Int32Array(VALUES_MAX);
  /** −1: nothing was learnt. */
  #values = -1;
  #flags = 0;
  #asAnswered = false;

  /** Learns from the posting of a row, which stands from `start` to `end`. */
  learn(posts: PlainPosts, row: number, start: number, end: number): void {
    const { fields, view } = posts;
    const field = (place: number): number => fields[row + place] ?? 0;
    this.#values = -1;
    if (field(Plain.expiresIn) !== 0) return;
    const values = VALUES.filter(([place]) => field(place) > 0).sort(([a], [b]) => field(a) - field(b));
    let at = start;
    let used = 0;
    const keep = (index: number, until: number): boolean => {
      const length = until - at;
      if (used + length > TEXT_BYTES_MAX) return false;
      for (let i = 0; i < length; i++) this.#text.setUint8(used + i, view.getUint8(at + i));
      this.#pieces[index] = length;
      used += length;
      return true;
    };
    for (const [index, [place, lengthMin, lengthMax]] of values.entries()) {
      if (!keep(index, field(place))) return;
      this.#places[index] = place;
      this.#lengthMin[index] = lengthMin;
      this.#lengthMax[index] = lengthMax;
      at = field(place) + field(place + 1);
    }
    if (!keep(values.length, end)) return;
    this.#flags = field(Plain.flags);
    this.#asAnswered = field(Plain.legLength) !== 0;
    this.#values = values.length;
  }

  /**
   * Reads a posting that stands at `start` into a row, whose numbers say "none" of everything.
   * @returns where it ends; −1 where it has another shape: then the row holds anything
   */
  read(posts: PlainPosts, row: number, start: number): number {
    const { bytes, view, fields } = posts;
    const text = this.#text;
    const pieces = this.#pieces;
    const places = this.#places;
    const values = this.#values;
    if (values < 0) return -1;
    let at = start;
    let used = 0;
    for (let index = 0; ; index++) {
      const length = pieces[index] as number; // one for each value, and the last
      if (!sameAscii(view, at, text, used, length)) return -1;
      at += length;
      used += length;
      if (index === values) break;
      const place = places[index] as number; // below the number of values
      const end = valueEnd(place, bytes, at);
      const valueLength = end - at;
      if (valueLength < (this.#lengthMin[index] as number) || valueLength > (this.#lengthMax[index] as number))
        return -1;
      fields[row + place] = at;
      fields[row + place + 1] = valueLength;
      at = end;
    }
    fields[row + Plain.flags] = this.#flags & (PlainFlag.pending | PlainFlag.openAccounts);
    this.#finishLeg(bytes, fields, row);
    return at;
  }

  #finishLeg(bytes: Uint8Array, fields: Int32Array, row: number): void {
    const amountStart = fields[row + Plain.amountStart] as number;
    const amount = integerOf(bytes, amountStart, amountStart + (fields[row + Plain.amountLength] as number));
    fields[row + Plain.amountLow] = amount;
    fields[row + Plain.amountHigh] = amount / TWO_32;
    if (!this.#asAnswered) return;
    const start = (fields[row + Plain.debitStart] as number) - LEG_BEFORE_DEBIT;
    const currencyEnd = (fields[row + Plain.currencyStart] as number) + (fields[row + Plain.currencyLength] as number);
    fields[row + Plain.legStart] = start;
    fields[row + Plain.legLength] = currencyEnd + LEG_BEHIND_CURRENCY - start;
  }
}

/** `{"debit":"` and `"}`: around the values of a leg that is spelled as in an answer. */
export const LEG_BEFORE_DEBIT = 10;
export const LEG_BEHIND_CURRENCY = 2;

function valueEnd(place: number, bytes: Uint8Array, start: number): number {
  if (place === Plain.debitStart || place === Plain.creditStart) return nameEnd(bytes, start);
  return place === Plain.amountStart ? integerEnd(bytes, start) : stringEnd(bytes, start);
}

/** As float64 eight bytes are compared at once; of ASCII and zeros, only equal ones are equal. */
function sameAscii(a: DataView, startA: number, b: DataView, startB: number, length: number): boolean {
  let i = 0;
  for (; i + 8 <= length; i += 8) if (a.getFloat64(startA + i, true) !== b.getFloat64(startB + i, true)) return false;
  for (; i < length; i++) if (a.getUint8(startA + i) !== b.getUint8(startB + i)) return false;
  return true;
}
