/** The body of POST /v1/transactions/batch. */
import type { PostRequest } from '../../engine/wire/messages.js';
import type { BodyObject, BodyValue } from '../types.js';
import { RequestProblem } from '../types.js';
import type { ParseContext } from './context.js';
import { Faults } from './faults.js';
import type { Fields } from './fields.js';
import { objectAt } from './fields.js';
import { isIdempotencyKey } from './headers.js';
import { readPost } from './post.js';
import { writeJson } from './write-json.js';

export const BATCH_ITEMS_MAX = 8192;

/** One item of an independent batch: its request, or what is wrong with it (pointers are into the item). */
export type BatchItem =
  | { readonly key: string; readonly request: PostRequest }
  | { readonly key: string; readonly problem: RequestProblem };

export type ParsedBatch =
  | { readonly atomic: false; readonly items: readonly BatchItem[] }
  | { readonly atomic: true; readonly items: readonly PostRequest[]; readonly dryRun: boolean };

/**
 * An atomic batch is read as a whole, with pointers into the body. In an independent one only its frame and keys are the
 * whole's; each item's other faults are its own.
 * @throws RequestProblem where the whole batch is at fault
 */
export function parseBatch(value: BodyValue, context: ParseContext): ParsedBatch {
  const faults = new Faults();
  const fields = objectAt(value, '', faults, 'The body');
  if (fields === null) throw faults.first();
  const atomic = fields.members.get('atomic') === true;
  const { items, dryRun } = readFrame(fields, atomic);
  if (atomic) {
    const requests = items.map((item, i) => readPost(item, context, `/transactions/${i}`, 'atomic item', faults));
    faults.throwFirst();
    return { atomic: true, items: requests, dryRun };
  }
  const keys = readKeys(items, faults);
  faults.throwFirst();
  return { atomic: false, items: readItems(items, keys, context) };
}

function readFrame(fields: Fields, atomic: boolean): { items: readonly BodyValue[]; dryRun: boolean } {
  let items: readonly BodyValue[] = [];
  let dryRun = false;
  fields.require('transactions');
  for (const [key, value] of fields.members) {
    if (key === 'transactions') items = fields.array(key, value, 1, BATCH_ITEMS_MAX) ?? [];
    else if (key === 'atomic') fields.boolean(key, value);
    // Without a key there is nothing to try in an independent batch: its items are separate requests.
    else if (key === 'dry_run' && atomic) dryRun = fields.boolean(key, value) ?? false;
    else fields.unknown(key);
  }
  return { items, dryRun };
}

function readKeys(items: readonly BodyValue[], faults: Faults): readonly string[] {
  return items.map((item, i) => {
    const fields = objectAt(item, `/transactions/${i}`, faults, 'A transaction');
    if (fields === null) return '';
    fields.require('idempotency_key');
    const key = fields.members.get('idempotency_key');
    if (typeof key === 'string' && isIdempotencyKey(key)) return key;
    if (key !== undefined) {
      faults.add(
        'key_invalid',
        `${fields.at}/idempotency_key`,
        '"idempotency_key" is 1 to 255 printable ASCII characters.',
      );
    }
    return '';
  });
}

/** @throws RequestProblem where one key stands with two payloads */
function readItems(items: readonly BodyValue[], keys: readonly string[], context: ParseContext): readonly BatchItem[] {
  const firstByKey = new Map<string, number>();
  const parsed: BatchItem[] = [];
  for (let i = 0; i < items.length; i++) {
    const key = keys[i] as string; // one for each item
    const faults = new Faults();
    const request = readPost(items[i] as BodyValue, context, '', 'independent item', faults);
    const item: BatchItem = faults.any ? { key, problem: faults.first() } : { key, request };
    const first = firstByKey.get(key);
    if (first === undefined) firstByKey.set(key, i);
    else if (!sameItem(parsed[first] as BatchItem, item, items[first] as BodyObject, items[i] as BodyObject)) {
      throw new RequestProblem(
        'invalid_field',
        `Item ${first} has the same key and another payload.`,
        `/transactions/${i}/idempotency_key`,
      );
    }
    parsed.push(item);
  }
  return parsed;
}

/** Requests are compared as parsed, so that `5` and `"5"` agree; items with faults as they were sent. */
function sameItem(a: BatchItem, b: BatchItem, sentA: BodyObject, sentB: BodyObject): boolean {
  if ('request' in a && 'request' in b) return canonical(a.request) === canonical(b.request);
  return 'problem' in a && 'problem' in b && writeJson(sentA) === writeJson(sentB);
}

function canonical(request: PostRequest): string {
  return JSON.stringify(request, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
