/** The heads of msgpack: what follows one, and how long it is. https://github.com/msgpack/msgpack/blob/master/spec.md */

/** Heads of integers in 1, 2, 4 and 8 bytes, unsigned and signed. */
const FIRST_INTEGER = 0xcc;
const LAST_INTEGER = 0xd3;

export const isInteger = (head: number): boolean => head >= FIRST_INTEGER && head <= LAST_INTEGER;

/** A place in a document. */
export class MsgpackCursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #overrun: () => never;
  at = 0;

  /** @param overrun called where the document ends within a value */
  constructor(bytes: Uint8Array, overrun: () => never) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#overrun = overrun;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Takes `count` bytes; returns where they begin. */
  take(count: number): number {
    const at = this.at;
    if (count > this.left) this.#overrun();
    this.at = at + count;
    return at;
  }

  head(): number {
    return this.bytes[this.take(1)] as number; // taken, so it is there
  }

  /** Behind a head of {@link isInteger}; those of 64 bits are bigints. */
  integer(head: number): number | bigint {
    const view = this.#view;
    switch (head) {
      case 0xcc:
        return view.getUint8(this.take(1));
      case 0xcd:
        return view.getUint16(this.take(2));
      case 0xce:
        return view.getUint32(this.take(4));
      case 0xcf:
        return view.getBigUint64(this.take(8));
      case 0xd0:
        return view.getInt8(this.take(1));
      case 0xd1:
        return view.getInt16(this.take(2));
      case 0xd2:
        return view.getInt32(this.take(4));
      default:
        return view.getBigInt64(this.take(8));
    }
  }

  /** Bytes of the string whose head it is; −1: it is none's. */
  stringLength(head: number): number {
    if (head >= 0xa0 && head < 0xc0) return head & 0x1f;
    if (head === 0xd9) return this.#view.getUint8(this.take(1));
    return this.#wideLength(head - 0xda);
  }

  /** Items of the array whose head it is; −1: it is none's. */
  arrayLength(head: number): number {
    return head >= 0x90 && head < 0xa0 ? head & 0x0f : this.#wideLength(head - 0xdc);
  }

  /** Members of the map whose head it is; −1: it is none's. */
  mapLength(head: number): number {
    return head >= 0x80 && head < 0x90 ? head & 0x0f : this.#wideLength(head - 0xde);
  }

  /** @param which 0: in 16 bits, 1: in 32 */
  #wideLength(which: number): number {
    if (which === 0) return this.#view.getUint16(this.take(2));
    return which === 1 ? this.#view.getUint32(this.take(4)) : -1;
  }
}
