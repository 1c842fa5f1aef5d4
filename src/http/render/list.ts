/** `{ "data": […], "next_cursor": … }` of items that are JSON texts. */
export function renderList(items: readonly string[], nextCursor: string | null): string {
  return `{"data":[${items.join(',')}],"next_cursor":${nextCursor === null ? 'null' : JSON.stringify(nextCursor)}}`;
}

/** `{ "data": […] }`: all of an atomic batch, all accounts of a batch. */
export function renderAll(items: readonly string[]): string {
  return `{"data":[${items.join(',')}]}`;
}

/** One outcome of an independent batch; wrap them by {@link renderAll}. */
export function renderItem(status: number, body: string, replayed = false): string {
  const member = status < 300 ? 'transaction' : 'error';
  return `{"status":${status},"${member}":${body}${replayed ? ',"replayed":true' : ''}}`;
}
