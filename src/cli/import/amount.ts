/** Decimal texts to minor units, exactly. */

const MAX = 2n ** 63n - 1n;

export interface AmountFormat {
  readonly decimalMark: string;
  readonly groupMark: string | null;
}

/**
 * "1234.50" with 2 decimals is 123450n; the sign is kept.
 * @throws RangeError with the reason where the text is no such number, has more decimals than the currency, or is too large
 */
export function minorUnits(text: string, decimals: number, format: AmountFormat): bigint {
  const trimmed = text.trim();
  const digits = format.groupMark === null ? trimmed : trimmed.replaceAll(format.groupMark, '');
  const [whole = '', part = '', ...more] = digits.split(format.decimalMark);
  if (more.length > 0 || !/^[+-]?[0-9]+$/.test(whole) || !/^[0-9]*$/.test(part)) {
    throw new RangeError(`amount "${text}" is not a number`);
  }
  const kept = part.slice(0, decimals).padEnd(decimals, '0');
  if (/[1-9]/.test(part.slice(decimals))) {
    throw new RangeError(`amount "${text}" has more than ${decimals} decimals`);
  }
  const amount = BigInt(whole.replace('+', '') + kept);
  if (amount > MAX || amount < -MAX) throw new RangeError(`amount "${text}" is beyond 2^63-1 minor units`);
  return amount;
}
