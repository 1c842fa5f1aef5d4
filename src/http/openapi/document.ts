/** The OpenAPI 3.1 document, as JSON text. */
export function openApiDocument(): string {
  throw new Error('not built yet');
}
