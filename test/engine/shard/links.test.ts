import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RingClient } from '../../../src/engine/client.js';
import { ChannelConsumer, ChannelProducer } from '../../../src/engine/ring/channel.js';
import { FrontLink } from '../../../src/engine/shard/front-link.js';
import type { AnswerSink } from '../../../src/engine/shard/outbox.js';
import { Outbox } from '../../../src/engine/shard/outbox.js';
import { Parking } from '../../../src/engine/shard/parking.js';
import { connect } from '../../../src/engine/supervisor/connections.js';
import { encodeAnswer } from '../../../src/engine/wire/answer.js';
import { requestIdOf } from '../../../src/engine/wire/head.js';
import type { Answer } from '../../../src/engine/wire/messages.js';

/** Takes so many answers, then is full until it is told otherwise. */
class Sink implements AnswerSink {
  readonly taken: number[] = [];
  room: number;
  flushes = 0;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
  }
  send(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.room === 0) return false;
    this.room--;
    expect(length).toBe(bytes[offset]);
    this.taken.push(new DataView(bytes.buffer).getUint8(offset + 1));
    return true;
  }
  flush(): void {
    this.flushes++;
  }
}

/** An answer of `length` bytes: its length, its request, and nothing. */
function append(outbox: Outbox, requestId: number, length = 8): void {
  const offset = outbox.claim(requestId, length);
  expect(offset % 8).toBe(0);
  outbox.bytes[offset] = length;
  outbox.bytes[offset + 1] = requestId;
}

describe('an outbox', () => {
  it('keeps answers of any length in order, also when it grows', () => {
    const outbox = new Outbox();
    const ids = Array.from({ length: 200 }, (_, index) => index);
    for (const id of ids) append(outbox, id, 2 + (id % 90));
    expect([...outbox.requestIds()]).toEqual(ids);
    const sink = new Sink();
    expect(outbox.sendTo(sink, 0)).toBe(-1);
    expect(sink.taken).toEqual(ids);
    outbox.clear();
    expect([outbox.empty, ...outbox.requestIds()]).toEqual([true]);
  });
});

describe('the way back to a front', () => {
  it('keeps the order of answers through a full ring, over several outboxes', async () => {
    const sink = new Sink(3);
    const link = new FrontLink(0, sink);
    for (const first of [0, 5, 10]) {
      const outbox = link.takeOutbox();
      for (let id = first; id < first + 5; id++) append(outbox, id);
      link.deliver(outbox);
    }
    expect([sink.taken, link.backlog]).toEqual([[0, 1, 2], 3]);
    sink.room = 4;
    while (sink.room > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(sink.taken).toEqual([0, 1, 2, 3, 4, 5, 6]);
    sink.room = Number.POSITIVE_INFINITY;
    while (link.backlog > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(sink.taken).toEqual(Array.from({ length: 15 }, (_, id) => id));
  });

  it('sends nothing to a front that is gone', () => {
    const sink = new Sink();
    const link = new FrontLink(0, sink);
    const outbox = link.takeOutbox();
    append(outbox, 1);
    link.close();
    link.deliver(outbox);
    expect([sink.taken, link.backlog]).toEqual([[], 0]);
  });
});

describe('parked commands', () => {
  const link = new FrontLink(0, new Sink());
  const command = (key: string) => ({ link, bytes: new Uint8Array(1), key });

  it('queue by book, in order, with their keys known', () => {
    const parking = new Parking(10);
    for (const key of ['a', '', 'b']) expect(parking.push(1, command(key))).toBe(true);
    parking.push(2, command('c'));
    expect([parking.has(1), parking.has(3), parking.size]).toEqual([true, false, 4]);
    expect([parking.holdsKey(1, 'b'), parking.holdsKey(1, 'c'), parking.holdsKey(1, '')]).toEqual([true, false, false]);
    const order: (string | undefined)[] = [];
    for (; parking.has(1); parking.shift(1)) order.push(parking.head(1)?.key);
    expect(order).toEqual(['a', '', 'b']);
    expect(parking.takeAll().map(({ key }) => key)).toEqual(['c']);
    expect(parking.idle).toBe(true);
  });

  it('are bounded over all books', () => {
    const parking = new Parking(2);
    expect([1, 2, 3].map((book) => parking.push(book, command('k')))).toEqual([true, true, false]);
  });
});

describe("a front's requests", () => {
  // Only what looks for late ones, once a second, is turned by hand.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const head = { shard: 0, book: 1, key: null, route: 'read_head' };
  const unknown: Answer = { type: 'unavailable', code: 'outcome_unknown', retryAfterSeconds: 1 };

  /** A client and the worker's end of its rings, which answers when it is told to. */
  function world(inFlightMax = 10, deadlineMs = 60_000) {
    const { frontSide, workerSide } = connect(0, 0, [0], 65_536);
    const client = new RingClient(1, { inFlightMax, deadlineMs });
    client.connect(frontSide);
    client.setShard(0, { logId: 1, incarnation: 1, hashKey: new Uint8Array(16), partitionRecords: 1024 });
    const came: number[] = [];
    const waiting: (() => void)[] = [];
    const answers = new ChannelProducer(workerSide.answers);
    let wasGathering = false;
    let idleTimes = 0;
    const commands = new ChannelConsumer(workerSide.commands, {
      onRecord: (_bytes, view, offset) => {
        came.push(requestIdOf(view, offset));
        for (const tell of waiting.splice(0)) tell();
      },
      onRung: () => {
        // Rung for records alone, a gathering goes on; for the end of the work it has ended.
        if (!wasGathering || commands.gathers) return;
        wasGathering = false;
        idleTimes++;
        for (const tell of waiting.splice(0)) tell();
      },
    });
    const heard: Answer[] = [];
    const ask = () =>
      client.ask(head, { type: 'read_head' }, (answer) => {
        heard.push(answer);
        for (const tell of waiting.splice(0)) tell();
      });
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
    };
    const answer = (requestId: number, sequence: number): void => {
      answers.send(encodeAnswer(requestId, { type: 'head', sequence, recordedAt: 0 }));
      answers.publish();
    };
    const die = (): void => {
      answers.close();
      commands.close();
    };
    const gather = (records: number): void => {
      wasGathering = true;
      commands.gather(records);
    };
    return { client, came, heard, ask, until, answer, gather, commands, idle: () => idleTimes, die };
  }

  it('in flight in a worker that dies have an unknown outcome; later ones are refused', async () => {
    const { client, came, heard, ask, until, die } = world();
    expect([ask(), ask()]).toEqual([null, null]);
    await until(() => came.length === 2);
    die();
    await until(() => heard.length === 2);
    expect(heard).toEqual([unknown, unknown]);
    expect([ask(), client.inFlight]).toEqual(['shard_unavailable', 0]);
    await client.settled();
    client.close();
  });

  it('are answered once: an answer to a number that nobody waits for is nobody’s', async () => {
    const { client, came, heard, ask, until, answer, die } = world();
    ask();
    await until(() => came.length === 1);
    answer(came[0] ?? 0, 1);
    await until(() => heard.length === 1);
    // The same place in the table is used again: the old number must not reach the new request.
    ask();
    await until(() => came.length === 2);
    answer(came[0] ?? 0, 666);
    answer(came[1] ?? 0, 2);
    await until(() => heard.length === 2);
    expect(heard.map((each) => (each.type === 'head' ? each.sequence : 0))).toEqual([1, 2]);
    die();
    client.close();
  });

  it('are announced to end when neither requests nor answers come any more', async () => {
    const { client, came, heard, ask, until, answer, gather, commands, idle, die } = world();
    ask();
    await until(() => came.length === 1);
    expect(idle()).toBe(0);
    gather(10);
    answer(came[0] ?? 0, 1);
    await until(() => heard.length === 1);
    ask();
    await until(() => idle() === 1);
    // What was asked meanwhile is there before it is said that no more comes.
    expect([came.length, commands.gathers]).toEqual([2, false]);
    die();
    client.close();
  });

  it('are bounded, and refused before anything is taken', async () => {
    const { client, came, heard, ask, until, answer, die } = world(2);
    expect([ask(), ask(), ask()]).toEqual([null, null, 'overloaded']);
    await until(() => came.length === 2);
    answer(came[0] ?? 0, 1);
    await until(() => heard.length === 1);
    expect(ask()).toBeNull();
    expect(client.inFlight).toBe(2);
    die();
    client.close();
  });

  it('and given up are not answered to another one, though their answer comes after thousands of others', async () => {
    const { client, came, heard, ask, until, answer, die } = world(10, 0);
    ask();
    await until(() => came.length === 1);
    vi.advanceTimersByTime(1_000);
    expect(heard).toEqual([unknown]);
    await client.settled();
    // As many as there are uses of one place in the table: the last of them has the number that the first had.
    for (let asked = 2; asked <= 4096; asked++) {
      ask();
      await until(() => came.length === asked);
      answer(came[asked - 1] ?? 0, asked);
      await until(() => heard.length === asked);
    }
    ask();
    await until(() => came.length === 4097);
    answer(came[0] ?? 0, 666);
    answer(came[4096] ?? 0, 4097);
    await until(() => heard.length === 4097);
    expect(heard.at(-1)).toMatchObject({ type: 'head', sequence: 4097 });
    die();
    client.close();
  });

  it('and given up leave room for others, and are told once that their outcome is unknown', async () => {
    const { client, came, heard, ask, until, answer, die } = world(1, 0);
    ask();
    await until(() => came.length === 1);
    vi.advanceTimersByTime(3_000);
    expect([client.inFlight, ask(), ask()]).toEqual([0, null, 'overloaded']);
    await until(() => came.length === 2);
    answer(came[1] ?? 0, 2);
    await until(() => heard.length === 2);
    die();
    ask();
    await until(() => heard.length === 3);
    expect(heard.map(({ type }) => type)).toEqual(['unavailable', 'head', 'unavailable']);
    client.close();
  });
});
