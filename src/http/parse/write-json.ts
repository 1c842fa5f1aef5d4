import type { BodyObject, BodyValue } from '../types.js';

/** JSON text of a value that was read, without spaces and with fields in their order. */
export function writeJson(value: BodyValue): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Map) {
    const members: string[] = [];
    for (const [key, member] of value as BodyObject) members.push(`${JSON.stringify(key)}:${writeJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return `[${(value as readonly BodyValue[]).map(writeJson).join(',')}]`;
}
