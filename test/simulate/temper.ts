/**
 * What kind of run a seed makes: how large things are, and what may go wrong. Every seed has some of the faults and not
 * others, so that each is met alone, together with each other, and not at all.
 */
import type { ShardBounds } from '../../src/engine/shard/status.js';
import type { LedgerSettings } from '../../src/ledger/command.js';
import { OWN_CURRENCIES } from './client/currencies.js';
import type { Weather } from './database/weather.js';
import type { Random } from './random.js';

/** What is done to a run from time to time. */
export const DEEDS = [
  'kill worker',
  'kill engine',
  'drain engine',
  'second owner',
  'second owner while stopped',
  'database down',
  'disk full',
  'slow disk',
  'slow loads',
  'stop worker',
  'stop front',
  'clock jump',
  'fold',
  'rest',
  'burst',
  'other settings',
] as const;
export type Deed = (typeof DEEDS)[number];

export interface Temper {
  readonly clients: number;
  /** Written by one worker, each in a database of its own. */
  readonly shards: number;
  readonly books: number;
  readonly fronts: number;
  readonly ringBytes: number;
  readonly inFlightMax: number;
  readonly deadlineMs: number;
  readonly commitDeadlineMicros: number;
  readonly bounds: ShardBounds;
  /** What the first engine is started with. */
  readonly settings: LedgerSettings;
  readonly partitionRecords: number;
  readonly thinkMicros: number;
  readonly weather: Partial<Weather>;
  readonly requestLost: number;
  readonly answerLost: number;
  readonly deeds: readonly Deed[];
  /** Chance of a deed at each operation. */
  readonly deedChance: number;
}

/** For whoever reads a failure. */
export function wordsOf({ clients, shards, books, fronts, ringBytes, weather, deeds }: Temper): string {
  const bad = Object.entries(weather).filter(([name, value]) => name !== 'commitMicros' && value !== 0);
  return [
    `the world: ${clients} clients, ${books} books on ${shards} shards, ${fronts} fronts, rings of ${ringBytes} bytes;`,
    `deeds: ${deeds.join(', ')}; chances: ${bad.map(([name, value]) => `${name} ${Number(value).toFixed(3)}`).join(', ')}`,
  ].join(' ');
}

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;

export function temperOf(random: Random): Temper {
  const maybe = (probability: number, most: number): number =>
    random.chance(probability) ? random.fraction() * most : 0;
  const settings = settingsOf(random);
  const shards = random.pick([1, 1, 1, 2, 2, 3]);
  return {
    // Mostly so many that a commit carries several, as it does in earnest.
    clients: random.pick([4, 16, 32, 48]),
    shards,
    books: random.between(shards, 3),
    fronts: random.between(1, 2),
    ringBytes: random.pick([1024, 2048, 8192, 8192, 65_536, 65_536]),
    inFlightMax: random.pick([8, 64, 1_000, 1_000]),
    deadlineMs: random.pick([800, 3_000]),
    commitDeadlineMicros: random.between(200, 1_500) * 1_000,
    bounds: {
      batchRecordsMax: random.pick([3, 20, 100, 100]),
      batchBytesMax: random.pick([2_000, 1 << 20]),
      parkedMax: random.pick([2, 8, 100]),
      residentKeysMax: random.pick([0, 64, 10_000]),
      foldLagMax: random.pick([50, 200, 10_000, 10_000, 10_000]),
    },
    settings,
    // A closed partition's keys count against their bound until the last of them is forgotten: with both small, that
    // would be most of what is seen.
    partitionRecords: settings.keysMax < 1_000 ? 1 << 20 : random.pick([20, 50, 200, 1 << 20, 1 << 20]),
    thinkMicros: random.pick([50, 50, 500, 2_000]),
    weather: {
      commitMicros: [random.between(100, 400), random.between(500, 4_000)],
      lostBefore: maybe(0.3, 0.02),
      lostDuring: maybe(0.3, 0.02),
      lostAfter: maybe(0.4, 0.03),
      stalls: maybe(0.3, 0.01),
      refuses: maybe(0.2, 0.01),
      garbles: maybe(0.2, 0.01),
      oddTag: maybe(0.1, 0.01),
      callLost: maybe(0.3, 0.05),
      answerLost: maybe(0.3, 0.1),
      callSlow: random.chance(0.3) ? random.between(100, 20_000) : 0,
    },
    requestLost: maybe(0.3, 0.02),
    answerLost: maybe(0.4, 0.05),
    deeds: DEEDS.filter((deed) => deed === 'fold' || random.chance(0.4)),
    deedChance: random.pick([0.005, 0.02, 0.05]),
  };
}

function settingsOf(random: Random): LedgerSettings {
  return {
    customCurrencies: OWN_CURRENCIES.slice(0, random.pick([0, 0, 1])),
    keyWindow: random.pick(KEY_WINDOWS),
    keysMax: random.pick([100, 10_000, 10_000, 10_000, 10_000]),
    keysGuaranteed: random.pick([10, 1_000]),
    accountsMax: random.pick([14, 1_000, 1_000]),
    openHoldsMax: random.pick([6, 1_000, 1_000]),
    holdDefault: random.pick([SECOND / 2, 7 * DAY]),
    backdatingMax: random.pick([null, 60 * SECOND]),
  };
}

const KEY_WINDOWS = [3 * SECOND, 120 * SECOND, 7 * DAY];

/** What an operator changes between two starts: currencies only grow, and few bounds on keys stay few. */
export function otherSettings(random: Random, previous: LedgerSettings): LedgerSettings {
  const { customCurrencies, keysMax } = previous;
  const maybe = <T>(before: T, others: readonly T[]): T => (random.chance(0.4) ? random.pick(others) : before);
  return {
    customCurrencies: OWN_CURRENCIES.slice(0, customCurrencies.length + (random.chance(0.7) ? 1 : 0)),
    keyWindow: maybe(previous.keyWindow, KEY_WINDOWS),
    keysMax: maybe(keysMax, keysMax < 1_000 ? [60, 100, 200] : [10_000, 20_000]),
    keysGuaranteed: maybe(previous.keysGuaranteed, [10, 1_000]),
    accountsMax: maybe(previous.accountsMax, [14, 1_000]),
    openHoldsMax: maybe(previous.openHoldsMax, [6, 1_000]),
    holdDefault: maybe(previous.holdDefault, [SECOND / 2, 7 * DAY]),
    backdatingMax: maybe(previous.backdatingMax, [null, 60 * SECOND]),
  };
}
