/** Status lines, made once: the hot path writes them as they are. */
import { STATUS_CODES } from 'node:http';

const lines: string[] = [];
for (const [status, reason] of Object.entries(STATUS_CODES)) lines[Number(status)] = `${status} ${reason ?? ''}`;

export function statusLine(status: number): string {
  return lines[status] ?? `${status}`;
}
