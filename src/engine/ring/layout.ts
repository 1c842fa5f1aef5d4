/**
 * Where things stand in a ring's SharedArrayBuffer. All words are int32; cursors count bytes and wrap at 2^32, which
 * the capacity (a power of two) divides, so that their difference is always the number of bytes in use.
 *
 * ```
 *   byte    0  capacity
 *         128  published: up to here the producer has written whole records   (written by the producer only)
 *         132  how many records these are                                     (written by the producer only)
 *         256  released: up to here the consumer has let go of bytes          (written by the consumer only)
 *         260  large records that the consumer has let go of, in bytes        (written by the consumer only)
 *         264  deferred: topics for which the consumer need not be woken      (written by the consumer only)
 *         268  gathered: at this many records it wants the doorbell all the same  (written by the consumer only)
 *         384  parked: 1 while the consumer sleeps and wants the doorbell     (written by both)
 *         388  gathering: 1 while it waits for the producer to be idle        (written by both)
 *         512  records
 *
 *   record:   int32 length of the payload, int32 seal (`sealOf`: the length again, and a tag), payload, padding to 8 bytes
 * ```
 *
 * Cursors stand 128 bytes apart: processors fetch cache lines in pairs, and a line that both threads write would go to
 * and fro at every record.
 */

const WORD_BYTES = 4;

export const CAPACITY_WORD = 0;
export const PUBLISHED_WORD = 128 / WORD_BYTES;
export const PUBLISHED_RECORDS_WORD = PUBLISHED_WORD + 1;
export const RELEASED_WORD = 256 / WORD_BYTES;
export const LARGE_RELEASED_WORD = RELEASED_WORD + 1;
export const DEFERRED_WORD = RELEASED_WORD + 2;
export const GATHERED_WORD = RELEASED_WORD + 3;
export const PARKED_WORD = 384 / WORD_BYTES;
export const GATHERING_WORD = PARKED_WORD + 1;
export const DATA_BYTES = 512;

export const RECORD_HEADER_BYTES = 8;
/** Records begin at multiples of this, so that payloads can be read as float64 and int64. */
export const RECORD_ALIGNMENT = 8;

/** Apart in every byte, so that no tag becomes another by damage to one. */
export const Tag = {
  record: 0,
  /** Nothing: the rest of the ring up to its end, where the next record did not fit. */
  padding: 0x5a5a5a5a,
  /** The payload is the number of a large record, which travels beside the ring. */
  handle: 0x33333333,
} as const;

/**
 * The second word of a header: the complement of the length, with the tag in it. So a header says its length twice, and the
 * comparison that tells the tags apart sees damage to either word at no cost. Zeros are no header.
 */
export const sealOf = (lengthBytes: number, tag: number): number => ~lengthBytes ^ tag;

/**
 * What records are about, as bits. A consumer that will look into the ring by itself at a certain moment defers topics
 * until then: records of theirs do not ring. The topic of everything else is never deferred.
 */
export const TOPIC_ELSE = 1 << 31;
const TOPICS = 31;

/** The topic of a shard, by its index. */
export const topicOf = (shard: number): number => (shard < TOPICS ? 1 << shard : TOPIC_ELSE);

export const CAPACITY_BYTES_MIN = 1024;
export const CAPACITY_BYTES_MAX = 2 ** 30;

/** The bytes that a record takes in the ring. */
export const recordBytes = (payloadBytes: number): number =>
  (RECORD_HEADER_BYTES + payloadBytes + RECORD_ALIGNMENT - 1) & -RECORD_ALIGNMENT;

/**
 * Makes an empty ring.
 * @param capacityBytes a power of two from 1 KiB to 1 GiB; the largest record is a quarter of it
 */
export function createRing(capacityBytes: number): SharedArrayBuffer {
  const isPowerOfTwo = Number.isInteger(Math.log2(capacityBytes));
  if (!isPowerOfTwo || capacityBytes < CAPACITY_BYTES_MIN || capacityBytes > CAPACITY_BYTES_MAX) {
    throw new RangeError(`ring capacity must be a power of two from 1 KiB to 1 GiB, not ${capacityBytes} bytes`);
  }
  const shared = new SharedArrayBuffer(DATA_BYTES + capacityBytes);
  new Int32Array(shared)[CAPACITY_WORD] = capacityBytes;
  return shared;
}
