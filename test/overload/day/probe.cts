/**
 * Loaded into every thread of an engine by `--require`: writes how the thread is, as lines of JSON into a file of its own
 * in the folder that OVERLOAD_PROBE names. Each line follows a whole collection: at a low load V8 lets garbage of the old
 * space lie for minutes, and what is looked for is what nothing lets go of.
 */
import fs = require('node:fs');
import path = require('node:path');
import v8 = require('node:v8');
import vm = require('node:vm');
import threads = require('node:worker_threads');

const folder = process.env.OVERLOAD_PROBE;
const EVERY_MS = 10_000;

if (folder !== undefined) {
  const file = path.join(folder, `${process.pid}-${threads.threadId}.jsonl`);
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  setInterval(() => {
    collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    const handles = process.getActiveResourcesInfo().length;
    fs.appendFileSync(file, `${JSON.stringify({ at: Date.now(), heapUsed, external, arrayBuffers, handles })}\n`);
  }, EVERY_MS).unref();
}
