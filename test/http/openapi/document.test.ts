import { describe, expect, it } from 'vitest';
import { errorsOf, openApiDocument } from '../../../src/http/openapi/document.js';
import type { RouteSpec } from '../../../src/http/openapi/routes.js';
import { ROUTES } from '../../../src/http/openapi/routes.js';
import { ERRORS } from '../../../src/ledger/errors.js';

type Json = Readonly<Record<string, unknown>>;
const document = JSON.parse(openApiDocument()) as Json;
const routes: readonly RouteSpec[] = ROUTES;
const operations = Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

/** Every value in the document, with the keys that lead to it. */
function* walk(value: unknown, path: readonly string[] = []): Generator<readonly [readonly string[], unknown]> {
  yield [path, value];
  if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value)) yield* walk(member, [...path, key]);
}

describe('the OpenAPI document', () => {
  it('has the parts of version 3.1 and no others', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Millrace', version: expect.any(String) as string });
    expect(Object.keys(document).sort()).toEqual(['components', 'info', 'openapi', 'paths', 'servers', 'tags']);
    expect(Object.keys(document.components as Json).sort()).toEqual(['headers', 'schemas', 'securitySchemes']);
  });

  it('has no reference that leads nowhere', () => {
    const references = [...walk(document)]
      .filter(([path]) => path.at(-1) === '$ref')
      .map(([, target]) => target as string);
    expect(references.length).toBeGreaterThan(50);
    for (const reference of new Set(references)) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });

  it('describes each operation once, by a name of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(operations).toHaveLength(routes.length);
  });

  it('declares the parameters of each path, and none twice', () => {
    for (const { path, operation } of operations) {
      const parameters = operation.parameters as readonly Json[];
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map((parameter) => `{${parameter.name as string}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every((parameter) => parameter.required === true)).toBe(true);
      expect(parameters.every((parameter) => 'schema' in parameter)).toBe(true);
      const names = parameters.map((parameter) => `${parameter.in as string} ${parameter.name as string}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('gives every answer a description and a body, problems as application/problem+json', () => {
    for (const { path, method, operation } of operations) {
      const responses = Object.entries(operation.responses as Record<string, Json>);
      expect(
        responses.some(([status]) => /^(2|101$)/.test(status)),
        `${method} ${path}`,
      ).toBe(true);
      for (const [status, response] of responses) {
        expect(status).toMatch(/^([2-5]\d\d|101)$/);
        expect(response.description).not.toBe('');
        if (status === '101') continue;
        const types = Object.keys(response.content as Json);
        if (Number(status) >= 400 && `${path} ${status}` !== '/readyz 503')
          expect(types).toEqual(['application/problem+json']);
        else expect(types[0]).toBe(path === '/metrics' ? 'text/plain' : 'application/json');
      }
    }
  });

  it('has schemas of JSON Schema 2020-12 only', () => {
    const known = new Set(
      '$ref type properties required additionalProperties items anyOf allOf const enum minimum maximum minLength maxLength minItems maxItems minProperties maxProperties pattern patternProperties propertyNames format description default examples'.split(
        ' ',
      ),
    );
    const check = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [key, value] of Object.entries(schema)) {
        expect(known.has(key), `${path}/${key}`).toBe(true);
        if (key === 'pattern') new RegExp(value as string, 'u');
        if (key === 'properties' || key === 'patternProperties')
          for (const [name, member] of Object.entries(value as Json)) check(member, `${path}/${key}/${name}`);
        else if (key === 'anyOf' || key === 'allOf')
          for (const [i, member] of (value as readonly unknown[]).entries()) check(member, `${path}/${key}/${i}`);
        else if (['items', 'propertyNames', 'additionalProperties'].includes(key)) check(value, `${path}/${key}`);
      }
    };
    const { schemas } = document.components as Record<string, Json>;
    for (const [name, schema] of Object.entries(schemas as Json)) check(schema, name);
    for (const [path, value] of walk(document.paths)) if (path.at(-1) === 'schema') check(value, path.join('/'));
  });
});

describe('the table of routes', () => {
  it('names every problem of the error table somewhere', () => {
    const named = new Set(routes.flatMap((route) => errorsOf(route)));
    // No route: a path that there is not.
    expect(ERRORS.map((entry) => entry.code).filter((code) => !named.has(code))).toEqual(['not_found']);
  });

  it('has no two routes that one request fits', () => {
    const keys = routes.map((route) => `${route.method} ${route.path.replace(/\{\w+\}/g, '{}')}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('takes a key wherever it writes, and a body only there', () => {
    for (const route of routes) {
      expect(route.key === 'none', route.operationId).toBe(route.method === 'GET');
      expect(route.bodyMax > 0, route.operationId).toBe(route.method !== 'GET');
      expect(route.body !== undefined, route.operationId).toBe(route.method !== 'GET');
    }
  });
});
