/** Answers onto the ring of one front. */
import { viewOf } from '../../ledger/words.js';
import type { ChannelProducer } from '../ring/channel.js';
import type { AnswerSink } from './outbox.js';

/** Up to here, as most answers are, a loop over words is faster than a call of `set`, which wants a view made for it. */
const LOOP_BYTES_MAX = 128;

export class RingSink implements AnswerSink {
  readonly #producer: ChannelProducer;

  constructor(producer: ChannelProducer) {
    this.#producer = producer;
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    const producer = this.#producer;
    const to = producer.claim(length);
    if (to < 0) return false;
    const { target } = producer;
    if (length > LOOP_BYTES_MAX) target.bytes.set(bytes.subarray(offset, offset + length), to);
    else {
      const words = viewOf(bytes);
      const whole = length & ~3;
      for (let at = 0; at < whole; at += 4) target.view.setInt32(to + at, words.getInt32(offset + at));
      for (let at = whole; at < length; at++) target.bytes[to + at] = bytes[offset + at] as number;
    }
    producer.commit(length);
    return true;
  }

  flush(): void {
    this.#producer.publish();
  }
}
