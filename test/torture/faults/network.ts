/** Bad lines: between engine and database, and between clients and engine. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Counters } from '../counters.js';
import type { TcpProxy } from '../network/tcp-proxy.js';
import type { Random } from '../random.js';
import type { NetworkedWorld } from '../scenes/networked.js';
import type { Fault } from '../scenes/scene.js';

/** Longer than the deadline of a commit. */
const DROP_MS = 1_500;
const TROUBLE_MS = 800;
const CUTS = 8;
/** The session that commits. */
const WRITER = /millrace-shard-\d-[0-9a-f]{8}\0/;
/** Fits in the head of a commit, in the middle of its rows, and beyond. */
const CUT_BYTES_MAX = 6_000;

export function badLines(world: NetworkedWorld, random: Random, counters: Counters): Fault[] {
  const lines: readonly (readonly [string, () => TcpProxy])[] = [
    ['engine and database', () => random.pick(world.databases)],
    ['clients and engine', () => world.front],
  ];
  return [
    ...lines.flatMap(([between, line]): Fault[] => [
      { name: `delay between ${between}`, weight: 1, run: () => slowly(line(), 50) },
      { name: `drops between ${between}`, weight: 1, run: () => drop(line()) },
      { name: `half-closed between ${between}`, weight: 1, run: async () => halfClose(line(), random) },
      { name: `pieces of a few bytes between ${between}`, weight: 1, run: () => inPieces(line(), random) },
      { name: `reset between ${between}`, weight: 1, run: async () => line().cut() },
    ]),
    {
      name: 'truncated between clients and engine',
      weight: 1,
      run: () => world.front.truncate(random.pick(['toServer', 'toClient']), random.between(1, CUT_BYTES_MAX)),
    },
    {
      name: `${CUTS} commits truncated between engine and database`,
      weight: 3,
      run: () => truncateCommits(world, random, counters),
    },
  ];
}

/** Requests cut on their way leave a commit undone; answers cut on theirs leave one done that nobody was told of. */
async function truncateCommits(world: NetworkedWorld, random: Random, counters: Counters): Promise<void> {
  for (let cut = 0; cut < CUTS; cut++) {
    await world.scene.noteEpochs();
    const toServer = random.chance(0.5);
    // An answer to a commit is short: a byte of it, or all but a byte.
    const bytes = toServer ? random.between(1, CUT_BYTES_MAX) : random.between(0, 20);
    await random.pick(world.databases).truncate(toServer ? 'toServer' : 'toClient', bytes, WRITER);
    counters.add('connections cut in the middle of a commit');
    await world.scene.posted(2);
  }
}

async function slowly(line: TcpProxy, delayMs: number): Promise<void> {
  line.delayMs = delayMs;
  await delay(TROUBLE_MS);
  line.delayMs = 0;
}

async function drop(line: TcpProxy): Promise<void> {
  line.dropping = true;
  await delay(DROP_MS);
  line.dropping = false;
  // What was dropped is missing from these connections for ever.
  line.cut();
}

function halfClose(line: TcpProxy, random: Random): void {
  line.halfClose(random.pick(['toServer', 'toClient']));
}

async function inPieces(line: TcpProxy, random: Random): Promise<void> {
  line.sliceBytes = random.between(1, 16);
  await delay(TROUBLE_MS);
  line.sliceBytes = 0;
}
