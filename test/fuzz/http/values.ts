/** Bodies and parameters that fit a schema of the API, made from the schema itself. */
import type { Random } from '../support/random.js';
import { anyName, MARK } from './names.js';
import { array, boolean, integer, type Node, nothing, object, string } from './node.js';

/** What is read of a schema here; TypeBox schemas are JSON Schema. */
export interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: object;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

const TIMES = [
  '1970-01-01T00:00:00.000001Z',
  '2020-02-29T23:59:59.999999+05:30',
  '2024-01-01T00:00:00Z',
  '2025-06-30t12:00:00.5z',
  '2254-12-31T23:59:59Z',
];
const AMOUNTS = [1, 2, 3, 10, 100, 999, 50_000, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
const BIG_AMOUNTS = ['1', '100', '9007199254740993', '9223372036854775807'];

/** A function of the seed alone, so that the same seed sends the same keys. */
export const freshKey = (random: Random): string =>
  `f-${random.below(2 ** 32).toString(36)}-${random.below(2 ** 32).toString(36)}`;

/** What a schema says too little about for a body to have a chance with the ledger. */
const BY_FIELD: Readonly<Record<string, (random: Random) => Node>> = {
  debit: (random) => string(anyName(random)),
  credit: (random) => string(anyName(random)),
  name: (random) => string(anyName(random)),
  currency: (random) => string(random.pick(['EUR', 'EUR', 'EUR', 'EUR', 'EUR', 'EUR', 'JPY', 'XXY'])),
  amount: (random) => (random.chance(0.8) ? integer(random.pick(AMOUNTS)) : string(random.pick(BIG_AMOUNTS))),
  idempotency_key: (random) => string(freshKey(random)),
  // Long enough that none lapses while the run lasts: who writes the record of a lapse is a matter of time.
  expires_in: (random) => integer(random.pick([3600, 86_400, 31_536_000])),
  reference: (random) => string(`${MARK} ${random.pick(['order', 'übrig', '注文', '"q"'])}`),
  description: (random) => string(random.pick([MARK, `${MARK} long ${'x'.repeat(300)}`, `${MARK} 😀\u2028`])),
  leg: (random) => integer(random.pick([0, 0, 0, 1, 63])),
  dry_run: (random) => boolean(random.chance(0.5)),
};

export function fitting(schema: Schema, random: Random, field = ''): Node {
  const known = BY_FIELD[field];
  if (known !== undefined) return known(random);
  if (schema.anyOf !== undefined) return fitting(random.pick(schema.anyOf), random);
  if (schema.const !== undefined) return constant(schema.const);
  switch (schema.type) {
    case 'object':
      return schema.properties === undefined ? record(schema, random) : members(schema, schema.properties, random);
    case 'array':
      return array(Array.from({ length: lengthOf(schema, random) }, () => fitting(schema.items ?? {}, random)));
    case 'string':
      return string(text(schema, random));
    case 'integer':
      return integer(within(schema, random));
    case 'boolean':
      return boolean(random.chance(0.5));
    case 'null':
      return nothing;
    default:
      return anything(random, 3);
  }
}

function constant(value: unknown): Node {
  return typeof value === 'boolean' ? boolean(value) : string(String(value));
}

function members(schema: Schema, properties: Readonly<Record<string, Schema>>, random: Random): Node {
  const taken = Object.entries(properties).filter(
    ([name]) => schema.required?.includes(name) === true || random.chance(name === 'open_accounts' ? 0.7 : 0.2),
  );
  return object(taken.map(([name, member]) => [name, fitting(member, random, name)]));
}

/** Free keys: names of accounts where the schema bounds them, else metadata. */
function record(schema: Schema, random: Random): Node {
  const member = Object.values(schema.patternProperties ?? {})[0] ?? {};
  const count = random.pick([0, 1, 1, 2, 5]);
  const keys = new Set<string>();
  for (let at = 0; at < count; at++) {
    keys.add(schema.propertyNames === undefined ? random.pick([MARK, 'k', 'a b', 'é', '1', '']) : anyName(random));
  }
  return object([...keys].map((key) => [key, fitting(member, random)]));
}

function lengthOf({ minItems = 0, maxItems = 3 }: Schema, random: Random): number {
  const few = minItems + random.pick([0, 0, 0, 1, 1, 2, 3]);
  // The longest lists belong to the fuzzer of sizes: here they would take all of the time.
  return Math.min(random.chance(0.01) ? 64 : few, maxItems);
}

function within({ minimum = -1000, maximum = 1000 }: Schema, random: Random): number {
  return random.pick([minimum, maximum, minimum + random.below(Math.min(maximum - minimum, 1000) + 1)]);
}

function text(schema: Schema, random: Random): string {
  const { pattern = '', minLength = 0, maxLength = 64 } = schema;
  if (pattern.startsWith('^(19[7-9]')) return random.pick(TIMES);
  if (pattern.startsWith('^(0|-?'))
    return random.pick(['0', '-1', '100', '-9223372036854775807', '9223372036854775807']);
  if (pattern.startsWith('^[1-9]')) return random.pick(BIG_AMOUNTS);
  if (pattern.includes('A-Za-z0-9')) return anyName(random);
  return random.pick([MARK, 'x'.repeat(Math.max(minLength, 1)), 'y'.repeat(maxLength)]).slice(0, maxLength);
}

/** Metadata of any shape. */
function anything(random: Random, depth: number): Node {
  return random.weighted([
    [3, () => string(random.pick(['', MARK, 'é😀', 'a\nb', '</script>']))],
    [3, () => integer(random.pick([0, -1, 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]))],
    [1, () => boolean(true)],
    [1, () => nothing],
    [depth, () => array(Array.from({ length: random.below(3) }, () => anything(random, depth - 1)))],
    [depth, () => object([[random.pick(['k', MARK]), anything(random, depth - 1)]])],
  ]);
}
