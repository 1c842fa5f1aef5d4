/**
 * A ring of bytes in shared memory from one thread to one other: variable-length records, in order, without locks.
 * `producer.ts` writes, `consumer.ts` reads, `layout.ts` draws the memory, `channel.ts` adds a doorbell between event
 * loops and records of any size.
 */
export { RingConsumer } from './consumer.js';
export { createRing } from './layout.js';
export { RECORD_TOO_LARGE, RING_FULL, RingProducer } from './producer.js';
