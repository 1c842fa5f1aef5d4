/** The fields of a posting of the hot shape, as bits: a second one of a kind makes the posting unusual. */
import { spells } from './scan.js';

export const Field = {
  legs: 1,
  openAccounts: 2,
  reference: 4,
  description: 8,
  pending: 16,
  expiresIn: 32,
  key: 64,
} as const;
/** Fields of a body of its own, and of an item of a batch. */
export const ALONE = 63;
export const ITEM = 127;

export const LegField = { debit: 1, credit: 2, amount: 4, currency: 8 } as const;
export const WHOLE_LEG = 15;

/** The bit of a field of a posting, or 0. Its length tells most of them apart, then all bytes are compared. */
export function fieldOf(bytes: Uint8Array, start: number, length: number): number {
  switch (length) {
    case 4:
      return spells(bytes, start, 'legs') ? Field.legs : 0;
    case 7:
      return spells(bytes, start, 'pending') ? Field.pending : 0;
    case 9:
      return spells(bytes, start, 'reference') ? Field.reference : 0;
    case 10:
      return spells(bytes, start, 'expires_in') ? Field.expiresIn : 0;
    case 11:
      return spells(bytes, start, 'description') ? Field.description : 0;
    case 13:
      return spells(bytes, start, 'open_accounts') ? Field.openAccounts : 0;
    case 15:
      return spells(bytes, start, 'idempotency_key') ? Field.key : 0;
    default:
      return 0;
  }
}

/** The same of a field of a leg. */
export function legFieldOf(bytes: Uint8Array, start: number, length: number): number {
  switch (length) {
    case 5:
      return spells(bytes, start, 'debit') ? LegField.debit : 0;
    case 6:
      if (spells(bytes, start, 'credit')) return LegField.credit;
      return spells(bytes, start, 'amount') ? LegField.amount : 0;
    case 8:
      return spells(bytes, start, 'currency') ? LegField.currency : 0;
    default:
      return 0;
  }
}
