/** Faults of idempotency keys, parked commands, rings and answers. */
import type { Fault } from '../fault.js';

const DECIDER = 'src/ledger/decider.ts';
const HEAD = 'src/engine/wire/head.ts';

export const KEY_FAULTS: readonly Fault[] = [
  {
    name: 'keys not looked up',
    breaks: 'once: a retry is decided anew',
    patches: [
      {
        file: DECIDER,
        find: 'let position = keys.find(command.keyHash, now);',
        replace: 'let position = command.keyHash[0] % 4 === 0 ? 0 : keys.find(command.keyHash, now);',
      },
    ],
  },
  {
    name: 'replay for another payload',
    breaks: 'another payload under a used key is an error: the fingerprint is the same for all',
    patches: [
      {
        file: HEAD,
        find: 'hash.hash64(bytes, from, hashedEnd - from, hashed);',
        replace: 'hash.hash64(bytes, from, 0, hashed);',
      },
    ],
  },
  {
    name: 'refusals not remembered',
    breaks: 'a refusal decided on existing objects is the outcome of its key',
    patches: [
      {
        file: DECIDER,
        find: 'if (!error.remembered || !command.keyed) return',
        replace: "if (!error.remembered || !command.keyed || refused.code === 'insufficient_funds') return",
      },
    ],
  },
  {
    name: 'expired key replayed',
    breaks: 'after the window a key is new',
    patches: [
      {
        file: 'src/ledger/keys/table.ts',
        find: 'return same && (words[at + EXPIRY] as number) >>> 0 > nowSeconds ?',
        replace: 'return same && nowSeconds > 0 && EXPIRY > 0 ?',
      },
    ],
  },
  {
    name: 'filters lost when laid across',
    breaks: 'once: partitions that are to be asked together are not asked at all',
    patches: [
      {
        file: 'src/ledger/keys/sliced-filters.ts',
        find: 'this.#asked |= lane;',
        replace: 'this.#asked |= lane & 0;',
      },
    ],
  },
  {
    name: 'written keys in memory not asked',
    breaks: 'once: a key whose partition is written and still in memory is new again',
    patches: [
      {
        file: 'src/ledger/keys/window.ts',
        find: 'const place = table?.find(hash, nowSeconds) ?? 0;',
        replace: 'const place = 0;',
      },
    ],
  },
  {
    name: 'key forgotten early',
    breaks: 'a key is remembered for the whole window',
    patches: [
      {
        file: 'src/ledger/keys/window.ts',
        find: 'const expirySeconds = Math.ceil(expiresAt / MICROS);\n    const place',
        replace: 'const expirySeconds = Math.ceil(expiresAt / MICROS) - 2;\n    const place',
      },
    ],
  },
  {
    name: 'keys without a bound',
    breaks: 'bounded: more keys are remembered than keys_max',
    patches: [
      { file: DECIDER, find: 'return keys.hasRoom(command.book, now) ? null :', replace: 'return now > 0 ? null :' },
    ],
  },
  {
    name: 'keys of closed partitions not found',
    breaks: 'once: what a look-up in the database finds is taken for nothing',
    patches: [
      {
        file: 'src/engine/shard/loader.ts',
        find: 'if (position === 0) continue;',
        replace: 'if (position >= 0) continue;',
      },
    ],
  },
  {
    name: 'actions of a loaded parent left out',
    breaks: 'a transaction that is loaded is as its last action left it',
    patches: [
      {
        file: 'src/ledger/parents.ts',
        find: 'for (const action of actions) if (isAction(action.kind)) parent.act(action);',
        replace: 'if (actions.length > 99) return;',
      },
    ],
  },
  {
    name: 'stale parent fact accepted',
    breaks: 'a fact about a transaction is refused where it has changed or become resident since',
    patches: [
      {
        file: 'src/ledger/parents.ts',
        find: 'if (this.#resident.has(first.position)) return;',
        replace: '',
      },
      {
        file: 'src/engine/shard/parked-commands.ts',
        find: 'return this.#parking.has(book);',
        replace: 'return this.#parking.has(-book);',
      },
    ],
  },
  {
    name: 'evicted before committed',
    breaks: 'nothing leaves memory before its last change is durable',
    patches: [
      {
        file: 'src/ledger/parents.ts',
        find: 'if (left-- <= 0 || parent.lastChange > committed) return;',
        replace: 'if (left-- <= 0 || committed < 0) return;',
      },
      {
        file: 'src/engine/shard/parked-commands.ts',
        find: 'if (position <= this.#committed) return Promise.resolve();',
        replace: 'if (position > 0) return Promise.resolve();',
      },
    ],
  },
  {
    name: 'ring wraps one record late',
    breaks: 'records arrive whole: the last one before the end of the ring runs over it',
    patches: [
      {
        file: 'src/engine/ring/producer.ts',
        find: 'const padding = needed > toEnd ? toEnd : 0;',
        replace: 'const padding = needed > toEnd + 8 ? toEnd : 0;',
      },
    ],
  },
  {
    name: 'full ring overwritten',
    breaks: 'bounded: a full ring refuses',
    patches: [
      {
        file: 'src/engine/ring/producer.ts',
        find: '    this.#released = Atomics.load(this.#words, RELEASED_WORD);\n    return ((this.#cursor - this.#released) >>> 0) + bytes <= this.capacityBytes;',
        replace:
          '    this.#released = Atomics.load(this.#words, RELEASED_WORD);\n    return ((this.#cursor - this.#released) >>> 0) <= this.capacityBytes;',
      },
    ],
  },
  {
    name: 'answer to another request',
    breaks: 'an answer goes to who asked',
    patches: [
      {
        file: 'src/engine/shard/answer-writer.ts',
        find: 'encodeRecorded(outbox.view, offset, requestId, position, sequence, recordedAt, expiresAt);',
        replace:
          'encodeRecorded(outbox.view, offset, position % 31 === 0 ? requestId ^ 1 : requestId, position, sequence, recordedAt, expiresAt);',
      },
    ],
  },
  {
    name: 'late answer to a new request',
    breaks: 'an answer that comes too late finds nobody',
    patches: [
      {
        file: 'src/engine/in-flight.ts',
        find: '|| this.#uses[slot] !== requestId >>> SLOT_BITS) return -1;',
        replace: ') return -1;',
      },
    ],
  },
];
