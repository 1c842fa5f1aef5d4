/** Faults for bodies: one place of the tree is changed in a way that clients, attackers and broken libraries do. */
import type { Random } from '../support/random.js';
import { MARK } from './names.js';
import { array, boolean, integer, type Node, nothing, object, type Place, placesOf, raw, string } from './node.js';

const EDGES = [
  0n,
  -1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n,
  -(2n ** 63n),
];

/** Numbers and literals that are not integers, or not JSON; in msgpack the nearest there is. */
const SPELLINGS: readonly Node[] = [
  raw('1.0', '\xcb\x3f\xf0\0\0\0\0\0\0'),
  raw('1e3', '\xca\x44\x7a\0\0'),
  raw('-0', '\xcb\x80\0\0\0\0\0\0\0'),
  raw('1e400', '\xcb\x7f\xf0\0\0\0\0\0\0'),
  raw('NaN', '\xcb\x7f\xf8\0\0\0\0\0\0'),
  raw('01', '\xd3\0\0\0\0\0\0\0\x01'),
  raw('+1', '\xd0\x01'),
  raw('.5', '\xca\x3f\0\0\0'),
  raw('tru', '\xc1'),
  raw('', ''),
  raw('undefined', '\xd4\0\0'),
  raw("'x'", '\xc4\x01x'),
  raw('"\\ud800"', '\xa3\xed\xa0\x80'),
  raw('"\\u0000"', '\xa1\0'),
  raw('"\xff"', '\xa1\xff'),
  raw('"\\x41"', '\xd9\xff'),
  raw('"a', '\xa9a'),
  raw('{"a":1,}', '\x81\xa1a'),
  raw('[1,]', '\x92\x01'),
  raw('{a:1}', '\x81\x01\x01'),
  raw('/**/1', '\xd6\xff\0\0\0\0'),
  raw('9223372036854775808.0', '\xc7\x08\xff\0\0\0\0\0\0\0\0'),
  // Extensions that one packer knows by itself: records, references, big integers.
  raw('{}{}', '\xd4\x72\x40\x91\xa1a\x01'),
  raw('[][', '\xd6\x70\0\0\0\x01'),
  raw('1n', '\xc7\x09\x42\0\0\0\0\0\0\0\0\x01'),
  // Lengths that no body can keep.
  raw('[', '\xdd\xff\xff\xff\xff'),
  raw('{', '\xdf\xff\xff\xff\xff'),
  raw('"', '\xdb\xff\xff\xff\xff'),
];

const TEXTS = [
  '',
  ' ',
  '\0',
  '\n',
  'null',
  '1',
  '-1',
  '01',
  '1.0',
  '9223372036854775808',
  '99999999999999999999',
  '..',
  '/',
  'a//b',
  '../../etc/passwd',
  '%2e%2e%2f',
  "'; DROP TABLE log; --",
  '{{7*7}}#{1+1}',
  '\ud83d',
  '\ufeff',
  '\u202eabc',
  'e\u0301',
  'ＥＵＲ',
  'eur',
  '1970-01-01T00:00:00Z',
  '2024-02-30T00:00:00Z',
  '2024-01-01T24:00:00Z',
  '9999-12-31T23:59:59.9999999Z',
  'x'.repeat(129),
  'x'.repeat(256),
  'é'.repeat(1001),
  'x'.repeat(5000),
];

const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  '0',
  'ID',
  'é',
  'x'.repeat(300),
];

/** Wherever a value may stand. */
export function oddValue(random: Random): Node {
  return random.weighted<Node>([
    [4, () => random.pick(SPELLINGS)],
    [3, () => integer(random.pick(EDGES))],
    [3, () => string(random.pick(TEXTS))],
    [1, () => boolean(random.chance(0.5))],
    [1, () => nothing],
    [1, () => array([])],
    [1, () => object([])],
    [1, () => nested(random.pick([1, 7, 8, 9, 50]), random)],
    [1, () => array(Array.from({ length: random.pick([65, 129, 1000]) }, () => integer(1)))],
  ]);
}

function nested(depth: number, random: Random): Node {
  let node: Node = integer(1);
  for (let level = 0; level < depth; level++) node = random.chance(0.5) ? array([node]) : object([['a', node]]);
  return node;
}

/** Changes one place of the tree. */
export function mutate(root: { node: Node }, random: Random): void {
  const places = placesOf(root);
  const place = random.pick(places);
  random.weighted<void>([
    [6, () => place.replace(oddValue(random))],
    [3, () => place.remove?.()],
    [2, () => duplicate(place, random)],
    [2, () => addMember(place, random)],
    [1, () => renameMember(place, random)],
    [1, () => place.replace(random.chance(0.5) ? array([place.node]) : object([['value', place.node]]))],
    // What belongs elsewhere: a leg for a name, the body for a leg.
    [2, () => place.replace(structuredClone(random.pick(places).node))],
  ]);
}

function duplicate({ node, replace }: Place, random: Random): void {
  if (node.kind === 'object' && node.members.length > 0) {
    const [key, value] = random.pick(node.members);
    node.members.push([key, random.chance(0.5) ? structuredClone(value) : oddValue(random)]);
  } else if (node.kind === 'array' && node.items.length > 0) {
    const copies = random.pick([1, 1, 1, 64, 200]);
    const item = random.pick(node.items);
    for (let copy = 0; copy < copies; copy++) node.items.push(structuredClone(item));
  } else {
    replace(array([node, node]));
  }
}

function addMember({ node }: Place, random: Random): void {
  if (node.kind === 'object')
    node.members.push([random.pick(KEYS), random.chance(0.5) ? string(MARK) : oddValue(random)]);
  else if (node.kind === 'array') node.items.push(oddValue(random));
}

function renameMember({ node }: Place, random: Random): void {
  if (node.kind !== 'object' || node.members.length === 0) return;
  const at = random.below(node.members.length);
  const [key, value] = node.members[at] as readonly [string, Node];
  const other = random.pick([key.toUpperCase(), `${key} `, `${key}\0`, key.slice(1), random.pick(KEYS)]);
  node.members[at] = [other, value];
}

/** Bodies that are small on the way and large, deep or endless for a careless reader. */
export function bomb(form: 'json' | 'msgpack', random: Random): string {
  const count = random.pick([10_000, 200_000]);
  const bombs =
    form === 'json'
      ? [
          '['.repeat(count),
          '{"a":'.repeat(count),
          `[${'0,'.repeat(count)}0]`,
          `"${'\\u0041'.repeat(count)}"`,
          `${' '.repeat(count)}{}`,
        ]
      : [
          '\x91'.repeat(count),
          '\x81'.repeat(count),
          `\xdd\0\x0f\xff\xff${'\x80'.repeat(count)}`,
          `\xdb\xff\xff\xff\xff${'x'.repeat(count)}`,
        ];
  return random.pick([...bombs, form === 'json' ? '1'.repeat(count) : '\xdf\x7f\xff\xff\xff'.repeat(1000)]);
}
