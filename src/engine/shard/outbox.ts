/**
 * Answers that wait for a commit, already encoded, for one front. They are written when a command is applied and sent
 * when what they saw is committed; a batch that fails sends refusals to the same requests in their place.
 *
 * A frame is an int32 length, an int32 request id and the encoded answer.
 */
const FRAME_HEADER_BYTES = 8;

/** Where answers go: the way back to one front. */
export interface AnswerSink {
  /** False where the way back is full: nothing was taken. */
  send(bytes: Uint8Array, offset: number, length: number): boolean;
  /** Makes all that was sent visible to the front. */
  flush(): void;
}

export class Outbox {
  /** Where answers are encoded. Read it anew after each `claim`. */
  bytes = new Uint8Array(4096);
  view = new DataView(this.bytes.buffer);
  #used = 0;
  count = 0;

  get empty(): boolean {
    return this.count === 0;
  }

  /**
   * Takes up an answer of this length. Grows rather than refuses: a batch is bounded in records, so its answers are
   * bounded too.
   * @returns where to encode it, a multiple of 8
   */
  claim(requestId: number, length: number): number {
    const size = FRAME_HEADER_BYTES + ((length + 7) & ~7);
    if (this.#used + size > this.bytes.length) this.#grow(size);
    const at = this.#used;
    this.view.setInt32(at, length, true);
    this.view.setUint32(at + 4, requestId, true);
    this.#used = at + size;
    this.count++;
    return at + FRAME_HEADER_BYTES;
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.#used + more));
    grown.set(this.bytes.subarray(0, this.#used));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Sends frames from `from` on; returns the byte offset of the first that was not taken, or −1 when all were. */
  sendTo(sink: AnswerSink, from: number): number {
    let at = from;
    while (at < this.#used) {
      const length = this.view.getInt32(at, true);
      if (!sink.send(this.bytes, at + FRAME_HEADER_BYTES, length)) {
        sink.flush();
        return at;
      }
      at += FRAME_HEADER_BYTES + ((length + 7) & ~7);
    }
    sink.flush();
    return -1;
  }

  /** The requests that wait here, in order. */
  *requestIds(): Generator<number> {
    for (let at = 0; at < this.#used; ) {
      yield this.view.getUint32(at + 4, true);
      at += FRAME_HEADER_BYTES + ((this.view.getInt32(at, true) + 7) & ~7);
    }
  }

  clear(): void {
    this.#used = 0;
    this.count = 0;
  }
}
