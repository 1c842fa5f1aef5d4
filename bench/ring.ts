/**
 * What a ring between two threads carries: records a second of a pair, and how long one hop takes.
 *
 *     npx tsc -p . --noEmit false --outDir dist/bench-build --rootDir . && node dist/bench-build/bench/ring.js
 *
 * Throughput: one thread writes as fast as it can, the other reads on its event loop. Latency: records are sent one at a
 * time, each with the time at which it was sent, either when the last has come (the other side is parked: a doorbell
 * each) or in a stream (nobody sleeps).
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { ChannelConsumer, type ChannelEnd, ChannelProducer, createChannel } from '../src/engine/ring/channel.js';

const CAPACITY_BYTES = 2 ** 20;
const RECORDS = 5_000_000;
const HOPS = 20_000;
/** Of a posting with one leg, and of its answer. */
const SIZES_BYTES = [144, 40];

type Task =
  | { readonly type: 'flood'; readonly end: ChannelEnd; readonly sizeBytes: number }
  | { readonly type: 'paced'; readonly end: ChannelEnd; readonly gapNs: number }
  | { readonly type: 'echo'; readonly requests: ChannelEnd; readonly answers: ChannelEnd };

/** Nanoseconds of a clock that all threads share. As a number: exact enough for differences, and no BigInt is kept. */
const nowNs = (): number => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
};

function flood(end: ChannelEnd, sizeBytes: number): void {
  const producer = new ChannelProducer(end);
  let sent = 0;
  const burst = (): void => {
    while (sent < RECORDS) {
      const offset = producer.claim(sizeBytes);
      if (offset < 0) break;
      // First and last word, as a stand-in for an encoder: the ring itself is measured.
      producer.target.view.setInt32(offset, sent, true);
      producer.target.view.setInt32(offset + sizeBytes - 4, sent, true);
      producer.commit(sizeBytes);
      sent += 1;
      if ((sent & 31) === 0) producer.publish();
    }
    producer.publish();
    if (sent < RECORDS) setImmediate(burst);
    else producer.close();
  };
  burst();
}

function paced(end: ChannelEnd, gapNs: number): void {
  const producer = new ChannelProducer(end);
  let sent = 0;
  let due = nowNs();
  const tick = (): void => {
    while (sent < HOPS && nowNs() >= due) {
      const offset = producer.claim(8);
      producer.target.view.setFloat64(offset, nowNs(), true);
      producer.commit(8);
      producer.publish();
      sent += 1;
      due += gapNs;
    }
    if (sent < HOPS) setImmediate(tick);
    else producer.close();
  };
  tick();
}

function echo(requests: ChannelEnd, answers: ChannelEnd): void {
  const producer = new ChannelProducer(answers);
  new ChannelConsumer(requests, {
    onRecord: (bytes, _view, offset, length) => {
      producer.send(bytes.subarray(offset, offset + length));
    },
    onTurnEnd: () => producer.publish(),
    onEnd: () => producer.close(),
  });
}

const start = (task: Task, ...ends: ChannelEnd[]): Worker =>
  new Worker(fileURLToPath(import.meta.url), { workerData: task, transferList: ends.map(({ port }) => port) });

async function measureThroughput(sizeBytes: number): Promise<void> {
  const { producer, consumer } = createChannel(CAPACITY_BYTES);
  let received = 0;
  let sum = 0;
  let startedNs = 0;
  const ended = new Promise<void>((resolve) => {
    new ChannelConsumer(consumer, {
      onRecord: (_bytes, view, offset, length) => {
        // From the first record on: starting a thread is not the ring's doing.
        if (received === 0) startedNs = nowNs();
        received += 1;
        sum += view.getInt32(offset, true) - view.getInt32(offset + length - 4, true);
      },
      onEnd: resolve,
    });
  });
  const worker = start({ type: 'flood', end: producer, sizeBytes }, producer);
  const exited = once(worker, 'exit');
  await ended;
  const seconds = (nowNs() - startedNs) / 1e9;
  await exited;
  if (received !== RECORDS || sum !== 0) throw new Error('records were lost or damaged');
  console.log(`throughput, ${sizeBytes}-byte records: ${(RECORDS / seconds / 1e6).toFixed(2)} M records/s a pair`);
}

async function measureStream(gapNs: number): Promise<void> {
  const { producer, consumer } = createChannel(CAPACITY_BYTES);
  const hops: number[] = [];
  const ended = new Promise<void>((resolve) => {
    new ChannelConsumer(consumer, {
      onRecord: (_bytes, view, offset) => hops.push(nowNs() - view.getFloat64(offset, true)),
      onEnd: resolve,
    });
  });
  const worker = start({ type: 'paced', end: producer, gapNs }, producer);
  await Promise.all([ended, once(worker, 'exit')]);
  report(`one hop, ${1e9 / gapNs} records/s`, hops);
}

async function measureRoundTrips(): Promise<void> {
  const requests = createChannel(CAPACITY_BYTES);
  const answers = createChannel(CAPACITY_BYTES);
  const task: Task = { type: 'echo', requests: requests.consumer, answers: answers.producer };
  const worker = start(task, requests.consumer, answers.producer);
  const producer = new ChannelProducer(requests.producer);
  const trips: number[] = [];
  const ask = (): void => {
    const offset = producer.claim(8);
    producer.target.view.setFloat64(offset, nowNs(), true);
    producer.commit(8);
    producer.publish();
  };
  const ended = new Promise<void>((resolve) => {
    new ChannelConsumer(answers.consumer, {
      onRecord: (_bytes, view, offset) => {
        trips.push(nowNs() - view.getFloat64(offset, true));
        if (trips.length === HOPS) producer.close();
        else ask();
      },
      onEnd: resolve,
    });
  });
  ask();
  await Promise.all([ended, once(worker, 'exit')]);
  report('there and back, one at a time', trips);
}

function report(what: string, samplesNs: number[]): void {
  // The first tenth warms the compiler up.
  const sorted = Float64Array.from(samplesNs.slice(samplesNs.length / 10)).sort();
  const at = (quantile: number): string => ((sorted[Math.floor(sorted.length * quantile)] ?? 0) / 1000).toFixed(1);
  console.log(`${what}: p50 ${at(0.5)} µs, p99 ${at(0.99)} µs, p99.9 ${at(0.999)} µs`);
}

async function main(): Promise<void> {
  for (const sizeBytes of SIZES_BYTES) await measureThroughput(sizeBytes);
  for (const gapNs of [100_000, 10_000]) await measureStream(gapNs);
  await measureRoundTrips();
}

if (isMainThread) {
  await main();
} else {
  const task = workerData as Task;
  if (task.type === 'flood') flood(task.end, task.sizeBytes);
  else if (task.type === 'paced') paced(task.end, task.gapNs);
  else echo(task.requests, task.answers);
}
