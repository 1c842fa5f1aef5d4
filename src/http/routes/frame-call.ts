/** What all requests have in common of a frame that is done at one go. */
import type { FrameSender, LateFields } from '../server/exchange.js';
import type { Principal } from '../types.js';
import type { OnAnswered } from './call.js';
import { Call } from './call.js';
import type { Codecs, FrontShard, RouteContext } from './context.js';

const CREATED = 201;

export class FrameCall implements LateFields {
  readonly codecs: Codecs;
  /** Of the answer that was given last. */
  sequence = 0;

  constructor(
    readonly context: RouteContext,
    readonly sender: FrameSender,
    readonly principal: Principal,
    readonly shard: FrontShard,
    /** Of the first request; the others follow. */
    readonly requestNumber: number,
    readonly onAnswered: OnAnswered,
  ) {
    this.codecs = context.codecs(shard);
  }

  token(): string {
    return this.context.token(this.shard, this.principal, this.sequence);
  }

  /** A request was answered with what it posted. */
  posted(units: number): void {
    this.context.counters.answered(CREATED);
    this.onAnswered(this.principal, units, true, 0);
  }

  /** One of the requests as if it had come by itself, to be answered by its call. */
  callOf(index: number, number: number, units: number): Call {
    const asked = {
      requestNumber: this.requestNumber + index,
      units,
      paced: true,
      segment: '',
      bodyForm: 'msgpack',
      answerForm: 'msgpack',
    } as const;
    const { context, principal, shard, codecs, onAnswered } = this;
    return new Call(context, this.sender.exchangeFor(number), asked, principal, shard, codecs, onAnswered);
  }
}
