/**
 * Preloaded into the engine by `npm run bench -- --profile`: each of its threads takes a CPU profile of itself while there is
 * a file `on` in the folder that the environment names, and leaves it there under the thread's name.
 */
import fs = require('node:fs');
import inspector = require('node:inspector');
import path = require('node:path');
import threads = require('node:worker_threads');

const LOOK_MS = 20;
/** µs between two samples. */
const INTERVAL = 200;

const folder = process.env.BENCH_PROFILE_FOLDER;
if (folder !== undefined && !threads.isMainThread) follow(folder);

function follow(into: string): void {
  const on = path.join(into, 'on');
  const session = new inspector.Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
  let isTaking = false;
  setInterval(() => {
    if (fs.existsSync(on) === isTaking) return;
    isTaking = !isTaking;
    if (isTaking) session.post('Profiler.start');
    else session.post('Profiler.stop', (_, result) => leave(into, JSON.stringify(result.profile)));
  }, LOOK_MS).unref();
}

/** Appears whole. */
function leave(into: string, profile: string): void {
  const name = fs.readFileSync('/proc/thread-self/comm', 'utf8').trim();
  const draft = path.join(into, `${name}.draft`);
  fs.writeFileSync(draft, profile);
  fs.renameSync(draft, path.join(into, `${name}.cpuprofile`));
}
