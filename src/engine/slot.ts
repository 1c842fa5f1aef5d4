/**
 * Which shard a merchant lives on: the slots of Redis Cluster's standard (CRC16 of the id or of its hash tag, modulo
 * 16384), and the operator's map of slots to shards.
 */

export const SLOTS = 16384;

/** CRC16-CCITT (XMODEM): polynomial 0x1021, nothing reflected, starts at 0. */
const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** Of the UTF-8 bytes of a text. */
export function crc16(text: string): number {
  let crc = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) return crc16OfBytes(Buffer.from(text));
    crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[(crc >> 8) ^ code] ?? 0);
  }
  return crc;
}

function crc16OfBytes(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[(crc >> 8) ^ byte] ?? 0);
  return crc;
}

/** What of an id is hashed: what stands between the first `{` and the next `}` if that is something, else all. */
function hashTag(id: string): string {
  const open = id.indexOf('{');
  if (open === -1) return id;
  const close = id.indexOf('}', open + 1);
  return close === -1 || close === open + 1 ? id : id.slice(open + 1, close);
}

/** 0 to 16383. */
export function slotOf(merchant: string): number {
  return crc16(hashTag(merchant)) & (SLOTS - 1);
}

/** Both ends belong to it. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

/** A slot list or map that cannot be: the message says which slots, and what would be right. */
export class SlotMapError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SlotMapError';
  }
}

/**
 * Reads "0-8191", "5", or several with commas between: "0-100, 200, 300-400".
 * @throws SlotMapError
 */
export function parseSlots(text: string): readonly SlotRange[] {
  return text.split(',').map((part) => parseRange(part.trim(), text));
}

function parseRange(part: string, text: string): SlotRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
  if (match === null) {
    throw new SlotMapError(`slots "${text}": "${part}" is not a slot or a range of slots; write e.g. 0-8191`);
  }
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last >= SLOTS) throw new SlotMapError(`slots "${text}": ${last} is not a slot; slots are 0 to ${SLOTS - 1}`);
  if (first > last) throw new SlotMapError(`slots "${text}": ${part} runs backwards; write ${last}-${first}`);
  return { first, last };
}

/** The other way: "0-100,200,300-400", ranges that touch joined. */
export function formatSlots(ranges: readonly SlotRange[]): string {
  return joinTouching(ranges)
    .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
    .join(',');
}

function joinTouching(ranges: readonly SlotRange[]): readonly SlotRange[] {
  const joined: SlotRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1);
    if (before !== undefined && before.last + 1 === range.first) {
      joined[joined.length - 1] = { first: before.first, last: range.last };
    } else {
      joined.push(range);
    }
  }
  return joined;
}

/** A shard's part of the map, as configured. */
export interface ShardSlots {
  readonly name: string;
  /** As `parseSlots` reads it. */
  readonly slots: string;
}

/** Every slot has exactly one shard. Shards are known by their index in the configuration. */
export class SlotMap {
  readonly #shardBySlot: Uint16Array;
  readonly #ranges: readonly (readonly SlotRange[])[];

  private constructor(shardBySlot: Uint16Array, ranges: readonly (readonly SlotRange[])[]) {
    this.#shardBySlot = shardBySlot;
    this.#ranges = ranges;
  }

  /** @throws SlotMapError where a slot has no shard, or two */
  static of(shards: readonly ShardSlots[]): SlotMap {
    const NONE = 0xffff;
    const shardBySlot = new Uint16Array(SLOTS).fill(NONE);
    const ranges = shards.map(({ name, slots }, shard) => {
      const parsed = parseSlots(slots);
      for (const { first, last } of parsed) {
        for (let slot = first; slot <= last; slot++) {
          const other = shardBySlot[slot] ?? NONE;
          if (other !== NONE) throw overlap(slot, shards[other]?.name ?? '', name);
          shardBySlot[slot] = shard;
        }
      }
      return joinTouching(parsed);
    });
    const missing = slotsWhere(shardBySlot, NONE);
    if (missing.length > 0) {
      throw new SlotMapError(`slots ${formatSlots(missing)} belong to no shard; every slot 0-${SLOTS - 1} needs one`);
    }
    return new SlotMap(shardBySlot, ranges);
  }

  /** As even a map as can be, for a number of shards without slots of their own. */
  static even(names: readonly string[]): SlotMap {
    const boundary = (index: number): number => Math.floor((SLOTS * index) / names.length);
    return SlotMap.of(names.map((name, index) => ({ name, slots: `${boundary(index)}-${boundary(index + 1) - 1}` })));
  }

  shardOfSlot(slot: number): number {
    const shard = this.#shardBySlot[slot];
    if (shard === undefined) throw new RangeError(`${slot} is not a slot`);
    return shard;
  }

  shardOf(merchant: string): number {
    return this.shardOfSlot(slotOf(merchant));
  }

  /** Sorted, none touching the next. */
  rangesOf(shard: number): readonly SlotRange[] {
    return this.#ranges[shard] ?? [];
  }
}

function overlap(slot: number, one: string, other: string): SlotMapError {
  const message =
    one === other ? `slot ${slot} is named twice by shard ${one}` : `slot ${slot} belongs to both ${one} and ${other}`;
  return new SlotMapError(`${message}; every slot belongs to exactly one shard`);
}

function slotsWhere(shardBySlot: Uint16Array, shard: number): readonly SlotRange[] {
  const single: SlotRange[] = [];
  shardBySlot.forEach((value, slot) => {
    if (value === shard) single.push({ first: slot, last: slot });
  });
  return joinTouching(single);
}
