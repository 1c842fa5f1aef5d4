/** The requests of a frame that are all postings of the hot shape: beside each posting, what the stream knows of it. */
import { PlainPosts } from '../../engine/wire/plain-post.js';

/** Made to be used again for the next frame, like {@link PlainPosts}. */
export class PlainRequests {
  readonly posts = new PlainPosts();
  /** By request: the number that its client gave it, and the length of its body in bytes. */
  #numbers = new Float64Array(1);
  #bodyBytes = new Int32Array(1);

  get count(): number {
    return this.posts.count;
  }

  /** Memory that it holds. */
  get sizeBytes(): number {
    const { bytes, fields } = this.posts;
    return bytes.length + fields.byteLength + this.#numbers.byteLength + this.#bodyBytes.byteLength;
  }

  set(index: number, number: number, bodyBytes: number): void {
    if (index === this.#numbers.length) this.#grow();
    this.#numbers[index] = number;
    this.#bodyBytes[index] = bodyBytes;
  }

  numberOf(index: number): number {
    return this.#numbers[index] as number; // set for each posting
  }

  bodyBytesOf(index: number): number {
    return this.#bodyBytes[index] as number; // set for each posting
  }

  #grow(): void {
    const numbers = new Float64Array(this.#numbers.length * 2);
    const bodyBytes = new Int32Array(this.#bodyBytes.length * 2);
    numbers.set(this.#numbers);
    bodyBytes.set(this.#bodyBytes);
    this.#numbers = numbers;
    this.#bodyBytes = bodyBytes;
  }
}
