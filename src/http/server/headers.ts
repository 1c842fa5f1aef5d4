/** The request's header fields that anything here reads, taken in one pass over them. */

/** Longer numbers of bytes are refused. */
const LENGTH_DIGITS_MAX = 15;
const ZERO = 0x30;

export class RequestHeaders {
  authorization = '';
  contentType = '';
  accept = '';
  idempotencyKey = '';
  /** An empty field was sent all the same. */
  idempotencyKeySent = false;
  consistencyToken = '';
  ifMatch = '';
  /** Bytes of body that are announced; 0 where none are, −1 where it is not said in 1 to 15 digits. */
  lengthBytes = 0;
  transferEncoding = '';
  /** How often each came. */
  contentLengthCount = 0;
  hostCount = 0;
  transferEncodingCount = 0;
  /** Asks for "100 Continue" before it sends the body. */
  expectsContinue = false;
  contentEncoding = '';
  /** The first field of those with one value that came more than once, or null. */
  repeated: string | null = null;

  /** @param name in lower case */
  add(name: string, value: string): void {
    // By length first: most names are then compared with one other at most.
    switch (name.length) {
      case 4:
        if (name === 'host') this.hostCount++;
        return;
      case 6:
        if (name === 'accept') this.accept = this.accept === '' ? value : `${this.accept}, ${value}`;
        else if (name === 'expect') this.expectsContinue = value.toLowerCase() === '100-continue';
        return;
      case 8:
        if (name === 'if-match') this.ifMatch = this.#once(name, this.ifMatch, value);
        return;
      case 12:
        if (name === 'content-type') this.contentType = this.#once(name, this.contentType, value);
        return;
      case 13:
        if (name === 'authorization') this.authorization = this.#once(name, this.authorization, value);
        return;
      case 14:
        if (name === 'content-length') this.#addLength(value);
        return;
      case 15:
        if (name === 'idempotency-key') this.#addKey(name, value);
        return;
      case 16:
        if (name === 'content-encoding') this.contentEncoding = this.#once(name, this.contentEncoding, value);
        return;
      case 17:
        if (name === 'transfer-encoding') this.#addTransferEncoding(value);
        else if (name === 'consistency-token') this.consistencyToken = this.#once(name, this.consistencyToken, value);
        return;
      default:
    }
  }

  #addLength(value: string): void {
    this.contentLengthCount++;
    this.lengthBytes = byteCount(value);
  }

  #addKey(name: string, value: string): void {
    if (this.idempotencyKeySent) this.repeated ??= name;
    this.idempotencyKeySent = true;
    this.idempotencyKey = value;
  }

  #addTransferEncoding(value: string): void {
    this.transferEncodingCount++;
    this.transferEncoding = value;
  }

  #once(name: string, before: string, value: string): string {
    if (before !== '') this.repeated ??= name;
    return value;
  }
}

/** A number of bytes in 1 to 15 digits; −1 for everything else. */
function byteCount(text: string): number {
  if (text.length === 0 || text.length > LENGTH_DIGITS_MAX) return -1;
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    count = count * 10 + digit;
  }
  return count;
}
