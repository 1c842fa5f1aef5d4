import type { AccountSettings, NormalBalance } from '../../ledger/command.js';
import type { BodyValue } from '../types.js';
import type { Fields } from './fields.js';

/** What an account may be opened with; `others` are fields of the same object that the caller reads. */
export function readSettings(fields: Fields, others: readonly string[]): AccountSettings {
  const settings: { -readonly [K in keyof AccountSettings]: AccountSettings[K] } = {};
  for (const [key, value] of fields.members) {
    if (key === 'normal_balance') {
      const side = readSide(fields, value);
      if (side !== undefined) settings.normal_balance = side;
    } else if (key === 'min_balance' || key === 'max_balance') {
      const limit = fields.limit(key, value);
      if (limit !== undefined) settings[key] = limit;
    } else if (key === 'metadata') {
      const metadata = fields.metadata(value);
      if (metadata !== undefined) settings.metadata = metadata;
    } else if (!others.includes(key)) fields.unknown(key);
  }
  checkLimits(fields, settings.min_balance, settings.max_balance);
  return settings;
}

function readSide(fields: Fields, value: BodyValue): NormalBalance | undefined {
  if (value === 'credit' || value === 'debit') return value;
  return fields.invalid('normal_balance', '"normal_balance" is "credit" or "debit".');
}

/** Only where both are named: whether one of them fits what an account has is the ledger's to say. */
export function checkLimits(fields: Fields, min: bigint | null | undefined, max: bigint | null | undefined): void {
  if (typeof min !== 'bigint' || typeof max !== 'bigint' || min <= max) return;
  fields.invalid('max_balance', '"max_balance" is not below "min_balance".');
}
