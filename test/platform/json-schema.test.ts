import { readFileSync, writeFileSync } from 'node:fs';
import type { TSchema } from 'typebox';
import { expect, test } from 'vitest';
import { ResultsSchema } from '../../bench/figures/schema.js';
import { KnobSchema } from '../../bench/knob/schema.js';
import { SoakSchema } from '../../bench/soak/schema.js';
import { ImportMapSchema } from '../../src/cli/import/map-schema.js';
import { jsonSchemaText } from '../../src/platform/config/json-schema.js';
import { ConfigSchema } from '../../src/platform/config/schema.js';

const files: readonly (readonly [file: string, schema: TSchema])[] = [
  ['config/millrace.schema.json', ConfigSchema],
  ['config/import-map.schema.json', ImportMapSchema],
  ['docs/bench.schema.json', ResultsSchema],
  ['docs/bench-knob.schema.json', KnobSchema],
  ['docs/bench-soak.schema.json', SoakSchema],
];

// Made anew by: MILLRACE_TEST_UPDATE=1 npx vitest run test/platform/json-schema.test.ts && npm run format
test.each(files)('%s says to others what the program checks', (file, schema) => {
  const text = jsonSchemaText(schema);
  if (process.env.MILLRACE_TEST_UPDATE !== undefined) writeFileSync(file, text);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(text));
});

test('nothing that has a default is required', () => {
  const schema = JSON.parse(jsonSchemaText(ConfigSchema)) as { readonly required?: readonly string[] };
  expect(schema.required).toBeUndefined();
});
