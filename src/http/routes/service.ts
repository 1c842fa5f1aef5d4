/** Routes that need no API key: health, readiness, the API's own description. */
import { parseNoQuery } from '../parse/query.js';
import { renderErrorTable } from '../problem.js';
import type { ServiceCall } from './service-call.js';

export function getHealth(call: ServiceCall): void {
  parseNoQuery(call.exchange.query);
  call.ok(200, JSON.stringify({ status: 'ok', version: call.context.version }));
}

export function getReady(call: ServiceCall): void {
  parseNoQuery(call.exchange.query);
  const { ready, ...facts } = call.context.readiness();
  call.ok(ready ? 200 : 503, JSON.stringify({ status: ready ? 'ready' : 'not_ready', ...facts }));
}

export async function getMetrics(call: ServiceCall): Promise<void> {
  parseNoQuery(call.exchange.query);
  const { metrics } = call.context;
  call.okAs(metrics.contentType, await metrics.text());
}

export function getErrors(call: ServiceCall): void {
  parseNoQuery(call.exchange.query);
  call.ok(200, renderErrorTable());
}

export async function getOpenApi(call: ServiceCall): Promise<void> {
  parseNoQuery(call.exchange.query);
  // Schemas and the library that they are written in are loaded when somebody asks: a front is ready a quarter of a second sooner.
  const { openApiDocument } = await import('../openapi/document.js');
  call.ok(200, openApiDocument());
}
