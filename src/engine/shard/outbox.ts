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
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  count = 0;

  get empty(): boolean {
    return this.count === 0;
  }

  /** Grows rather than refuses: a batch is bounded in records, so its answers are bounded too. */
  append(
    requestId: number,
    sizeMax: number,
    encode: (into: Uint8Array, view: DataView, offset: number) => number,
  ): void {
    this.#reserve(FRAME_HEADER_BYTES + sizeMax);
    const at = this.#used;
    const length = encode(this.#bytes, this.#view, at + FRAME_HEADER_BYTES);
    this.#view.setInt32(at, length, true);
    this.#view.setUint32(at + 4, requestId, true);
    // Frames stay 8-byte aligned, so that encoders may use 64-bit views.
    this.#used = at + FRAME_HEADER_BYTES + ((length + 7) & ~7);
    this.count++;
  }

  #reserve(more: number): void {
    if (this.#used + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#used + more + 8));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Sends frames from `from` on; returns the byte offset of the first that was not taken, or −1 when all were. */
  sendTo(sink: AnswerSink, from: number): number {
    let at = from;
    while (at < this.#used) {
      const length = this.#view.getInt32(at, true);
      if (!sink.send(this.#bytes, at + FRAME_HEADER_BYTES, length)) {
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
      yield this.#view.getUint32(at + 4, true);
      at += FRAME_HEADER_BYTES + ((this.#view.getInt32(at, true) + 7) & ~7);
    }
  }

  clear(): void {
    this.#used = 0;
    this.count = 0;
  }
}
