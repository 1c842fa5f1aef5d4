/**
 * Puts the loop in the place of this process' clocks, timers and randomness while a run lasts. A run is synchronous from
 * its beginning to its end, so nobody else sees the difference.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import type { Random } from '../random.js';
import type { Loop, Scheduled } from './loop.js';

export { EPOCH } from './loop.js';

class Timer {
  event: Scheduled;

  constructor(event: Scheduled) {
    this.event = event;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

type Call = (...values: unknown[]) => void;

function timers(loop: Loop) {
  const clear = (timer: Timer | undefined | null): void => {
    if (timer instanceof Timer) loop.cancel(timer.event);
  };
  return {
    setTimeout: (call: Call, ms = 0, ...values: unknown[]) =>
      new Timer(loop.after(Math.max(1, Math.floor(ms)) * 1000, loop.current, () => call(...values))),
    setInterval: (call: Call, ms = 0, ...values: unknown[]) => {
      const period = Math.max(1, Math.floor(ms)) * 1000;
      const again = (): void => {
        timer.event = loop.after(period, loop.current, again);
        call(...values);
      };
      const timer = new Timer(loop.after(period, loop.current, again));
      return timer;
    },
    setImmediate: (call: Call, ...values: unknown[]) => new Timer(loop.immediate(() => call(...values))),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
}

/** Runs `work` on virtual time and puts everything back. */
export function onVirtualTime<T>(loop: Loop, random: Random, work: () => T): T {
  const real = {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout,
    clearInterval,
    clearImmediate,
  };
  const { now } = Date;
  const { random: chance } = Math;
  const { randomBytes } = crypto;
  const pause = timersPromises.setTimeout;
  Object.assign(globalThis, timers(loop));
  Date.now = () => Math.floor((loop.trueTime + loop.current.machine.clockOffset) / 1000);
  Math.random = () => random.fraction();
  performance.now = () => loop.now / 1000;
  crypto.randomBytes = ((size: number) => Buffer.from(random.bytes(size))) as typeof crypto.randomBytes;
  timersPromises.setTimeout = ((ms = 0) =>
    loop.sleep(Math.max(1, Math.floor(ms)) * 1000)) as typeof timersPromises.setTimeout;
  syncBuiltinESMExports();
  try {
    return work();
  } finally {
    Object.assign(globalThis, real);
    Date.now = now;
    Math.random = chance;
    // An own property hides the prototype's; without it the real clock is back.
    Reflect.deleteProperty(performance, 'now');
    crypto.randomBytes = randomBytes;
    timersPromises.setTimeout = pause;
    syncBuiltinESMExports();
  }
}
