import { afterEach, describe, expect, it } from 'vitest';
import { RingClient } from '../../src/engine/client.js';
import { ChannelConsumer, ChannelProducer } from '../../src/engine/ring/channel.js';
import { connect } from '../../src/engine/supervisor/connections.js';
import { encodeAnswer, plainSuccess } from '../../src/engine/wire/answer.js';
import { requestIdOf } from '../../src/engine/wire/head.js';
import type { Answer, AnswerReceiver } from '../../src/engine/wire/messages.js';
import { PlainPosts } from '../../src/engine/wire/plain-post.js';
import { readFastBatch } from '../../src/http/body/fast-post.js';
import { plainPost } from './wire/arbitrary.js';

const ITEMS = 100;
const item = (i: number): string =>
  `{"idempotency_key":"k${i}","legs":[{"debit":"a","credit":"b/${i}","amount":${i + 1},"currency":"EUR"}]}`;

function itemsOfBatch(): PlainPosts {
  const posts = new PlainPosts();
  const text = `{"transactions":[${Array.from({ length: ITEMS }, (_, i) => item(i)).join()}]}`;
  expect(readFastBatch(new TextEncoder().encode(text), { currency: () => 978 }, posts)).toBe(true);
  return posts;
}

describe('postings', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** A worker that answers the request of an even number with a success, and the others with a refusal. */
  function world() {
    const { frontSide, workerSide } = connect(0, 0, [0], 1 << 20);
    const client = new RingClient(1, { inFlightMax: 2 * ITEMS, deadlineMs: 60_000 });
    client.connect(frontSide);
    client.setShard(0, { logId: 1, incarnation: 1, hashKey: new Uint8Array(16), partitionRecords: 1024 });
    const answers = new ChannelProducer(workerSide.answers);
    let count = 0;
    const commands = new ChannelConsumer(workerSide.commands, {
      onRecord: (_bytes, view, offset) => {
        const position = ++count;
        const answer: Answer =
          position % 2 === 0
            ? plainSuccess(position, position * 2, position * 3, position * 4)
            : { type: 'unavailable', code: 'overloaded', retryAfterSeconds: position };
        answers.send(encodeAnswer(requestIdOf(view, offset), answer));
      },
      onTurnEnd: () => answers.publish(),
    });
    ends.push(() => {
      client.close();
      answers.close();
      commands.close();
    });
    return client;
  }

  it.each(['plain', 'strict'])('are answered by their tags, each once: %s ones', async (form) => {
    const client = world();
    const posts = itemsOfBatch();
    const heard: unknown[] = [];
    const receiver: AnswerReceiver = {
      recorded: (tag, ...facts) => heard.push([tag, ...facts]),
      answered: (tag, answer) => heard.push([tag, answer.type]),
    };
    for (let i = 0; i < ITEMS; i++) {
      const head = { shard: 0, book: 5, key: `k${i}`, route: 'POST /v1/transactions' };
      const refusal =
        form === 'plain'
          ? client.postPlain(head, null, posts, i, receiver, i)
          : client.post(head, plainPost, receiver, i);
      expect(refusal).toBeNull();
    }
    expect(heard, 'nothing is told before the call has returned').toEqual([]);
    await client.settled();
    expect(heard).toEqual(
      Array.from({ length: ITEMS }, (_, i) => {
        const p = i + 1;
        return p % 2 === 0 ? [i, p, p * 2, p * 3, p * 4] : [i, 'unavailable'];
      }),
    );
    expect(client.inFlight).toBe(0);
  });
});
