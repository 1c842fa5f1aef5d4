/**
 * What it costs to read and answer one posting, in nanoseconds of one thread: the fast shape, the strict ways, the answer;
 * and JSON.parse beside them, which checks nothing.
 */
import { Packr } from 'msgpackr';
import { PlainPosts } from '../src/engine/wire/plain-post.js';
import { readFastPost } from '../src/http/body/fast-post.js';
import { readJson } from '../src/http/body/json.js';
import { readMsgpack } from '../src/http/body/msgpack.js';
import { parseBatch } from '../src/http/parse/batch.js';
import { parsePost } from '../src/http/parse/post.js';
import { renderPosted } from '../src/http/render/transaction.js';

const ROUNDS = 1_000_000;
const BATCH_ITEMS = 1000;

const text = `{ "legs": [{ "debit": "external/card", "credit": "customer/42/wallet", "amount": 12500, "currency": "EUR" }],
  "open_accounts": true, "reference": "order-1001" }`;
const body = new TextEncoder().encode(text);
const packed = new Uint8Array(new Packr({ useRecords: false }).pack(JSON.parse(text)));
const items = Array.from({ length: BATCH_ITEMS }, (_, i) => ({
  ...(JSON.parse(text) as object),
  idempotency_key: `order-${i}`,
}));
const batch = new TextEncoder().encode(JSON.stringify({ transactions: items }));

const currencies = new Map([['EUR', 978]]);
const context = { currency: (code: string) => currencies.get(code) };

/** Prints the mean of the better of two runs. */
function measure(name: string, each: (round: number) => unknown, rounds = ROUNDS, perRound = 1): void {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) kept = each(i);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / rounds / perRound);
  }
  console.log(`${name.padEnd(40)} ${best.toFixed(0).padStart(7)} ns`);
}
/** Results are kept, so that no compiler drops the work. */
export let kept: unknown;

console.log(`body of ${body.length} bytes, ${packed.length} as msgpack`);
const posts = new PlainPosts();
measure('fast shape', () => readFastPost(body, context, posts));
measure('strict JSON', () => parsePost(readJson(body), context), ROUNDS / 4);
measure('strict msgpack', () => parsePost(readMsgpack(packed), context), ROUNDS / 4);
measure('JSON.parse of its text', () => JSON.parse(text));
measure(`batch of ${BATCH_ITEMS}, an item`, () => parseBatch(readJson(batch), context), 200, BATCH_ITEMS);
const request = parsePost(readJson(body), context);
measure('answer', (i) =>
  renderPosted(request, { sequence: i, recordedAt: 1_795_256_223_123_456 + i, expiresAt: 0 }, 'txn_0123456789abcdef'),
);
