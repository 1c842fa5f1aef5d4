/**
 * The key in an Idempotency-Key header, quoted (a structured-field string) or bare.
 * @param header the field's value; empty or undefined where it was not sent
 * @throws RequestProblem `key_missing`, `key_invalid`
 */
export function parseIdempotencyKey(_header: string | undefined): string {
  throw new Error('not built yet');
}

/**
 * The `config_version` that an If-Match header names ("7" or 7); undefined for `*`, or where it was not sent.
 * @throws RequestProblem `invalid_field`
 */
export function parseIfMatch(_header: string | undefined): number | undefined {
  throw new Error('not built yet');
}
