/**
 * Every request of a front comes through here: its route and its sender are found from the head alone, its number in
 * flight is bounded, and whatever its route throws is answered.
 */
import { errorByCode } from '../../ledger/errors.js';
import type { KeyTable } from '../auth/key-table.js';
import type { Asked, OnAnswered } from '../routes/call.js';
import { Call } from '../routes/call.js';
import type { FrontShard, RouteContext } from '../routes/context.js';
import { FrameCall } from '../routes/frame-call.js';
import type { Route } from '../routes/index.js';
import { SERVED_ROUTES } from '../routes/index.js';
import type { BodyForm } from '../routes/negotiate.js';
import { answerForm, bodyForm } from '../routes/negotiate.js';
import { readPlainFrame } from '../routes/plain-frame.js';
import { Router } from '../routes/router.js';
import { answerProblem, ServiceCall } from '../routes/service-call.js';
import type { Exchange, FrameSender, Opened, RequestHandler } from '../server/exchange.js';
import type { Principal } from '../types.js';
import { RequestProblem } from '../types.js';
import type { AdmissionControl } from './admission.js';
import { unitsOf } from './admission.js';

/** A request whose head was read. */
class Target implements Opened, Asked {
  /** Of the table of keys when the sender was looked up. */
  keysVersion = 0;
  route: Route | null = null;
  principal: Principal | null = null;
  segment = '';
  bodyForm: BodyForm = 'json';
  answerForm: BodyForm = 'json';
  bodyMax = 0;
  /** Work for the writer of its shard that it is counted as while it is under way; 0 for what only reads. */
  units = 0;
  problem: RequestProblem | null = null;

  constructor(
    readonly requestNumber: number,
    readonly paced: boolean,
  ) {}

  get stream(): boolean {
    return this.route?.spec.operationId === 'openStream';
  }
}

export interface HandlerOptions {
  readonly context: RouteContext;
  readonly keys: KeyTable;
  readonly admission: AdmissionControl;
  /** Requests that may be under way at a time; more are refused as `overloaded`. */
  readonly inFlightMax: number;
}

export class FrontHandler implements RequestHandler<Target> {
  readonly #context: RouteContext;
  readonly #keys: KeyTable;
  readonly #admission: AdmissionControl;
  readonly #inFlightMax: number;
  readonly #router = new Router(SERVED_ROUTES);
  #inFlight = 0;
  #draining = false;
  #whenIdle: (() => void) | null = null;
  readonly #answered: OnAnswered = (principal, units, paced, withoutRoom) => {
    if (units > 0) this.#admission.leave(principal, units, withoutRoom, paced);
    this.#inFlight--;
    if (this.#inFlight === 0) this.#whenIdle?.();
  };

  constructor(options: HandlerOptions) {
    this.#context = options.context;
    this.#keys = options.keys;
    this.#admission = options.admission;
    this.#inFlightMax = options.inFlightMax;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes no new request from here on. Resolves when the last one under way is answered. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  open(exchange: Exchange): Target {
    const target = new Target(this.#context.requestIds.next(), exchange.paced);
    // In the order of the error table: the first problem of several is the one that is answered.
    try {
      const { route, segment } = this.#router.match(exchange.method, exchange.path);
      target.route = route;
      target.segment = segment;
      target.bodyMax = route.spec.bodyMax;
      if (route.serve.auth) {
        target.keysVersion = this.#keys.version;
        target.principal = this.#principalOf(exchange);
      }
      target.answerForm = answerFormOf(exchange);
      if (exchange.headers.lengthBytes > 0 && target.bodyMax > 0) {
        target.bodyForm = bodyForm(exchange.headers.contentType, exchange.headers.contentEncoding);
      }
      // Reads are not counted: most never come to the writer, and those that wait for a fold would look like its queue.
      target.units = target.bodyMax > 0 ? unitsOf(exchange.headers.lengthBytes) : 0;
      // Here and not only when the body is whole: what is refused anyway is not worth the reading.
      target.problem = this.#crowdedOut(target);
    } catch (error) {
      target.problem = this.#problemOf(error, exchange);
    }
    return target;
  }

  run(exchange: Exchange, target: Target): void {
    const { route, principal } = target;
    if (route === null) throw new Error('a request without a route was run');
    if (!route.serve.auth) {
      this.#runOpen(exchange, target, route.serve.run);
      return;
    }
    if (principal === null) throw new Error('a request without a principal was run');
    const shard = this.#context.shard(principal.shard);
    const refusal = this.#refusal(exchange, target, shard);
    if (refusal !== null || shard === null) {
      this.refuse(exchange, refusal ?? shardAway(), target);
      return;
    }
    this.#inFlight++;
    if (target.units > 0) this.#admission.enter(principal, target.units, target.paced);
    const call = new Call(
      this.#context,
      exchange,
      target,
      principal,
      shard,
      this.#context.codecs(shard),
      this.#answered,
    );
    try {
      const running = route.serve.run(call);
      if (running instanceof Promise) running.catch((error: unknown) => call.fail(error));
    } catch (error) {
      call.fail(error);
    }
  }

  runFrame(frame: Uint8Array, sender: FrameSender<Target>): boolean {
    // Whatever speaks against a request is told by `open` and `run`.
    if (this.#draining || !this.#keys.available) return false;
    const principal = this.#keys.authenticate(sender.authorization);
    const shard = principal === null ? null : this.#context.shard(principal.shard);
    if (principal === null || shard === null) return false;
    const read = readPlainFrame(frame, sender, this.#context.parse);
    if (read === null) return false;
    const { count } = read;
    if (this.#inFlight + count > this.#inFlightMax) {
      read.leave();
      return false;
    }
    const target = new Target(this.#context.requestIds.next(count), true);
    target.principal = principal;
    sender.took(target, count, read.lastNumber);
    read.start(new FrameCall(this.#context, sender, principal, shard, target.requestNumber, this.#answered));
    for (let index = 0; index < count; index++) {
      this.#inFlight++;
      this.#admission.enter(principal, read.unitsOf(index), true);
      read.post(index);
    }
    return true;
  }

  creditsPerAnswer({ principal }: Target): number {
    const used = this.#inFlight / this.#inFlightMax;
    if (used > PACED_SHARE || (principal !== null && !this.#admission.hasRoom(principal))) return 0;
    return used > GROWING_SHARE ? 1 : 2;
  }

  refuse(exchange: Exchange, problem: RequestProblem, target: Target | null): void {
    const ids = this.#context.requestIds;
    const requestId = ids.text(target?.requestNumber ?? ids.next());
    this.#context.counters.answered(errorByCode(problem.code).status);
    answerProblem(exchange, problem, requestId, target === null ? null : this.#tokenFor(target));
  }

  #runOpen(exchange: Exchange, target: Target, run: (call: ServiceCall) => void | Promise<void>): void {
    const failed = (error: unknown): void => this.refuse(exchange, this.#problemOf(error, exchange), target);
    try {
      const requestId = this.#context.requestIds.text(target.requestNumber);
      const running = run(new ServiceCall(this.#context, exchange, requestId, target.answerForm));
      if (running instanceof Promise) running.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #principalOf(exchange: Exchange): Principal {
    if (!this.#keys.available) {
      throw new RequestProblem('keys_unavailable', 'The table of API keys is too old to be trusted.');
    }
    const { authorization } = exchange.headers;
    const principal = this.#keys.authenticate(authorization);
    if (principal !== null) return principal;
    const detail =
      authorization === '' ? 'Send Authorization: Bearer and an API key.' : 'The API key is not known or not in force.';
    throw new RequestProblem('unauthorized', detail);
  }

  /** What speaks against running the request now, though nothing is wrong with it. */
  #refusal(exchange: Exchange, target: Target, shard: FrontShard | null): RequestProblem | null {
    // While the body came in, the key may have been revoked.
    if (target.keysVersion !== this.#keys.version) {
      try {
        this.#principalOf(exchange);
      } catch (error) {
        return this.#problemOf(error, exchange);
      }
    }
    if (this.#inFlight >= this.#inFlightMax) {
      return new RequestProblem('overloaded', 'Too many requests are under way.');
    }
    if (shard === null) return shardAway();
    if (this.#draining) return new RequestProblem('draining', 'The engine is stopping.');
    // While the body came in, others may have filled the queue.
    return this.#crowdedOut(target);
  }

  #crowdedOut({ principal, units, paced }: Target): RequestProblem | null {
    if (paced || principal === null || units === 0) return null;
    const admission = this.#admission.judge(principal);
    if (admission === 'admitted') return null;
    return admission === 'overloaded' ? QUEUE_FULL : SHARE_HELD;
  }

  #problemOf(error: unknown, exchange: Exchange): RequestProblem {
    if (error instanceof RequestProblem) return error;
    this.#context.onError(error, `${exchange.method} ${exchange.path}`);
    return new RequestProblem('internal_error', errorByCode('internal_error').action);
  }

  /** Whoever is known gets a token with every answer. */
  #tokenFor({ principal }: Target): string | null {
    if (principal === null) return null;
    const shard = this.#context.shard(principal.shard);
    if (shard === null) return null;
    return this.#context.token(shard, principal, 0);
  }
}

/** Of all requests that may be under way: beyond it those who can be made to wait leave the room to the others. */
const PACED_SHARE = 0.5;
/** Up to here they get more of it: some thousands, which is as much as makes commits cheap. */
const GROWING_SHARE = 0.125;

/** Made once: under overload they are what is answered most. */
const QUEUE_FULL = new RequestProblem('overloaded', 'More waits for this shard than it can serve soon.');
const SHARE_HELD = new RequestProblem(
  'too_many_requests',
  'This merchant has more than its share of a busy shard under way.',
);

function answerFormOf(exchange: Exchange): BodyForm {
  const form = answerForm(exchange.headers.accept);
  if (form === null) throw new RequestProblem('not_acceptable', 'Answers are application/json or application/msgpack.');
  return form;
}

function shardAway(): RequestProblem {
  return new RequestProblem('shard_unavailable', 'The shard of this merchant cannot answer now.');
}
