/** The map of slots to shards. */
import { ConfigError } from '../errors.js';
import type { ConfigFile } from './schema.js';

const SLOTS = 16384;

/** Both ends included. */
export type SlotRange = readonly [first: number, last: number];

export interface ShardConfig {
  readonly name: string;
  /** null where Millrace runs the database itself. */
  readonly url: string | null;
  /** As the configuration says them: "0-8191". */
  readonly slots: string;
  readonly ranges: readonly SlotRange[];
}

const DEFAULTS: Readonly<Record<string, ConfigFile['shards']>> = {
  embedded: [
    { name: 'shard-0', slots: '0-8191' },
    { name: 'shard-1', slots: '8192-16383' },
  ],
  pglite: [{ name: 'shard-0', slots: '0-16383' }],
};

/** @throws ConfigError unless every slot has exactly one shard and every shard a place */
export function resolveShards(content: ConfigFile): readonly ShardConfig[] {
  const kind = content.store.kind;
  const given = content.shards.length === 0 ? (DEFAULTS[kind] ?? []) : content.shards;
  if (given.length === 0) {
    throw new ConfigError('shards: is empty, must name at least one shard with its url where store.kind is "postgres"');
  }
  const names = new Set<string>();
  const shards = given.map((shard, index): ShardConfig => {
    const at = `shards[${index}]`;
    if (names.has(shard.name)) throw new ConfigError(`${at}.name: "${shard.name}" stands twice, must be unique`);
    names.add(shard.name);
    if (kind === 'postgres' && shard.url === undefined) {
      throw new ConfigError(`${at}.url: is missing; must be a URL such as postgres://user@host:5432/database`);
    }
    if (kind !== 'postgres' && shard.url !== undefined) {
      throw new ConfigError(
        `${at}.url: must not be given where store.kind is "${kind}", or store.kind must be "postgres"`,
      );
    }
    return {
      name: shard.name,
      url: shard.url ?? null,
      slots: shard.slots,
      ranges: rangesOf(shard.slots, `${at}.slots`),
    };
  });
  checkCoverage(shards);
  return shards;
}

function rangesOf(text: string, at: string): readonly SlotRange[] {
  return text.split(',').map((range): SlotRange => {
    const [first = 0, last = first] = range.split('-').map(Number);
    if (last >= SLOTS || first > last) {
      throw new ConfigError(
        `${at}: has the range "${range}", must have ranges from 0 to ${SLOTS - 1}, the lower end first`,
      );
    }
    return [first, last];
  });
}

function checkCoverage(shards: readonly ShardConfig[]): void {
  const ranges = shards
    .flatMap(({ name, ranges: own }) => own.map(([first, last]) => ({ name, first, last })))
    .sort((a, b) => a.first - b.first);
  let next = 0;
  let before = '';
  for (const { name, first, last } of ranges) {
    if (first > next)
      throw new ConfigError(`shards: no shard has the slots ${next}-${first - 1}; must have all of 0-${SLOTS - 1}`);
    if (first < next)
      throw new ConfigError(`shards: ${before} and ${name} both have slot ${first}; must have each slot once`);
    next = last + 1;
    before = name;
  }
  if (next < SLOTS)
    throw new ConfigError(`shards: no shard has the slots ${next}-${SLOTS - 1}; must have all of 0-${SLOTS - 1}`);
}
