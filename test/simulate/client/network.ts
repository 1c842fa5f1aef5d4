/**
 * The way of one request: over the network to a front, into the engine's own client, and back. Whatever is asked and
 * answered is written down for the judge here.
 */

import { plainSuccess } from '../../../src/engine/wire/answer.js';
import type { Answer, RequestHead } from '../../../src/engine/wire/messages.js';
import type { ShardReader } from '../../../src/folds/read/shard-reader.js';
import type { ErrorCode } from '../../../src/ledger/errors.js';
import type { Server } from '../database/server.js';
import type { Engine } from '../engine/engine.js';
import type { Answered, Operation, ReplayFound, SimulatedCommand } from '../history.js';
import type { Random } from '../random.js';
import type { Loop } from '../time/loop.js';
import type { Trace } from '../trace.js';

import { isPlain, plainPosts } from './plain.js';
import { readDatabase } from './reading.js';

/** What a client is told; null: nothing, its connection was lost or its patience is over. */
export type Told = Answered['answer'] | null;

export interface NetworkWeather {
  /** Chances that a request or an answer is lost. */
  requestLost: number;
  answerLost: number;
  wayMicros: readonly [number, number];
}

interface Asked {
  readonly client: number;
  readonly book: number;
  readonly key: string | null;
  readonly route: string;
  readonly command: SimulatedCommand;
  readonly repeats: number | null;
}

const PATIENCE_MICROS = 8_000_000;

/** What went to and fro for one shard: for its judge. */
export interface Way {
  readonly server: Server;
  readonly operations: Operation[];
  readonly answers: Answered[];
}

export class Network {
  /** Requests of all shards. */
  asked = 0;
  readonly #ways: readonly Way[];
  readonly weather: NetworkWeather = { requestLost: 0, answerLost: 0, wayMicros: [20, 200] };
  /** Callbacks of requests that wait, by engine: when it dies their connections are reset. */
  readonly #waiting = new Map<Engine, Set<() => void>>();

  constructor(
    readonly loop: Loop,
    readonly random: Random,
    readonly trace: Trace,
    servers: readonly Server[],
  ) {
    this.#ways = servers.map((server) => ({ server, operations: [], answers: [] }));
  }

  /** The books of merchants are dealt out to the shards. */
  shardOf(book: number): number {
    return (book - 1) % this.#ways.length;
  }

  wayOf(shard: number): Way {
    return this.#ways[shard] as Way; // shards have one each
  }

  #way(book: number): Way {
    return this.wayOf(this.shardOf(book));
  }

  /** @returns the operation's number among those of its shard; `told` is called once, in the world's name */
  ask(engine: Engine, asked: Asked, told: (told: Told) => void): number {
    const { loop, trace, random } = this;
    const { operations } = this.#way(asked.book);
    const operation: Operation = {
      step: trace.nextStep(),
      at: loop.now,
      number: operations.length,
      engine: engine.number,
      ...asked,
    };
    operations.push(operation);
    this.asked++;
    const { number, client, book, key, route } = operation;
    trace.say(loop.now, `ask ${number} client ${client} book ${book} key ${key} ${route} engine ${engine.number}`);
    const once = this.#once(engine, told);
    const front = random.pick(engine.fronts);
    if (front === undefined || random.chance(this.weather.requestLost)) {
      trace.mark('request lost');
      return number;
    }
    loop.after(random.between(...this.weather.wayMicros), front.thread, () => {
      this.#submit(operation, front, (answer) => {
        this.#answered(operation, answer, once);
      });
    });
    return number;
  }

  /** The engine's process is gone: its clients' connections are reset. */
  reset(engine: Engine): void {
    for (const lost of [...(this.#waiting.get(engine) ?? [])]) lost();
  }

  #once(engine: Engine, told: (told: Told) => void): (told: Told) => void {
    const waiting = this.#waiting.get(engine) ?? new Set();
    this.#waiting.set(engine, waiting);
    let over = false;
    const once = (what: Told): void => {
      if (over) return;
      over = true;
      waiting.delete(lost);
      this.loop.cancel(patience);
      told(what);
    };
    const lost = (): void => {
      this.loop.after(this.random.between(...this.weather.wayMicros), this.loop.world, () => once(null));
    };
    const patience = this.loop.after(PATIENCE_MICROS, this.loop.world, () => once(null));
    waiting.add(lost);
    return once;
  }

  /** On the front's thread. */
  #submit(
    operation: Operation,
    { client, readers }: Engine['fronts'][number],
    onAnswer: (answer: Answered['answer']) => void,
  ): void {
    const { book, key, route, command } = operation;
    const shard = this.shardOf(book);
    const head: RequestHead = { shard, book, key, route };
    let refused: ErrorCode | null;
    if (command.type === 'read_statement' || command.type === 'list_accounts') {
      const reader = readers[shard] as ShardReader; // one each
      void readDatabase({ client, reader, head }, command).then(onAnswer);
      return;
    }
    if (command.type === 'post') {
      const receiver = {
        recorded: (_tag: number, position: number, sequence: number, recordedAt: number, expiresAt: number) =>
          onAnswer(plainSuccess(position, sequence, recordedAt, expiresAt)),
        answered: (_tag: number, answer: Answer) => onAnswer(answer),
      };
      // The same request by the one way or the other: its fingerprint must not show which.
      if (isPlain(command) && this.random.chance(0.6)) {
        this.trace.mark('posting of the common shape');
        refused = client.postPlain({ shard, book }, key, plainPosts(command), 0, receiver, 0);
      } else refused = client.post(head, command, receiver, 0);
    } else refused = client.ask(head, command, onAnswer);
    if (refused !== null) {
      this.trace.mark(refused === 'overloaded' ? 'ring or table full' : `front refused: ${refused}`);
      onAnswer({ type: 'refused', code: refused });
    }
  }

  #answered(operation: Operation, answer: Answered['answer'], tell: (told: Told) => void): void {
    const { loop, trace, random } = this;
    const delivered = !random.chance(this.weather.answerLost);
    if (!delivered) trace.mark('answer lost');
    this.#way(operation.book).answers.push({
      step: trace.nextStep(),
      at: loop.now,
      operation: operation.number,
      answer,
      replay: answer.type === 'replay' ? this.#replayed(operation, answer) : null,
      delivered,
    });
    trace.say(
      loop.now,
      `answer book ${operation.book} ${operation.number} ${textOf(answer)}${delivered ? '' : ' lost'}`,
    );
    if (delivered) loop.after(random.between(...this.weather.wayMicros), loop.world, () => tell(answer));
  }

  /** What a front reads of the log to render a replay. */
  #replayed(operation: Operation, { position, fingerprint }: Extract<Answer, { type: 'replay' }>): ReplayFound {
    this.trace.mark('replay');
    const row = this.#way(operation.book).server.log.row(position) ?? null;
    return {
      row,
      sameKey: row !== null && row.book === operation.book && row.key === operation.key,
      samePayload: row !== null && row.fingerprint === fingerprint,
    };
  }
}

/** All of an answer that is worth a line; amounts as digits. */
export function textOf(answer: Answered['answer']): string {
  const isPlain = answer.type === 'recorded' && answer.records.length === 0 && answer.accounts.length === 0;
  if (isPlain) {
    const { code, position, sequence, recordedAt, expiresAt, details } = answer;
    return `recorded ${code} ${position} ${sequence} ${recordedAt} ${expiresAt} ${details}`;
  }
  if (answer.type === 'unavailable' || answer.type === 'refused') return `${answer.type} ${answer.code}`;
  return JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}
