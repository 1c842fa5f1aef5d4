/**
 * Loaded into every thread of an engine by `--require`: writes how the thread is, once a second, as lines of JSON into a
 * file of its own in the folder that OVERLOAD_PROBE names.
 */
import fs = require('node:fs');
import path = require('node:path');
import threads = require('node:worker_threads');

const folder = process.env.OVERLOAD_PROBE;
const EVERY_MS = 1_000;

if (folder !== undefined) {
  const file = path.join(folder, `${process.pid}-${threads.threadId}.jsonl`);
  setInterval(() => {
    const { heapUsed, external } = process.memoryUsage();
    const handles = process.getActiveResourcesInfo().length;
    fs.appendFileSync(file, `${JSON.stringify({ at: Date.now(), heapUsed, external, handles })}\n`);
  }, EVERY_MS).unref();
}
