/** Details of account records, between JSON text and what the accounts table holds. */
import type { AccountConfig } from './accounts.js';
import type { AccountDetails } from './details.js';
import type { Micros, Position } from './record.js';

export interface AccountSnapshot
  extends Omit<AccountConfig, 'hasMetadata' | 'configPosition' | 'openedAt' | 'openedPosition' | 'book'> {
  /** JSON text, or null. */
  readonly metadata: string | null;
}

const METADATA = '"metadata":';

const quotedOrNull = (amount: bigint | null): string => (amount === null ? 'null' : `"${amount}"`);

/** Written by hand so that the metadata stands in it byte for byte, and last. */
export function accountDetails(account: AccountSnapshot): string {
  return (
    `{"name":${JSON.stringify(account.name)},"currency":${account.currency},` +
    `"normal_balance":"${account.normalBalance}","min_balance":${quotedOrNull(account.minBalance)},` +
    `"max_balance":${quotedOrNull(account.maxBalance)},"config_version":${account.configVersion},` +
    `"open":${account.open},${METADATA}${account.metadata ?? 'null'}}`
  );
}

/** The metadata as it was recorded. Names hold no quotes, so the first such field is the one. */
export function metadataText(details: string): string | null {
  const at = details.indexOf(METADATA);
  if (at < 0) return null;
  const text = details.slice(at + METADATA.length, details.lastIndexOf('}')).trim();
  return text === 'null' ? null : text;
}

const bigintOrNull = (text: string | null): bigint | null => (text === null ? null : BigInt(text));

export function accountConfig(
  details: string,
  book: number,
  position: Position,
  openedPosition: Position,
  recordedAt: Micros,
): AccountConfig {
  const parsed = JSON.parse(details) as AccountDetails;
  return {
    book,
    name: parsed.name,
    currency: parsed.currency,
    normalBalance: parsed.normal_balance,
    open: parsed.open,
    hasMetadata: parsed.metadata !== null,
    minBalance: bigintOrNull(parsed.min_balance),
    maxBalance: bigintOrNull(parsed.max_balance),
    configVersion: parsed.config_version,
    configPosition: position,
    openedAt: recordedAt,
    openedPosition,
  };
}
