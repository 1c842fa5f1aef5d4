/**
 * The small parent of `serve`: starts the engine as a process of its own and starts it again when it dies, so that what
 * takes a whole process down (a native abort, a kill) costs a restart. It holds nothing and touches no request.
 *
 * The engine is not in the terminal's process group: Ctrl-C reaches the parent only, which passes it on once.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { Restarts } from '../../engine/supervisor/restarts.js';
import { ExitCode } from './exit-codes.js';

/** Set in the engine's environment; the parent hears of `ready` over IPC. */
export const ENGINE_MARK = 'ENGINE_OF_MILLRACE';
export const READY_MESSAGE = 'ready';
const TAKE_OVER = '--take-over';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Runs until the engine has ended for good. @returns its exit code */
export async function superviseEngine(script: string, args: readonly string[]): Promise<number> {
  const restarts = new Restarts();
  let engine: ChildProcess | null = null;
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      stopping = true;
      engine?.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
    });
  }
  let wasEverReady = false;
  for (;;) {
    restarts.started(performance.now());
    // Shards are taken from another engine once, because the operator said so, and not again at every restart.
    engine = startEngine(script, wasEverReady ? args.filter((arg) => arg !== TAKE_OVER) : args);
    const end = await endOf(engine);
    wasEverReady ||= end.wasReady;
    // By a signal that it handles it can only die before it handles any, and then it has begun nothing.
    if (stopping && end.signal !== null && !SIGNALS.some((signal) => signal === end.signal)) {
      process.stderr.write(
        'millrace: the engine was ended before it had stopped in order; the next start sees to what it left\n',
      );
      return ExitCode.failed;
    }
    if (stopping || end.code === ExitCode.ok) return end.code ?? ExitCode.ok;
    // An engine that ends by a code of its own before it was ever ready says what the operator has to mend.
    if (!wasEverReady && end.code !== null) return end.code;
    const waitMs = restarts.delayMs(performance.now());
    const how = end.code === null ? `was killed (${end.signal ?? 'unknown signal'})` : `ended with code ${end.code}`;
    process.stderr.write(`millrace: the engine ${how}; started again in ${waitMs} ms\n`);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (stopping) return ExitCode.ok;
  }
}

function startEngine(script: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, script, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // msgpackr would load a native module where it finds one: it gains little here, and some systems cannot load it.
    env: { ...process.env, [ENGINE_MARK]: '1', MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true' },
    detached: true,
  });
}

interface EngineEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly wasReady: boolean;
}

function endOf(engine: ChildProcess): Promise<EngineEnd> {
  let wasReady = false;
  engine.on('message', (message) => {
    if (message === READY_MESSAGE) wasReady = true;
  });
  return new Promise((resolve) => {
    engine.once('error', () => resolve({ code: ExitCode.unavailable, signal: null, wasReady }));
    engine.once('exit', (code, signal) => resolve({ code, signal, wasReady }));
  });
}
