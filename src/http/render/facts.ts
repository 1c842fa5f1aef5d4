/**
 * Facts of a refusal. The log keeps 64-bit amounts as strings of digits, sums by currency as objects of them; answers
 * show amounts as everywhere: numbers up to 2^53−1, strings beyond.
 */
import { amountText, quote } from './text.js';
import { parentStateText } from './transaction.js';

/** Facts that hold an amount. Other strings stay as they are: an account may be called "42". */
const AMOUNT_FACTS: ReadonlySet<string> = new Set([
  'amount',
  'available',
  'posted',
  'pending_in',
  'pending_out',
  'min_balance',
  'max_balance',
  'captured',
  'remaining',
  'released',
  'reversed',
  'reversible',
  'balance',
  'held',
  'limit',
  'requested',
]);

/** A fact as JSON text. */
export function factText(name: string, value: unknown): string {
  if (typeof value === 'string') {
    return AMOUNT_FACTS.has(name) && /^-?[0-9]{1,20}$/.test(value) ? amountText(BigInt(value)) : quote(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => factText(name, item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const state = 'captured' in value ? parentStateText(value) : null;
  if (state !== null) return state;
  const members = Object.entries(value).map(
    // Inside sums by currency the members are amounts too.
    ([key, member]) => `${quote(key)}:${factText(AMOUNT_FACTS.has(name) ? name : key, member)}`,
  );
  return `{${members.join(',')}}`;
}
