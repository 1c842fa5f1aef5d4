/** Writes a tree as JSON or msgpack, in any of the spellings that mean the same. Bytes are latin1 characters. */
import type { Random } from '../support/random.js';
import type { Node } from './node.js';

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

export function toJson(node: Node, random: Random): string {
  const plain = random.chance(0.7);
  return plain ? json(node, null) : json(node, random);
}

function json(node: Node, random: Random | null): string {
  const gap = random === null ? '' : random.pick(['', '', ' ', '\n', '\t\r\n ']);
  switch (node.kind) {
    case 'object':
      return `{${node.members.map(([key, value]) => `${gap}${jsonText(key, random)}${gap}:${json(value, random)}`).join(',')}${gap}}`;
    case 'array':
      return `[${node.items.map((item) => `${gap}${json(item, random)}`).join(',')}${gap}]`;
    case 'string':
      return jsonText(node.text, random);
    case 'integer':
      return `${node.value}`;
    case 'boolean':
      return `${node.value}`;
    case 'null':
      return 'null';
    case 'raw':
      return node.json;
  }
}

function jsonText(text: string, random: Random | null): string {
  // Escapes lone surrogates by itself, which UTF-8 has no bytes for.
  const quoted = JSON.stringify(text);
  if (random === null || !random.chance(0.2)) return utf8(quoted);
  const escaped = [...Array(text.length).keys()].map((at) => {
    const unit = text.charCodeAt(at);
    return random.chance(0.5) || unit > 0x7e || unit < 0x20 || unit === 0x22 || unit === 0x5c
      ? `\\u${unit.toString(16).padStart(4, '0')}`
      : text[at];
  });
  return `"${escaped.join('')}"`;
}

export function toMsgpack(node: Node, random: Random): string {
  switch (node.kind) {
    case 'object':
      return (
        head(node.members.length, 0x80, 15, 0xde, random) +
        node.members.map(([key, value]) => msgpackText(key, random) + toMsgpack(value, random)).join('')
      );
    case 'array':
      return (
        head(node.items.length, 0x90, 15, 0xdc, random) + node.items.map((item) => toMsgpack(item, random)).join('')
      );
    case 'string':
      return msgpackText(node.text, random);
    case 'integer':
      return msgpackInteger(node.value, random);
    case 'boolean':
      return node.value ? '\xc3' : '\xc2';
    case 'null':
      return '\xc0';
    case 'raw':
      return node.msgpack;
  }
}

/** Lengths of maps and arrays: in the first byte, in 16 bits or in 32. */
function head(length: number, fixed: number, fixedMax: number, wide: number, random: Random): string {
  if (length <= fixedMax && !random.chance(0.05)) return String.fromCharCode(fixed | length);
  if (length <= 0xffff && !random.chance(0.1)) return String.fromCharCode(wide, length >> 8, length & 255);
  return String.fromCharCode(wide + 1) + bigEndian(BigInt(length), 4);
}

function msgpackText(text: string, random: Random): string {
  const bytes = utf8(text);
  const { length } = bytes;
  if (length < 32 && !random.chance(0.05)) return String.fromCharCode(0xa0 | length) + bytes;
  if (length < 256 && !random.chance(0.05)) return `\xd9${bigEndian(BigInt(length), 1)}${bytes}`;
  if (length < 65_536 && !random.chance(0.05)) return `\xda${bigEndian(BigInt(length), 2)}${bytes}`;
  return `\xdb${bigEndian(BigInt(length), 4)}${bytes}`;
}

function msgpackInteger(value: bigint, random: Random): string {
  const wider = random.chance(0.1);
  if (value >= 0n && value < 128n && !wider) return String.fromCharCode(Number(value));
  if (value < 0n && value >= -32n && !wider) return String.fromCharCode(Number(value) & 255);
  for (const [index, bytes] of [1, 2, 4, 8].entries()) {
    if (wider && bytes < 8 && random.chance(0.5)) continue;
    const bits = BigInt(bytes * 8);
    if (value >= 0n && value < 1n << bits) return String.fromCharCode(0xcc + index) + bigEndian(value, bytes);
    if (value < 0n && value >= -(1n << (bits - 1n))) return String.fromCharCode(0xd0 + index) + bigEndian(value, bytes);
  }
  // Beyond 64 bits there is no integer: a float, as some libraries would write it.
  const float = Buffer.alloc(8);
  float.writeDoubleBE(Number(value));
  return `\xcb${float.toString('latin1')}`;
}

export function bigEndian(value: bigint, bytes: number): string {
  return String.fromCharCode(
    ...Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 255n)),
  );
}
