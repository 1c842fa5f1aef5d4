/** Results in a file, as `--json` writes them. */
import { readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { type Results, ResultsSchema } from './schema.js';

/** @throws Error that names the file and the first thing that is wrong with it */
export function readResults(file: string): Results {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (Value.Check(ResultsSchema, value)) return value;
  const [first] = Value.Errors(ResultsSchema, value);
  throw new Error(`${file} holds no results of this bench: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
}
