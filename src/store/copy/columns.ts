/** Columns of the table `log` as records are copied in and out: in the order of the table, without gaps. */
export const LOG_COLUMNS = [
  'position',
  'sequence',
  'recorded_at',
  'fingerprint',
  'amount',
  'released',
  'parent',
  'effective_at',
  'expires_at',
  'book',
  'debit',
  'credit',
  'kind',
  'currency',
  'code',
  'flags',
  'leg',
  'more_legs',
  'details',
  'key',
  'reference',
  'description',
  'metadata',
] as const;

export const LOG_COLUMN_LIST = LOG_COLUMNS.join(', ');

/** µs between 1970, where ours begin, and 2000, where Postgres' do. */
export const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;

/** Signature, no flags, no extension: what every binary COPY begins with. */
export const COPY_HEADER = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
/** A row of −1 fields. */
export const COPY_TRAILER = Buffer.from('ffff', 'hex');

export const OID_INT8 = 20;
/** Numbers of a leg in `more_legs`: leg, debit, credit, currency, amount, released. */
export const LEG_NUMBERS = 6;
