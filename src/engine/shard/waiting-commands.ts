/**
 * Commands that came while the gathering batch was full, in their order. They are kept as the bytes that came, one behind
 * the other in memory that is used again: under lasting load every command comes through here, and a buffer and a view for
 * each of them cost the worker as much as deciding it.
 *
 * A frame is an int32 length, four bytes of nothing, and the command, at a multiple of 8 as in a ring.
 */
import { RECORD_HEADER_BYTES, recordBytes } from '../ring/layout.js';
import type { FrontLink } from './front-link.js';

const START_BYTES = 1 << 16;
/** More than some ten thousand postings take: of a flood of larger ones the memory goes when it is over. */
const KEPT_BYTES_MAX = 1 << 24;

/** Takes one command; its bytes are good until this returns. */
export type OnWaiting = (link: FrontLink, bytes: Uint8Array, view: DataView, offset: number, length: number) => void;

export class WaitingCommands {
  #bytes = new Uint8Array(START_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** Of the oldest frame, and behind the newest. */
  #from = 0;
  #to = 0;
  /** Who sent them; those before `#oldest` have gone. */
  #links: FrontLink[] = [];
  #oldest = 0;

  get count(): number {
    return this.#links.length - this.#oldest;
  }

  /** @param view of the same memory as `bytes` */
  push(link: FrontLink, bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    const size = recordBytes(length);
    if (this.#to + size > this.#bytes.length) this.#makeRoom(size);
    const into = this.#view;
    const at = this.#to + RECORD_HEADER_BYTES;
    into.setInt32(this.#to, length, true);
    // A loop over words: `set` wants a view of the source made for it.
    const whole = length & ~3;
    for (let done = 0; done < whole; done += 4) into.setInt32(at + done, view.getInt32(offset + done));
    for (let done = whole; done < length; done++) into.setUint8(at + done, bytes[offset + done] as number); // within it
    this.#to += size;
    this.#links.push(link);
  }

  /** Hands over the oldest, which waits no more. @returns false where none waits */
  take(onWaiting: OnWaiting): boolean {
    const link = this.#links[this.#oldest];
    if (link === undefined) return false;
    const bytes = this.#bytes;
    const view = this.#view;
    const at = this.#from;
    const length = view.getInt32(at, true);
    this.#from += recordBytes(length);
    this.#oldest++;
    onWaiting(link, bytes, view, at + RECORD_HEADER_BYTES, length);
    if (this.count === 0) this.#clear();
    return true;
  }

  #clear(): void {
    this.#from = 0;
    this.#to = 0;
    this.#links.length = 0;
    this.#oldest = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#move(START_BYTES);
  }

  /** Behind the newest: the place of those that have gone, or memory of twice the size. */
  #makeRoom(size: number): void {
    this.#links = this.#links.slice(this.#oldest);
    this.#oldest = 0;
    const used = this.#to - this.#from;
    let length = this.#bytes.length;
    while (used + size > length >> 1) length *= 2;
    this.#move(length);
  }

  /** Always to other memory: a command that is being handed over stays where it is. */
  #move(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(this.#from, this.#to));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#to -= this.#from;
    this.#from = 0;
  }
}
