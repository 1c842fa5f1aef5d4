/** What the readers of both content types do with the row of a posting of the hot shape. */
import { Plain, type PlainPosts } from '../../engine/wire/plain-post.js';
import { asciiText } from '../../engine/wire/text.js';
import type { ParseContext } from '../parse/context.js';
import { spells } from './scan.js';

// The currency that was named last: most postings name the one of the posting before.
let lastContext: ParseContext | null = null;
let lastCode = '';
let lastCurrency = 0;

/** A row of which nothing was read. */
export function setNone(fields: Int32Array, row: number): void {
  fields[row + Plain.flags] = 0;
  fields[row + Plain.keyStart] = 0;
  fields[row + Plain.keyLength] = 0;
  fields[row + Plain.referenceStart] = -1;
  fields[row + Plain.referenceLength] = 0;
  fields[row + Plain.descriptionStart] = -1;
  fields[row + Plain.descriptionLength] = 0;
  fields[row + Plain.expiresIn] = 0;
  fields[row + Plain.legLength] = 0;
}

/** Its currency is known and its accounts are two. */
export function legIsOne({ bytes, fields }: PlainPosts, row: number, context: ParseContext): boolean {
  const start = fields[row + Plain.currencyStart] as number; // of a row that was read
  const length = fields[row + Plain.currencyLength] as number;
  if (context !== lastContext || length !== lastCode.length || !spells(bytes, start, lastCode)) {
    const code = asciiText(bytes, start, start + length);
    const currency = context.currency(code);
    if (currency === undefined) return false;
    lastContext = context;
    lastCode = code;
    lastCurrency = currency;
  }
  fields[row + Plain.currency] = lastCurrency;
  const nameLength = fields[row + Plain.debitLength] as number;
  if (nameLength !== fields[row + Plain.creditLength]) return true;
  const debit = fields[row + Plain.debitStart] as number;
  const credit = fields[row + Plain.creditStart] as number;
  for (let i = 0; i < nameLength; i++) if (bytes[debit + i] !== bytes[credit + i]) return true;
  return false;
}
