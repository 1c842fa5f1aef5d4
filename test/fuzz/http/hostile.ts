/**
 * Requests that could be read as one or as two, before real engines: whatever a front makes of them, the request that
 * hides behind the first one must never reach the ledger. It carries a posting of its own, so that it would show there.
 */
import { raw } from '../../http/support/raw.js';
import { KEY } from './names.js';

export interface Hostile {
  readonly name: string;
  /** Bytes of a connection; with a pause of a second between them where there are several. */
  readonly parts: readonly string[];
  /** Statuses that may be answered; an end without any is allowed in any case. */
  readonly statuses: readonly number[];
}

const AUTHORIZATION = `Authorization: Bearer ${KEY}`;
const posting = (account: string): string =>
  `{"legs":[{"debit":"external/x","credit":"${account}","amount":1,"currency":"EUR"}],"open_accounts":true}`;

/** What must never be dispatched: a posting to an account that nothing else names. */
const body = posting('smuggled');
export const HIDDEN = `POST /v1/transactions HTTP/1.1\r\nHost: x\r\n${AUTHORIZATION}\r\nContent-Type: application/json\r\nIdempotency-Key: smuggled\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const REFUSED = [400, 405, 408, 411, 413, 431, 501, 505];

/** @param lines of the head beside Host, key and type */
function head(lines: readonly string[], line = 'POST /v1/transactions HTTP/1.1'): string {
  return [
    line,
    'Host: x',
    AUTHORIZATION,
    'Content-Type: application/json',
    'Idempotency-Key: outer',
    ...lines,
    '',
    '',
  ].join('\r\n');
}

/** Of so many bytes when the key stands in it, or some more. */
const longHead = (bytes: number): string => {
  const lines = (fill: number) => [`X: ${'a'.repeat(fill)}`, 'Content-Length: 0'];
  return head(lines(bytes - head(lines(0)).length));
};

const hostile = (name: string, ...parts: string[]): Hostile => ({ name, parts, statuses: REFUSED });
const outer = posting('outer');
const CHUNKED = 'Transfer-Encoding: chunked';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

export const HOSTILE: readonly Hostile[] = [
  hostile('two Content-Length, the first 0', head(['Content-Length: 0', `Content-Length: ${HIDDEN.length}`]) + HIDDEN),
  hostile('two Content-Length, the second 0', head([`Content-Length: ${HIDDEN.length}`, 'Content-Length: 0']) + HIDDEN),
  hostile('an empty Content-Length first', head(['Content-Length:', `Content-Length: ${HIDDEN.length}`]) + HIDDEN),
  hostile('an empty Content-Length last', head([`Content-Length: ${HIDDEN.length}`, 'Content-Length:']) + HIDDEN),
  hostile('an empty Content-Length alone', head(['Content-Length: ']) + HIDDEN),
  hostile('a Content-Length of blanks', head(['Content-Length: \t ']) + HIDDEN),
  ...['+5', '-1', '5, 5', '5,0', '0x5', '5 5', '5\0', '"5"', '1e1', '٥', '99999999999999999999', '9'.repeat(400)].map(
    (value) =>
      hostile(`Content-Length: ${JSON.stringify(value.slice(0, 30))}`, head([`Content-Length: ${value}`]) + HIDDEN),
  ),
  hostile('Content-Length and chunked', `${head(['Content-Length: 5', CHUNKED])}0\r\n\r\n${HIDDEN}`),
  hostile('chunked and Content-Length', `${head([CHUNKED, `Content-Length: ${HIDDEN.length + 5}`])}0\r\n\r\n${HIDDEN}`),
  hostile('Content-Length in odd letters and chunked', `${head(['cOnTeNt-LeNgTh: 3', CHUNKED])}0\r\n\r\n${HIDDEN}`),
  ...[
    'identity, chunked',
    'chunked, identity',
    'xchunked',
    'chunked, chunked',
    'gzip, chunked',
    'identity',
    '',
    'Chunked',
    '\tchunked',
    'chunked;q=1',
    'chun\x0bked',
  ].map((value) =>
    hostile(
      `Transfer-Encoding: ${JSON.stringify(value)}`,
      `${head([`Transfer-Encoding: ${value}`])}0\r\n\r\n${HIDDEN}`,
    ),
  ),
  hostile('two Transfer-Encoding', `${head(['Transfer-Encoding: identity', CHUNKED])}0\r\n\r\n${HIDDEN}`),
  hostile(
    'a space before the colon of Transfer-Encoding',
    head(['Transfer-Encoding : chunked', 'Content-Length: 0']) + HIDDEN,
  ),
  hostile('a space before the colon of Content-Length', head([`Content-Length : ${HIDDEN.length}`]) + HIDDEN),
  hostile('two Host', head(['Host: y', 'Content-Length: 0']) + HIDDEN),
  hostile('no Host', head([]).replace('Host: x\r\n', '') + HIDDEN),
  hostile('a folded field', head(['X: a', ' Content-Length: 0']) + HIDDEN),
  hostile('a folded Content-Length', head(['Content-Length:', ` ${HIDDEN.length}`]) + HIDDEN),
  hostile('a folded Transfer-Encoding', `${head(['Transfer-Encoding:', ' chunked'])}0\r\n\r\n${HIDDEN}`),
  hostile('bare line feeds', head([`Content-Length: ${outer.length}`]).replaceAll('\r\n', '\n') + outer + HIDDEN),
  hostile('a bare line feed before Content-Length', head([`X: a\nContent-Length: ${HIDDEN.length}`]) + HIDDEN),
  hostile(
    'a bare carriage return before Transfer-Encoding',
    `${head([`X: a\r${CHUNKED}`, 'Content-Length: 0'])}0\r\n\r\n${HIDDEN}`,
  ),
  hostile('a chunk extension', `${head([CHUNKED])}5;a=b\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
  hostile('a chunk extension with a line feed', `${head([CHUNKED])}5;a\nhello\r\n0\r\n\r\n${HIDDEN}`),
  hostile('a chunk of absurd size', `${head([CHUNKED])}ffffffffffffffffff\r\n${HIDDEN}`),
  hostile('a chunk of negative size', `${head([CHUNKED])}-1\r\n${HIDDEN}`),
  hostile('a chunk with 0x', `${head([CHUNKED])}0x0\r\n\r\n${HIDDEN}`),
  hostile('a chunk trailer', `${head([CHUNKED])}${chunk('hello')}0\r\nX: y\r\n\r\n${HIDDEN}`),
  hostile('a chunk without its end', `${head([CHUNKED])}5\r\nhello0\r\n\r\n${HIDDEN}`),
  hostile('chunks that are right', `${head([CHUNKED])}${chunk(outer)}0\r\n\r\n${HIDDEN}`),
  ...[4_097, 8_192, 8_193].map((bytes) => ({
    ...hostile(`a head of ${bytes.toLocaleString('en')} bytes`, longHead(bytes) + HIDDEN),
    statuses: [431],
  })),
  hostile('header fields of 64 KiB', head([`X: ${'a'.repeat(65_536)}`, `Content-Length: ${HIDDEN.length}`]) + HIDDEN),
  hostile(
    'a thousand header fields',
    head([...new Array<string>(1000).fill('X: y'), `Content-Length: ${HIDDEN.length}`]) + HIDDEN,
  ),
  hostile('a path of 64 KiB', head([], `GET /${'a'.repeat(65_536)} HTTP/1.1`) + HIDDEN),
  hostile('NUL in a value', head(['X: a\0b', 'Content-Length: 0']) + HIDDEN),
  hostile('NUL in a name', head(['X\0Y: a', 'Content-Length: 0']) + HIDDEN),
  hostile('NUL in the path', head([], 'GET /v1/accounts\0 HTTP/1.1') + HIDDEN),
  hostile('a GET with a body', head([`Content-Length: ${HIDDEN.length}`], 'GET /v1/accounts HTTP/1.1') + HIDDEN),
  hostile('a HEAD with a body', head([`Content-Length: ${HIDDEN.length}`], 'HEAD /v1/accounts HTTP/1.1') + HIDDEN),
  hostile(
    'HTTP/1.0',
    head([`Content-Length: ${HIDDEN.length}`, 'Connection: keep-alive'], 'POST /v1/transactions HTTP/1.0') + HIDDEN,
  ),
  hostile('HTTP/2.0', head([`Content-Length: ${HIDDEN.length}`], 'POST /v1/transactions HTTP/2.0') + HIDDEN),
  hostile('the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`),
  hostile('a line that is none', `hello\r\n\r\n${HIDDEN}`),
  hostile('a colon without a name', head([': x', `Content-Length: ${HIDDEN.length}`]) + HIDDEN),
  hostile(
    'a colon without a name behind a Content-Length, and chunked behind it',
    `${head(['Content-Length: 0', ': x', CHUNKED])}0\r\n\r\n${HIDDEN}`,
  ),
  hostile(
    'a colon without a name between two Content-Length',
    head(['Content-Length: 0', ': x', `Content-Length: ${HIDDEN.length}`]) + HIDDEN,
  ),
  // What stands before such a field may be answered by itself: the rest of the head is not seen.
  ...['GET /healthz', 'GET /v1/accounts', 'POST /v1/accounts/x/close'].map((line) => ({
    ...hostile(
      `a colon without a name in ${line}`,
      head([': x', `Content-Length: ${HIDDEN.length}`], `${line} HTTP/1.1`) + HIDDEN,
    ),
    statuses: [200, 404, ...REFUSED],
  })),
  hostile('a field without a colon', head(['Nonsense', `Content-Length: ${HIDDEN.length}`]) + HIDDEN),
  hostile('two Authorization', head(['Authorization: Bearer x', 'Content-Length: 0']) + HIDDEN),
  hostile('two Idempotency-Key', head(['Idempotency-Key: other', 'Content-Length: 0']) + HIDDEN),
  hostile('two Content-Type', head(['Content-Type: application/msgpack', 'Content-Length: 0']) + HIDDEN),
  hostile('a body over the limit', head([`Content-Length: ${2 ** 21}`]) + HIDDEN),
  hostile('a CONNECT', head([], 'CONNECT x:1 HTTP/1.1') + HIDDEN),
  hostile('an upgrade', `${head(['Connection: upgrade', 'Upgrade: h2c'], 'PUT /v1/transactions HTTP/1.1')}`),
  hostile(
    'a HEAD that is refused, and a request a second later',
    head(['Host: y'], 'HEAD /v1/accounts HTTP/1.1'),
    HIDDEN,
  ),
  hostile('half a head', head([]).slice(0, -20)),
  hostile('half a body', head([`Content-Length: ${outer.length}`]) + outer.slice(0, 20)),
  hostile('nothing', ''),
  hostile('a head of a byte a second', ...head([]).slice(0, 30)),
  hostile('a body of a byte a second', head([`Content-Length: ${outer.length}`]), ...outer.slice(0, 30)),
];

/** Sends it and waits for the end, which the front must make unless it has refused. @returns what it answered */
export async function attack(port: number, { parts, name }: Hostile, key: string): Promise<string> {
  const [first = '', ...later] = parts.map((part) => part.replaceAll(KEY, key));
  const answer = await raw(port, first, { later, timeoutMs: 14_000 });
  if (!answer.closed && answer.statuses.length === 0)
    throw new Error(`${name}: the connection is open after ${answer.tookMs} ms: ${answer.text.slice(0, 300)}`);
  return answer.statuses.join(' ');
}
