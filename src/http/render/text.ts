/** Pieces of JSON text. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Texts up to this length are walked; beyond it the native way is quicker. */
const SHORT = 64;

/** A string as JSON text. Short plain ASCII, which nearly all are, is put between quotes as it is. */
export function quote(text: string): string {
  if (text.length > SHORT) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c > 0x7e || c === QUOTE || c === BACKSLASH) return JSON.stringify(text);
  }
  return `"${text}"`;
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** An amount as JSON text: a number up to ±(2^53−1), a string of digits beyond. */
export function amountText(amount: number | bigint): string {
  if (typeof amount === 'number' || (amount <= SAFE && amount >= -SAFE)) return String(amount);
  return `"${amount}"`;
}

/**
 * One amount by currency: the amount alone where there is one currency, else an object by currency in the order in which
 * they came.
 */
export function sumsText(sums: ReadonlyMap<string, bigint>): string {
  if (sums.size === 1) for (const amount of sums.values()) return amountText(amount);
  const members: string[] = [];
  for (const [currency, amount] of sums) members.push(`${quote(currency)}:${amountText(amount)}`);
  return `{${members.join(',')}}`;
}
