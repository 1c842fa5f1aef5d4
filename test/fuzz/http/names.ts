/**
 * What stands in a request for things that are known only when it is sent: ids, keys, tokens, the sender's mark. A
 * request is made, changed and kept with these in it, so that the same one can be sent to any engine, at any time.
 *
 * Those that can stand in a body are as long as what they stand for, so that its announced length stays right.
 */
import type { Random } from '../support/random.js';

/** In every name and text of a merchant; what has another merchant's mark was leaked. */
export const MARK = 'MK@@@@@@';
/** An account of the sender, and one that only the other merchant has. */
export const OWN_VAULT = 'vault@own';
export const FAR_VAULT = 'vault@far';
export const KEY = '@KEY@';
export const TOKEN = '@TOKEN@';
export const CURSOR = '@CURSOR@';

/** Of the sender's transactions so far: at first four that are posted, then four that are pending. */
export const TRANSACTIONS = 8;
/** One of the other merchant's, and one that there never was. */
export type TransactionSlot = number | 'f' | 'u';
export const transactionId = (slot: TransactionSlot): string => `txn_@${slot}${'@'.repeat(24)}`;

const own = (tail: string): string => `${MARK}/${tail}`;
/** Accounts that the sender has from the start. */
export const ACCOUNTS: readonly string[] = ['a', 'b', 'c', 'd'].map(own);
export const SOURCE = `external/${MARK}`;

export function anyName(random: Random): string {
  return random.weighted([
    [40, () => random.pick(ACCOUNTS)],
    [15, () => SOURCE],
    [5, () => OWN_VAULT],
    [5, () => FAR_VAULT],
    [8, () => own(`new/${random.below(50)}`)],
    [1, () => own('x'.repeat(119))],
  ]);
}

export function anyTransaction(random: Random): string {
  return transactionId(
    random.weighted<TransactionSlot>([
      [20, () => random.below(TRANSACTIONS)],
      [2, () => 'f'],
      [2, () => 'u'],
    ]),
  );
}

/** What one sender's placeholders stand for on one engine. */
export interface Meaning {
  readonly mark: string;
  readonly vault: string;
  readonly farVault: string;
  readonly key: string;
  readonly token: string;
  readonly cursor: string;
  readonly transactions: readonly string[];
  readonly foreignTransaction: string;
  readonly unknownTransaction: string;
}

/** The request as it is sent to the engine that these are of. */
export function filledIn(template: string, meaning: Meaning): string {
  return template.replace(
    /MK@@@@@@|vault@own|vault@far|@KEY@|@TOKEN@|@CURSOR@|txn_@([0-7fu])@{24}/g,
    (found, slot: string | undefined) => {
      if (slot === 'f') return meaning.foreignTransaction;
      if (slot === 'u') return meaning.unknownTransaction;
      if (slot !== undefined) return meaning.transactions[Number(slot)] ?? found;
      switch (found) {
        case MARK:
          return meaning.mark;
        case OWN_VAULT:
          return meaning.vault;
        case FAR_VAULT:
          return meaning.farVault;
        case KEY:
          return meaning.key;
        case TOKEN:
          return meaning.token;
        default:
          return meaning.cursor;
      }
    },
  );
}
