/**
 * Where one request ends and the next begins. A request is taken only if no two servers could disagree about that:
 * exactly one Host, at most one Content-Length of digits, no Transfer-Encoding. Everything else is refused and its
 * connection closed, because what follows on it cannot be trusted to be a request.
 */
import type { ErrorCode } from '../../ledger/errors.js';
import { RequestProblem } from '../types.js';
import type { RequestHeaders } from './headers.js';

/** What is wrong with the framing, or null. */
export function framingProblem(method: string, headers: RequestHeaders): RequestProblem | null {
  if (headers.transferEncodingCount > 0) return transferEncodingProblem(headers);
  if (headers.contentLengthCount > 1) return refuse('request_framing', 'Content-Length is sent more than once.');
  if (headers.lengthBytes < 0) {
    return refuse('request_framing', 'Content-Length is not a number of bytes.');
  }
  if (headers.hostCount !== 1) return refuse('request_framing', 'Host must be sent exactly once.');
  if (headers.repeated !== null) return refuse('request_framing', `${headers.repeated} is sent more than once.`);
  if (headers.lengthBytes > 0 && (method === 'GET' || method === 'HEAD')) {
    return refuse('request_framing', `${method} takes no body.`);
  }
  return null;
}

function transferEncodingProblem(headers: RequestHeaders): RequestProblem {
  const plainChunked =
    headers.transferEncodingCount === 1 &&
    headers.contentLengthCount === 0 &&
    headers.transferEncoding.trim().toLowerCase() === 'chunked';
  return plainChunked
    ? refuse('length_required', 'Chunked bodies are not taken: send Content-Length.')
    : refuse('request_framing', 'Transfer-Encoding is not taken: send Content-Length alone.');
}

function refuse(code: ErrorCode, detail: string): RequestProblem {
  return new RequestProblem(code, detail);
}
