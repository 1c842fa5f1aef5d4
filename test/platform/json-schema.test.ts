import { expect, test } from 'vitest';
import { ImportMapSchema } from '../../src/cli/import/map-schema.js';
import { jsonSchemaText } from '../../src/platform/config/json-schema.js';
import { ConfigSchema } from '../../src/platform/config/schema.js';

// Made anew by: npx vitest run -u test/platform/json-schema.test.ts
test('the files for editors say what the program checks', async () => {
  await expect(jsonSchemaText(ConfigSchema)).toMatchFileSnapshot('../../config/millrace.schema.json');
  await expect(jsonSchemaText(ImportMapSchema)).toMatchFileSnapshot('../../config/import-map.schema.json');
});

test('nothing that has a default is required', () => {
  const schema = JSON.parse(jsonSchemaText(ConfigSchema)) as { readonly required?: readonly string[] };
  expect(schema.required).toBeUndefined();
});
