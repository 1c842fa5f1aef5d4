/** The rare parts of a posting, `if` and the settings of accounts to open, as msgpack with one spelling of each value. */
import type { AccountSettings, AmountTest, Condition, PostExtras } from '../../ledger/command.js';
import { pack, unpack } from './pack.js';

type Packed = readonly [
  conditions: readonly Condition[] | null,
  open: readonly (readonly [string, AccountSettings])[] | null,
];

/** Most bytes of a condition or of settings beside their strings: every field with its name and a 64-bit value. */
const CONDITION_BYTES_MAX = 512;
const SETTINGS_BYTES_MAX = 128;

export function extrasSizeMax(extras: PostExtras): number {
  let size = 16;
  for (const { account } of extras.if ?? []) size += CONDITION_BYTES_MAX + account.length * 3;
  for (const [name, { metadata }] of Object.entries(extras.open ?? {})) {
    size += SETTINGS_BYTES_MAX + (name.length + (metadata?.length ?? 0)) * 3;
  }
  return size;
}

/** Equal extras give equal bytes, in whatever order their fields and accounts were written. */
export function packExtras(extras: PostExtras): Uint8Array {
  const conditions = extras.if?.map(conditionInOrder).sort((a, b) => compare(a.account, b.account)) ?? null;
  const open = Object.entries(extras.open ?? {})
    .map(([name, settings]) => [name, settingsInOrder(settings)] as const)
    .sort(([a], [b]) => compare(a, b));
  const packed: Packed = [conditions, extras.open === undefined ? null : open];
  return pack(packed);
}

export function unpackExtras(bytes: Uint8Array): PostExtras {
  const [conditions, open] = unpack(bytes) as Packed;
  return {
    ...(conditions === null ? {} : { if: conditions }),
    ...(open === null ? {} : { open: openByName(open) }),
  };
}

/** Without a prototype: `__proto__` is a name that an account may have. */
function openByName(open: readonly (readonly [string, AccountSettings])[]): Record<string, AccountSettings> {
  const byName = Object.create(null) as Record<string, AccountSettings>;
  for (const [name, settings] of open) byName[name] = settings;
  return byName;
}

const CONDITION_FIELDS = [
  'account',
  'posted',
  'pending_in',
  'pending_out',
  'available',
  'version',
  'config_version',
] as const satisfies readonly (keyof Condition)[];
const TEST_FIELDS = ['eq', 'gt', 'gte', 'lt', 'lte'] as const satisfies readonly (keyof AmountTest)[];
const SETTINGS_FIELDS = [
  'normal_balance',
  'min_balance',
  'max_balance',
  'metadata',
] as const satisfies readonly (keyof AccountSettings)[];

function conditionInOrder(condition: Condition): Condition {
  const ordered = inOrder(condition, CONDITION_FIELDS);
  for (const field of ['posted', 'pending_in', 'pending_out', 'available'] as const) {
    const test = ordered[field];
    if (test !== undefined) Object.assign(ordered, { [field]: inOrder(test, TEST_FIELDS) });
  }
  return ordered as Condition;
}

const settingsInOrder = (settings: AccountSettings): AccountSettings => inOrder(settings, SETTINGS_FIELDS);

/** A copy with these fields only, in this order; fields that are absent (or undefined) stay absent. */
export function inOrder<T extends object, K extends keyof T>(from: T, fields: readonly K[]): Partial<Pick<T, K>> {
  const ordered: Partial<Pick<T, K>> = {};
  for (const field of fields) if (from[field] !== undefined) ordered[field] = from[field];
  return ordered;
}

/** By code unit: the same on every machine, whatever its language. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
