/** Environment variables over the configuration file. */
import { ConfigError } from '../errors.js';
import { suggestion } from './mistake.js';
import { ConfigSchema } from './schema.js';
import { contentOf } from './yaml.js';

const PREFIX = 'MILLRACE_';
/** Variables that mean something else: the file's name, what clients use, the seed of simulations. */
const RESERVED = new Set(['MILLRACE_CONFIG', 'MILLRACE_URL', 'MILLRACE_KEY', 'MILLRACE_SEED']);

interface Tree {
  [key: string]: unknown;
}

/**
 * A copy of the document with what the environment sets.
 * @throws ConfigError where a variable names no key
 */
export function applyEnvironment(document: unknown, env: Readonly<Record<string, string | undefined>>): unknown {
  const merged = structuredClone(document);
  // Sorted: a variable for a whole list comes before those that reach into it.
  for (const [name, text] of variables(env)) {
    const path = pathOf(name);
    const top = path[0] ?? '';
    const known = Object.keys(ConfigSchema.properties);
    if (!known.includes(top)) throw new ConfigError(`${name}: there is no key ${top}; ${suggestion(top, known)}`);
    setAt(merged as Tree, path, yamlOf(name, text), name);
  }
  return merged;
}

/** The variable that set the key (such as `http.port` or `shards[0].url`) or a part of it; null where none did. */
export function variableFor(key: string, env: Readonly<Record<string, string | undefined>>): string | null {
  const dotted = key.replaceAll(/\[(\d+)\]/g, '.$1');
  const covers = (path: string): boolean =>
    path === dotted || dotted.startsWith(`${path}.`) || path.startsWith(`${dotted}.`);
  return variables(env).find(([name]) => covers(pathOf(name).join('.')))?.[0] ?? null;
}

/** Those that are meant for the configuration, by name. */
function variables(env: Readonly<Record<string, string | undefined>>): [name: string, text: string][] {
  return Object.entries(env)
    .filter((entry): entry is [string, string] => {
      const [name, text] = entry;
      const reserved = RESERVED.has(name) || name.startsWith('MILLRACE_TEST_');
      return text !== undefined && name.startsWith(PREFIX) && !reserved;
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const pathOf = (name: string): string[] => name.slice(PREFIX.length).toLowerCase().split('__');

function yamlOf(name: string, text: string): unknown {
  try {
    return contentOf(text);
  } catch {
    throw new ConfigError(`${name}: the value cannot be read as YAML; put it in quotes`);
  }
}

function setAt(tree: Tree, path: readonly string[], value: unknown, name: string): void {
  let at = tree;
  for (const [index, key] of path.slice(0, -1).entries()) {
    const next = path[index + 1] ?? '';
    at[key] ??= /^[0-9]+$/.test(next) ? [] : {};
    const member = at[key];
    if (typeof member !== 'object' || member === null)
      throw new ConfigError(`${name}: ${key} holds no keys of its own`);
    at = member as Tree;
  }
  const last = path.at(-1) ?? '';
  // Keys are lower case, so nothing that a prototype has can be meant.
  if (last === '__proto__' || last === '') throw new ConfigError(`${name}: names no key`);
  at[last] = value;
}
