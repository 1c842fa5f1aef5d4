/** Checkpoints and receipts as files: JSON that is checked before anything in it is believed. */
import { readFileSync, writeFileSync } from 'node:fs';
import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { RECEIPT_FORMAT } from '../../folds/verify/receipt.js';
import { ConfigError, messageOf } from '../../platform/errors.js';

export const CHECKPOINT_FORMAT = 'millrace-checkpoint-1';

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Position = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const NullableText = Type.Union([Type.String(), Type.Null()]);

const PointSchema = Type.Object({
  shard: Type.String({ pattern: '^[a-z0-9-]{1,32}$' }),
  log: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
  position: Position,
  digest: Digest,
  time: Type.String({ pattern: '^[0-9TZ:.-]{20,32}$' }),
  transaction: Type.Optional(Type.Object({ id: Type.String({ pattern: '^txn_[0-9a-z]{26}$' }), position: Position })),
  signature: Type.String({ pattern: '^[A-Za-z0-9+/]{86}==$' }),
});

const CheckpointFile = Type.Object({
  format: Type.Literal(CHECKPOINT_FORMAT),
  checkpoints: Type.Array(PointSchema, { minItems: 1 }),
});
export type CheckpointFile = Static<typeof CheckpointFile>;

const ReceiptFile = Type.Object({
  format: Type.Literal(RECEIPT_FORMAT),
  transaction: Type.String({ pattern: '^txn_[0-9a-z]{26}$' }),
  shard: Type.String(),
  log: Type.Integer(),
  record: Type.Object({
    position: Position,
    sequence: Position,
    kind: Type.Integer(),
    recorded_at: Type.Integer(),
    book: Type.Integer(),
    parent: Type.Union([Position, Type.Null()]),
    legs: Type.Array(
      Type.Object({
        leg: Type.Integer(),
        debit: Type.Integer(),
        credit: Type.Integer(),
        currency: Type.Integer(),
        amount: Type.String(),
        released: Type.String(),
      }),
    ),
    key: NullableText,
    reference: NullableText,
    description: NullableText,
    metadata: NullableText,
  }),
  batch: Type.Object({
    prev: Position,
    last: Position,
    epoch: Position,
    hash: Type.String({ pattern: '^-?[0-9]{1,19}$' }),
    leaves: Type.Integer({ minimum: 1, maximum: 1 << 20 }),
    previous: Digest,
    digest: Digest,
  }),
  leaf: Type.Object({
    index: Type.Integer({ minimum: 0 }),
    blind: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    rows: Type.String(),
  }),
  path: Type.Array(Digest, { maxItems: 20 }),
  checkpoint: Type.Optional(PointSchema),
});
export type ReceiptFile = Static<typeof ReceiptFile>;

/** @throws ConfigError */
export const readCheckpoints = (file: string): CheckpointFile => read(file, CheckpointFile, 'a checkpoint');
/** @throws ConfigError */
export const readReceipt = (file: string): ReceiptFile => read(file, ReceiptFile, 'a receipt');

function read<Schema extends TSchema>(file: string, schema: Schema, what: string): Static<Schema> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file} cannot be read as ${what}: ${messageOf(error)}`);
  }
  if (Value.Check(schema, parsed)) return parsed;
  const [fault] = Value.Errors(schema, parsed);
  throw new ConfigError(`${file} is not ${what}: ${fault?.instancePath ?? ''} ${fault?.message ?? ''}`);
}

/** @throws ConfigError where it cannot be written; a file that is there is left alone */
export function writeNew(file: string, content: object): void {
  try {
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    throw new ConfigError(`${file} cannot be written: ${messageOf(error)}`);
  }
}
