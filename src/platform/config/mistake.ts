/** Finds the first mistake of a document and says it in one line: which key, what is wrong, what would be right. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** What is read of a schema here; TypeBox schemas are JSON Schema. */
interface SchemaView {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaView>>;
  readonly additionalProperties?: boolean | SchemaView;
  readonly patternProperties?: Readonly<Record<string, SchemaView>>;
  readonly required?: readonly string[];
  readonly items?: SchemaView;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly expected?: string;
}

/** @returns the first mistake in document order, or null if the value fits the schema */
export function firstMistake(schema: TSchema, value: unknown): string | null {
  return mistakeAt(schema as SchemaView, value, '');
}

function mistakeAt(schema: SchemaView, value: unknown, path: string): string | null {
  if (schema.type === 'object') {
    if (!isObject(value)) return wrong(path, value, schema.expected ?? 'a group of keys');
    return mistakeInObject(schema, value, path);
  }
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return wrong(path, value, schema.expected ?? 'a list');
    if (schema.maxItems !== undefined && value.length > schema.maxItems) {
      return `${path}: has ${value.length} items, must have at most ${schema.maxItems}`;
    }
    if (value.length < (schema.minItems ?? 0))
      return `${path}: has ${value.length} items, must have at least ${schema.minItems}`;
    const items = schema.items;
    if (items === undefined) return null;
    for (const [index, item] of value.entries()) {
      const mistake = mistakeAt(items, item, `${path}[${index}]`);
      if (mistake !== null) return mistake;
    }
    return null;
  }
  return Value.Check(schema as TSchema, value) ? null : wrong(path, value, expectedOf(schema));
}

function mistakeInObject(schema: SchemaView, value: Readonly<Record<string, unknown>>, path: string): string | null {
  const properties = schema.properties ?? {};
  const others = Object.values(schema.patternProperties ?? {})[0] ?? schema.additionalProperties ?? true;
  for (const [key, member] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known !== undefined) {
      const mistake = mistakeAt(known, member, at);
      if (mistake !== null) return mistake;
    } else if (others === false) {
      return `${at}: there is no such key; ${suggestion(key, Object.keys(properties))}`;
    } else if (typeof others === 'object') {
      const mistake = mistakeAt(others, member, at);
      if (mistake !== null) return mistake;
    }
  }
  // A key with a default is filled in later: only one without must be given.
  const missing = (schema.required ?? []).find(
    (key) => !Object.hasOwn(value, key) && properties[key]?.default === undefined,
  );
  if (missing === undefined) return null;
  const described = properties[missing];
  return `${path === '' ? missing : `${path}.${missing}`}: is missing; must be ${described === undefined ? 'given' : expectedOf(described)}`;
}

const wrong = (path: string, value: unknown, expected: string): string =>
  `${path === '' ? 'the document' : path}: is ${shown(value)}, must be ${expected}`;

/** Completes "must be …". */
function expectedOf(schema: SchemaView): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  switch (schema.type) {
    case 'integer':
      return schema.minimum !== undefined && schema.maximum !== undefined
        ? `an integer from ${schema.minimum} to ${schema.maximum}`
        : 'an integer';
    case 'string':
      return schema.minLength === undefined ? 'a text' : 'a text that is not empty';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return 'a group of keys';
    default:
      return 'another value';
  }
}

/** Long or structured values are named by their kind: a line stays a line, and a secret in the wrong place stays unsaid. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of keys';
  const text = JSON.stringify(value);
  return text.length <= 40 && !text.includes('://') ? text : `a ${typeof value} of ${text.length - 2} characters`;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** "did you mean …?", or the whole list where nothing is near. */
export function suggestion(given: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (
    near !== undefined &&
    near.distance <= (near.name.length < 4 ? 1 : Math.max(2, Math.floor(near.name.length / 3)))
  ) {
    return `did you mean "${near.name}"?`;
  }
  return `known are ${known.join(', ')}`;
}

/** Insertions, deletions and replacements that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
