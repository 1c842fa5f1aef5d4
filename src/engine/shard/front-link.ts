/**
 * The way back to one front, as a worker sees it. When the ring is full, answers wait here in order and go out as the
 * front drains: they are bounded by the requests that the front may have in flight.
 */
import type { ChannelConsumer } from '../ring/channel.js';
import type { AnswerSink } from './outbox.js';
import { Outbox } from './outbox.js';

const RETRY_MS = 1;
const SPARES_MAX = 32;

/** The ring that a front's commands come from. */
export type CommandSource = Pick<ChannelConsumer, 'gather' | 'gatherOn' | 'gathers' | 'gatherNoMore'>;

export class FrontLink {
  readonly #sink: AnswerSink;
  #backlog: { readonly outbox: Outbox; from: number }[] = [];
  #retry: NodeJS.Timeout | null = null;
  #spares: Outbox[] = [];
  #closed = false;

  /** What brings this front's commands. */
  #commands: CommandSource | null = null;
  /** Shards that wait for what this front may bring. */
  #waiting = 0;

  constructor(
    readonly front: number,
    sink: AnswerSink,
  ) {
    this.#sink = sink;
  }

  takesCommandsFrom(commands: CommandSource): void {
    this.#commands = commands;
  }

  /** A shard waits for so many commands, or for the front to have nothing more to do. Said before answers go out. */
  gather(records: number): void {
    this.#waiting++;
    this.#commands?.gather(records);
  }

  /** A shard that waits already waits for so many more. */
  gatherOn(records: number): void {
    this.#commands?.gatherOn(records);
  }

  /** False once the front has nothing more to do, or is gone. */
  get gathers(): boolean {
    return !this.#closed && (this.#commands?.gathers ?? false);
  }

  gatherNoMore(): void {
    if (--this.#waiting === 0) this.#commands?.gatherNoMore();
  }

  takeOutbox(): Outbox {
    return this.#spares.pop() ?? new Outbox();
  }

  /** Sends all of the outbox, now or as room comes, and takes the outbox back. */
  deliver(outbox: Outbox): void {
    if (this.#closed || outbox.empty) {
      this.#recycle(outbox);
      return;
    }
    if (this.#backlog.length > 0) {
      this.#backlog.push({ outbox, from: 0 });
      return;
    }
    const left = outbox.sendTo(this.#sink, 0);
    if (left === -1) {
      this.#recycle(outbox);
      return;
    }
    this.#backlog.push({ outbox, from: left });
    this.#retryLater();
  }

  /** Answers still on their way to the front. */
  get backlog(): number {
    return this.#backlog.length;
  }

  close(): void {
    this.#closed = true;
    this.#backlog = [];
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  #recycle(outbox: Outbox): void {
    outbox.clear();
    if (this.#spares.length < SPARES_MAX) this.#spares.push(outbox);
  }

  #retryLater(): void {
    // The front draining its ring does not wake us, so look again: this is rare and means that the front is behind.
    this.#retry = setTimeout(() => {
      this.#retry = null;
      while (this.#backlog.length > 0) {
        const head = this.#backlog[0];
        if (head === undefined) break;
        const left = head.outbox.sendTo(this.#sink, head.from);
        if (left !== -1) {
          head.from = left;
          this.#retryLater();
          return;
        }
        this.#backlog.shift();
        this.#recycle(head.outbox);
      }
    }, RETRY_MS);
  }
}
