/** The OpenAPI document that the engine serves, held against each of its answers. */
import { Compile } from 'typebox/schema';
import { expect } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly properties?: { readonly code?: { readonly enum?: readonly string[] } };
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

export class ApiDocument {
  readonly #patterns: readonly { readonly path: RegExp; readonly item: Readonly<Record<string, Operation>> }[];
  readonly #checks = new Map<string, ReturnType<typeof Compile>>();

  constructor(readonly document: Document) {
    // Fixed paths first: `batch` is not an id.
    const paths = Object.entries(document.paths).sort(([a], [b]) => a.split('{').length - b.split('{').length);
    this.#patterns = paths.map(([path, item]) => ({
      path: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
      item,
    }));
  }

  static async of(url: string): Promise<ApiDocument> {
    return new ApiDocument((await (await fetch(`${url}/openapi.json`)).json()) as Document);
  }

  /** The status is one that the route declares, a success fits its schema, and a problem is one of those declared. */
  check(method: string, path: string, { status, body, text, headers }: ApiAnswer): void {
    const operation = this.#operation(method, path.replace(/\?.*$/, ''));
    if (operation === null) return;
    const said = operation.responses[status];
    expect(
      said,
      `${method} ${path} answers ${status}, which the document does not have: ${text.slice(0, 300)}`,
    ).toBeDefined();
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    const content = said?.content?.[type];
    expect(content, `${method} ${path} ${status} ${type}`).toBeDefined();
    // What is given in msgpack is decoded and compared with JSON where it is tested.
    if (content === undefined || !type.includes('json')) return;
    const { $ref, allOf } = content.schema;
    if ($ref !== undefined) this.#fits($ref, body, `${method} ${path}`);
    for (const part of allOf ?? []) {
      if (part.$ref !== undefined) this.#fits(part.$ref, body, `${method} ${path}`);
      if (part.properties?.code?.enum !== undefined)
        expect(part.properties.code.enum, `${method} ${path}`).toContain(body.code);
    }
  }

  #operation(method: string, path: string): Operation | null {
    for (const pattern of this.#patterns) {
      const operation = pattern.item[method.toLowerCase()];
      if (operation !== undefined && pattern.path.test(path)) return operation;
    }
    return null;
  }

  #fits(reference: string, body: unknown, asked: string): void {
    const name = reference.split('/').at(-1) ?? '';
    let check = this.#checks.get(name);
    if (check === undefined) {
      const schema = this.document.components.schemas[name];
      if (schema === undefined) throw new Error(`the document has no schema ${name}`);
      check = Compile(schema);
      this.#checks.set(name, check);
    }
    if (check.Check(body)) return;
    const [, errors] = check.Errors(body);
    throw new Error(
      `${asked}: not a ${name}: ${JSON.stringify(errors.slice(0, 5))} in ${JSON.stringify(body).slice(0, 500)}`,
    );
  }
}
