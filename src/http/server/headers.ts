/** The request's header fields that anything here reads, taken in one pass over them. */

export class RequestHeaders {
  authorization = '';
  contentType = '';
  accept = '';
  idempotencyKey = '';
  /** An empty field was sent all the same. */
  idempotencyKeySent = false;
  consistencyToken = '';
  ifMatch = '';
  contentLength = '';
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
    switch (name) {
      case 'content-length':
        this.contentLengthCount++;
        this.contentLength = value;
        return;
      case 'host':
        this.hostCount++;
        return;
      case 'transfer-encoding':
        this.transferEncodingCount++;
        this.transferEncoding = value;
        return;
      case 'authorization':
        this.authorization = this.#once(name, this.authorization, value);
        return;
      case 'content-type':
        this.contentType = this.#once(name, this.contentType, value);
        return;
      case 'idempotency-key':
        if (this.idempotencyKeySent) this.repeated ??= name;
        this.idempotencyKeySent = true;
        this.idempotencyKey = this.#once(name, this.idempotencyKey, value);
        return;
      case 'consistency-token':
        this.consistencyToken = this.#once(name, this.consistencyToken, value);
        return;
      case 'if-match':
        this.ifMatch = this.#once(name, this.ifMatch, value);
        return;
      case 'content-encoding':
        this.contentEncoding = this.#once(name, this.contentEncoding, value);
        return;
      case 'accept':
        this.accept = this.accept === '' ? value : `${this.accept}, ${value}`;
        return;
      case 'expect':
        this.expectsContinue = value.toLowerCase() === '100-continue';
        return;
      default:
    }
  }

  #once(name: string, before: string, value: string): string {
    if (before !== '') this.repeated ??= name;
    return value;
  }
}
