/**
 * Preloaded into the engine's process by the bench: each thread gives itself a name that /proc and `top -H` show, which
 * Node 20 does not do. Changes nothing else.
 */
import fs = require('node:fs');
import threads = require('node:worker_threads');

const ROLES = [
  [/piscina/, 'worker'],
  [/[\\/]front[\\/]/, 'front'],
  [/[\\/]folds[\\/]/, 'folds'],
] as const;

if (!threads.isMainThread && process.platform === 'linux') {
  // Later, since a thread does not know its file yet when this is loaded.
  setImmediate(() => {
    const file = process.argv[1] ?? '';
    const role = ROLES.find(([pattern]) => pattern.test(file))?.[1] ?? 'thread';
    try {
      fs.writeFileSync('/proc/thread-self/comm', `${role}-${threads.threadId}`);
    } catch {
      // A kernel without it: threads stay unnamed and are shown together.
    }
  });
}
