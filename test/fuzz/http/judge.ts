/** What must hold for every answer of a front, whatever it was asked. Throws what is wrong in one line. */
import { METHODS } from 'node:http';
import { Unpackr } from 'msgpackr';
import type { ApiDocument } from '../../api/support/document.js';
import type { ProblemTable } from '../../api/support/problem.js';
import type { MaybeAnswer, WireAnswer } from './socket.js';

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

/** An answer as it is judged and compared. */
export interface Judged {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  /** Of a problem; empty for none. */
  readonly code: string;
  readonly text: string;
  // The document is the schema here.
  // biome-ignore lint/suspicious/noExplicitAny: checked against the served document before it is read
  readonly body: any;
  readonly headers: Headers;
  /** The front ended the connection, or said that it would. */
  readonly closed: boolean;
}

export const ENDED: Judged = { status: 0, code: '', text: '', body: null, headers: new Headers(), closed: true };

export interface Witnesses {
  readonly problems: ProblemTable;
  readonly document: ApiDocument;
  /** Of all merchants but the sender; asked at each answer, since merchants come while others are at it. */
  readonly foreignMarks: () => readonly string[];
}

/** @param sent the request as it went out */
export function judged(sent: string, answer: MaybeAnswer, witnesses: Witnesses): Judged {
  if (answer === null) return ENDED;
  const seen = read(answer, sent.startsWith('HEAD '));
  const leaked = witnesses.foreignMarks().find((mark) => seen.text.includes(mark));
  if (leaked !== undefined) throw new Error(`another merchant's mark ${leaked} in: ${seen.text.slice(0, 500)}`);
  // 505 is the native parser's word for what is no HTTP at all: it has no body, and the connection ends.
  if (seen.status >= 500 && !(seen.status === 505 && seen.closed && seen.body === null)) {
    const retry = seen.headers.get('retry-after');
    if (seen.status !== 503 || (retry === null && !sent.includes(' /readyz ')))
      throw new Error(`${seen.status}: ${seen.text.slice(0, 500)}`);
  }
  fitsDocument(sent, seen, witnesses);
  return seen;
}

function read(answer: WireAnswer, headOnly: boolean): Judged {
  const { status, headers, body: bytes, closes } = answer;
  const type = headers.get('content-type') ?? '';
  const text = bytes.toString();
  // The document is the schema here.
  // biome-ignore lint/suspicious/noExplicitAny: checked against the served document before it is read
  const body: any = headOnly || bytes.length === 0 ? null : bodyOf(type, text, bytes);
  const shown = type.includes('msgpack') && !headOnly ? JSON.stringify(body) : text;
  return { status, headers, text: shown, body, closed: closes, code: status >= 400 ? String(body?.code ?? '') : '' };
}

function bodyOf(type: string, text: string, bytes: Buffer): unknown {
  if (type.startsWith('text/')) return text;
  return type.includes('json') ? JSON.parse(text) : unpackr.unpack(bytes);
}

function fitsDocument(sent: string, seen: Judged, { problems, document }: Witnesses): void {
  // Below the API: what the parsers of the servers refuse, they answer with a bare status.
  if (seen.body === null || (seen.status >= 400 && seen.code === '' && !sent.includes(' /readyz '))) return;
  if (seen.status >= 400 && seen.code !== '') problems.check(seen);
  const line = /^([A-Z]+) (\/\S*) HTTP\/1\.1\r\n/.exec(sent);
  const [, method, path] = line ?? [];
  if (method === undefined || path === undefined) return;
  document.check(method, path, seen);
  if (seen.headers.get('content-type') !== 'application/msgpack') return;
  // The same content in the form that the document can be held against.
  document.check(method, path, { ...seen, headers: new Headers({ 'content-type': 'application/json' }) });
}

/** Refused before it was a request of the API, each server in its own way: the connection does not live on. */
export const isRefusedBelow = ({ status, code, closed }: Judged): boolean =>
  status === 0 || (closed && [400, 408, 411, 413, 431, 505].includes(status) && (code === '' || BELOW.has(code)));
const BELOW: ReadonlySet<string> = new Set([
  'request_framing',
  'length_required',
  'headers_too_large',
  'body_too_large',
  'request_timeout',
]);

/**
 * What servers read each in their own way, without harm: another request line than a method of HTTP, a path and 1.1, bytes
 * in the head that are not printable ASCII, bytes behind the request, a head of some thousand bytes, for which each has a
 * bound of its own. One may refuse at once, or end the connection over,
 * what the other answers; what both answer, they answer alike.
 */
export function isUnusual(template: string): boolean {
  const head = template.split('\r\n\r\n', 1)[0] ?? '';
  const method = /^[^ ]*/.exec(head)?.[0] ?? '';
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const hasMore = template.length > head.length + 4 + length;
  return (
    head.length > HEAD_BYTES_SURE ||
    hasMore ||
    !METHODS.includes(method) ||
    !REQUEST_LINE.test(head) ||
    // The native front takes a field without a name for the end of the head.
    head.includes('\r\n:') ||
    /[^\t\r\n -~]/.test(head)
  );
}

/**
 * Both fronts take heads up to 4,096 bytes. One counts the blanks in it that mean nothing and the other does not, and a
 * template is filled in before it is sent.
 */
const HEAD_BYTES_SURE = 4_000;
const REQUEST_LINE = /^[A-Z]+ \/\S* HTTP\/1\.1\r\n/;
const WRITING = /^(?:POST|PATCH) /;

/** What differs between the answers of two fronts to the same bytes; null where nothing does that may not. */
export function difference(template: string, one: Judged, other: Judged): string | null {
  if (one.status !== other.status || one.code !== other.code) {
    const refused = [one, other].filter(isRefusedBelow).length;
    // A statement follows the log at its own pace, from its account's opening on.
    if (template.includes('/entries') && [one, other].every(({ status }) => status === 200 || status === 404))
      return null;
    if (refused === 2 || (refused === 1 && isUnusual(template))) return null;
    return `${shown(one)} and ${shown(other)}`;
  }
  // Lists follow the log at their own pace; what is decided is the same at once.
  if (!WRITING.test(template) || one.body === null || isUnusual(template)) return null;
  const [a, b] = [comparable(one), comparable(other)];
  return a === b ? null : `${a} and ${b}`;
}

const shown = ({ status, code, text, closed }: Judged): string =>
  status === 0 ? 'nothing but the end' : `${status} ${code || text.slice(0, 200)}${closed ? ', closed,' : ''}`;

/** Without what is each engine's own: ids, times that its clock gave, and places after a request that only one took. */
function comparable({ text }: Judged): string {
  return text
    .replace(/(?:txn|req)_\w+/g, 'id')
    .replace(/"(?:created_at|effective_at|expires_at)":"[^"]*"/g, '"time"')
    .replace(/"(?:config_)?(?:sequence|version)":\d+/g, '"place"')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g, 'time');
}
