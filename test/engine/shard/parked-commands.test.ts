/** Loads that outlive the commands that they were for. */
import { expect, it } from 'vitest';
import type { FrontLink } from '../../../src/engine/shard/front-link.js';
import type { KeyFact, Loader } from '../../../src/engine/shard/loader.js';
import { ParkedCommands } from '../../../src/engine/shard/parked-commands.js';
import type { DecodedRequest } from '../../../src/engine/shard/request.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import type { LogRecord, Position } from '../../../src/ledger/record.js';

const BOOK = 7;
const keyOf = (n: number): Int32Array => Int32Array.of(n, n, n, n);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A ledger that knows facts of keys, and a database whose answers come when the test says so. */
function shard() {
  const facts = new Set<string>();
  const absent = new Set<Position>();
  const told: string[] = [];
  const looks: { readonly of: string; answer(): void }[] = [];
  const ledger = {
    keys: {},
    lastRecordedAt: 0,
    admitKey: (hash: Int32Array) => facts.add(hash.join()),
    admitAbsentParent: (position: Position) => absent.add(position),
    transactionView: () => null,
  } as unknown as Ledger;
  const loader = {
    key: (_keys: unknown, hash: Int32Array) =>
      new Promise<KeyFact>((resolve) => {
        looks.push({ of: `key ${hash[0]}`, answer: () => resolve({ position: null, recordedAt: 0 }) });
      }),
    parent: (position: Position) =>
      new Promise<readonly LogRecord[]>((resolve) => {
        looks.push({ of: `parent ${position}`, answer: () => resolve([]) });
      }),
  } as unknown as Loader;
  const parked = new ParkedCommands({
    max: 10,
    loader,
    ledger: () => ledger,
    decide: (_link, bytes) => {
      const keyHash = keyOf(bytes[0] ?? 0);
      if (!facts.delete(keyHash.join())) return { keyHash };
      told.push(`decided ${keyHash[0]}`);
      return null;
    },
    refuse: (_link, _request, code) => told.push(code),
    onProgress: () => undefined,
    onError: (error) => told.push(error.message),
  });
  const park = (n: number): void => {
    const request = {
      book: BOOK,
      requestId: 1,
      parent: 0,
      keyHash: keyOf(n),
      keyed: true,
    } as unknown as DecodedRequest;
    parked.park({} as FrontLink, request, { keyHash: keyOf(n) }, Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0));
  };
  const answer = async (index: number): Promise<void> => {
    looks[index]?.answer();
    await turn();
  };
  return { parked, park, answer, looks, facts, absent, told };
}

it('what was looked up for a refused command is not believed for another one', async () => {
  const { parked, park, answer, looks, facts, told } = shard();
  park(1);
  parked.refuseAll();
  park(2);
  await answer(0);
  expect(looks.map((look) => look.of)).toEqual(['key 1', 'key 2']);
  await answer(1);
  expect(told).toEqual(['shard_unavailable', 'decided 2']);
  expect([...facts], 'no fact stays behind').toEqual([]);
});

it('a transaction that is not committed yet is not looked for when nobody waits for it any more', async () => {
  const { parked, answer, looks, absent } = shard();
  const request = { book: BOOK, requestId: 1, parent: 9, keyHash: keyOf(1), keyed: true } as unknown as DecodedRequest;
  parked.committed(8);
  parked.park({} as FrontLink, request, { parents: [9] }, new Uint8Array(8));
  parked.refuseAll();
  await turn();
  parked.committed(9);
  await turn();
  expect(looks).toEqual([]);
  parked.park({} as FrontLink, request, { parents: [9] }, new Uint8Array(8));
  await turn();
  await answer(0);
  expect(looks[0]?.of).toBe('parent 9');
  expect([...absent]).toEqual([9]);
});
