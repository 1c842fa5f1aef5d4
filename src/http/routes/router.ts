/**
 * Finds the route of a path. Paths are matched as they were sent: a name's own slashes are percent-encoded, so
 * `/v1/accounts/a%2Fclose` is the account `a/close`, and `/v1/accounts/a/close` closes `a`.
 */
import { RequestProblem } from '../types.js';
import type { Route } from './index.js';
import { MethodProblem } from './service-call.js';

export interface Matched {
  readonly route: Route;
  /** What stands for `{id}` or `{name}`, as it was sent; empty where the path has none. */
  readonly segment: string;
}

type ByMethod = Map<string, Route>;
type MatchedByMethod = Map<string, Matched>;

/** Paths with one parameter: what stands before it and after it. */
interface Pattern {
  readonly before: string;
  readonly after: string;
  readonly byMethod: ByMethod;
}

export class Router {
  readonly #fixed = new Map<string, MatchedByMethod>();
  // What was asked for last, since most requests are for the same: comparing is faster than hashing.
  #lastMethod = '';
  #lastPath = '';
  #lastMatched: Matched | null = null;
  readonly #patterns: Pattern[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  /** @throws RequestProblem `not_found`, `method_not_allowed` */
  match(method: string, path: string): Matched {
    if (this.#lastMatched !== null && path === this.#lastPath && method === this.#lastMethod) return this.#lastMatched;
    const wanted = method === 'HEAD' ? 'GET' : method;
    const fixed = this.#fixed.get(path);
    const exact = fixed?.get(wanted);
    if (exact !== undefined) {
      this.#lastMethod = method;
      this.#lastPath = path;
      this.#lastMatched = exact;
      return exact;
    }
    // `batch` may be the name of an account too: where the fixed path has another method, the pattern is asked.
    for (const { before, after, byMethod } of this.#patterns) {
      const route = byMethod.get(wanted);
      const segment = route === undefined ? null : segmentOf(path, before, after);
      if (route !== undefined && segment !== null) return { route, segment };
    }
    throw this.#unmatched(method, path);
  }

  #unmatched(method: string, path: string): RequestProblem {
    const allowed = new Set(this.#fixed.get(path)?.keys());
    for (const { before, after, byMethod } of this.#patterns) {
      if (segmentOf(path, before, after) === null) continue;
      for (const other of byMethod.keys()) allowed.add(other);
    }
    if (allowed.size === 0) return new RequestProblem('not_found', 'There is nothing at this path.');
    if (allowed.has('GET')) allowed.add('HEAD');
    return new MethodProblem(method, [...allowed].join(', '));
  }

  #add(route: Route): void {
    const { method, path } = route.spec;
    const start = path.indexOf('{');
    if (start >= 0) {
      this.#methodsOf(path, start).set(method, route);
      return;
    }
    const byMethod: MatchedByMethod = this.#fixed.get(path) ?? new Map();
    this.#fixed.set(path, byMethod.set(method, { route, segment: '' }));
  }

  #methodsOf(path: string, start: number): ByMethod {
    const before = path.slice(0, start);
    const after = path.slice(path.indexOf('}') + 1);
    const known = this.#patterns.find((pattern) => pattern.before === before && pattern.after === after);
    if (known !== undefined) return known.byMethod;
    const byMethod: ByMethod = new Map();
    this.#patterns.push({ before, after, byMethod });
    return byMethod;
  }
}

function segmentOf(path: string, before: string, after: string): string | null {
  if (!path.startsWith(before) || !path.endsWith(after)) return null;
  const segment = path.slice(before.length, path.length - after.length);
  return segment === '' || segment.includes('/') ? null : segment;
}
