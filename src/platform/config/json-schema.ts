/** JSON Schema for editors, from the schemas that the program itself validates by. */
import type { TSchema } from 'typebox';

/** `expected` is for our own messages; editors do not know it. */
const OWN_WORDS = new Set(['expected']);

/** As text. A key with a default need not be given, so it is not required. */
export function jsonSchemaText(schema: TSchema): string {
  const content = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...(plain(schema) as object) };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([key]) => !OWN_WORDS.has(key) && !key.startsWith('~'));
  const copy = Object.fromEntries(members.map(([key, member]) => [key, plain(member)]));
  return withoutDefaulted(copy);
}

function withoutDefaulted(schema: Record<string, unknown>): Record<string, unknown> {
  const { required, properties, ...rest } = schema;
  if (!Array.isArray(required) || typeof properties !== 'object' || properties === null) return schema;
  const members = properties as Readonly<Record<string, object>>;
  const needed = (required as string[]).filter((key) => !('default' in (members[key] ?? {})));
  return { ...rest, properties, ...(needed.length === 0 ? {} : { required: needed }) };
}
