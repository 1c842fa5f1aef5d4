/** Which form a body has, and which form the answer takes. */
import { RequestProblem } from '../types.js';

export type BodyForm = 'json' | 'msgpack';

/** @throws RequestProblem `unsupported_media_type` */
export function bodyForm(contentType: string, contentEncoding: string): BodyForm {
  if (contentEncoding !== '' && contentEncoding.toLowerCase() !== 'identity') {
    throw new RequestProblem('unsupported_media_type', `A body in Content-Encoding ${contentEncoding} is not taken.`);
  }
  // The common spelling first, so that nothing is cut or lowered for it.
  if (contentType === 'application/json') return 'json';
  const type = mediaType(contentType);
  if (type === 'application/json') {
    const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1]?.toLowerCase();
    if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return 'json';
    throw new RequestProblem('unsupported_media_type', 'JSON is UTF-8 here.');
  }
  if (type === 'application/msgpack') return 'msgpack';
  const detail = contentType === '' ? 'Content-Type is missing.' : `Content-Type ${type} is not taken.`;
  throw new RequestProblem('unsupported_media_type', detail);
}

/** The form that Accept likes best; JSON where it does not care. null: it takes neither. */
export function answerForm(accept: string): BodyForm | null {
  if (accept === '' || accept === '*/*' || accept === 'application/json') return 'json';
  if (accept === 'application/msgpack') return 'msgpack';
  const json = quality(accept, 'application/json');
  const msgpack = quality(accept, 'application/msgpack');
  if (json <= 0 && msgpack <= 0) return null;
  return msgpack > json ? 'msgpack' : 'json';
}

/** The quality of the most specific range that covers the type; 0: refused. */
function quality(accept: string, type: string): number {
  let best = 0;
  let bestRank = 0;
  for (const range of accept.split(',')) {
    const name = mediaType(range);
    const rank = name === type ? 3 : name === 'application/*' ? 2 : name === '*/*' ? 1 : 0;
    if (rank <= bestRank) continue;
    bestRank = rank;
    const q = /;\s*q=([0-9.]+)/i.exec(range)?.[1];
    best = q === undefined ? 1 : Number(q);
  }
  return Number.isNaN(best) ? 0 : best;
}

function mediaType(field: string): string {
  const end = field.indexOf(';');
  return (end < 0 ? field : field.slice(0, end)).trim().toLowerCase();
}
