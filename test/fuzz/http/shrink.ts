/** Makes a finding short: fewer requests first, then fewer lines and bytes in the last of them. */
import type { Engines } from './engines.js';
import { Finding } from './pair.js';

/** So long that a person would wait for it, and a run of all tests does not stand still. */
const SHRINK_MAX_MS = 20_000;

/** The shortest that was found to fail still, on merchants of its own. The finding itself where none of it fails alone. */
export async function shrunk(engines: Engines, finding: Finding): Promise<Finding> {
  const until = performance.now() + SHRINK_MAX_MS;
  let best: Finding | null = null;
  const fails = async (requests: readonly string[]): Promise<boolean> => {
    if (performance.now() > until) return false;
    const found = await replayed(engines, requests);
    // Another fault than the one that was found is another story.
    if (found === null || kindOf(found) !== kindOf(finding)) return false;
    best = found;
    return true;
  };
  let requests = finding.requests;
  for (const count of [1, 2, 4, 8, 16, requests.length]) {
    const last = requests.slice(-count);
    if (!(await fails(last))) continue;
    requests = last;
    break;
  }
  if (best === null) return finding;
  requests = await withoutParts(requests, (parts) => parts, fails);
  const before = requests.slice(0, -1);
  const pieces = piecesOf(requests.at(-1) ?? '');
  await withoutParts(pieces, (parts) => [...before, joined(parts)], fails);
  return best;
}

const kindOf = ({ message }: Finding): string => message.replace(/\d+/g, '#').slice(0, 50);

/** @returns what is wrong when these are sent by a fresh merchant; null: nothing */
export async function replayed(engines: Engines, requests: readonly string[]): Promise<Finding | null> {
  const [pair] = await engines.strangers();
  try {
    for (const request of requests) await pair.askAlone(request);
    await pair.settled();
    await pair.probe();
    return null;
  } catch (error) {
    if (error instanceof Finding) return new Finding(error.message, requests, error.answers);
    throw error;
  }
}

/** Leaves out halves, quarters, … as long as what is left still fails. */
async function withoutParts(
  all: readonly string[],
  made: (parts: readonly string[]) => readonly string[],
  fails: (requests: readonly string[]) => Promise<boolean>,
): Promise<readonly string[]> {
  let parts = all;
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < parts.length && parts.length > 1; ) {
      const fewer = [...parts.slice(0, at), ...parts.slice(at + size)];
      if (fewer.length > 0 && (await fails(made(fewer)))) parts = fewer;
      else at += size;
    }
  }
  return made(parts);
}

/** Lines of the head, and the body by what JSON would part. */
function piecesOf(request: string): readonly string[] {
  const end = request.indexOf('\r\n\r\n');
  if (end < 0) return [...request];
  const lines = request
    .slice(0, end)
    .split('\r\n')
    .map((line) => `${line}\r\n`);
  return [...lines, '\r\n', ...(request.slice(end + 4).match(/[{}[\],:]|[^{}[\],:]+/g) ?? [])];
}

/** With the length that is left, where the length was announced at all. */
function joined(pieces: readonly string[]): string {
  const request = pieces.join('');
  const end = request.indexOf('\r\n\r\n');
  if (end < 0) return request;
  return (
    request.slice(0, end).replace(/^Content-Length: \d+$/m, `Content-Length: ${request.length - end - 4}`) +
    request.slice(end)
  );
}
