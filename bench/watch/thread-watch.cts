/**
 * Preloaded into the engine by the bench: each of its threads notes when the garbage collector held it up, and how late its
 * event loop came to a timer, in a file of its own in the folder that the environment names. A line is `gc` or `loop`, ms
 * since 1970, and ms of the pause or of the delay (threads.ts reads them).
 */
import fs = require('node:fs');
import path = require('node:path');
import performanceHooks = require('node:perf_hooks');
import threads = require('node:worker_threads');

/** As often as a thread looks how late it is. */
const LOOK_MS = 10;
/** Looks between two writes: a write takes some µs of the thread. */
const LOOKS_A_WRITE = 10;

const folder = process.env.BENCH_THREADS_FOLDER;
if (folder !== undefined) watch(folder);

function watch(into: string): void {
  const { performance } = performanceHooks;
  const lines: string[] = [];
  const note = (what: string, startMs: number, ms: number): void => {
    lines.push(`${what} ${(performance.timeOrigin + startMs).toFixed(1)} ${ms.toFixed(3)}\n`);
  };
  new performanceHooks.PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) note('gc', startTime, duration);
  }).observe({ entryTypes: ['gc'] });
  let due = performance.now() + LOOK_MS;
  let looks = 0;
  setInterval(() => {
    const now = performance.now();
    note('loop', now, Math.max(0, now - due));
    due = now + LOOK_MS;
    if (++looks % LOOKS_A_WRITE !== 0) return;
    fs.appendFileSync(path.join(into, `${process.pid}-${nameOf()}.log`), lines.splice(0).join(''));
  }, LOOK_MS).unref();
}

/** What thread-names.cts calls it. */
function nameOf(): string {
  if (threads.isMainThread) return 'main';
  try {
    return fs.readFileSync('/proc/thread-self/comm', 'utf8').trim();
  } catch {
    return `thread-${threads.threadId}`;
  }
}
