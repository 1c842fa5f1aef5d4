import { describe, expect, test } from 'vitest';
import { createClock, formatMicros, ShardClock } from '../../src/platform/time.js';

/** Two clocks moved by hand; the wall clock can jump. */
function handClocks() {
  const at = { wall: 1_700_000_000_000_000, monotonic: 0 };
  const pass = (micros: number, wallMicros = micros) => {
    at.monotonic += micros;
    at.wall += wallMicros;
  };
  const jump = (micros: number) => {
    at.wall += micros;
  };
  return { sources: { wall: () => at.wall, monotonic: () => at.monotonic }, pass, jump, at };
}

describe('the clock of a shard', () => {
  test('agrees while the wall clock advances as the monotonic one', () => {
    const { sources, pass, at } = handClocks();
    const clock = new ShardClock(sources);
    for (let day = 0; day < 100; day++) {
      pass(86_400e6);
      expect(clock.now()).toBe(at.wall);
    }
  });

  test('disagrees after a jump of more than 5 s either way, until the jump is taken back', () => {
    for (const micros of [5_100_000, -5_100_000]) {
      const { sources, pass, jump } = handClocks();
      const clock = new ShardClock(sources);
      jump(micros);
      expect(clock.now()).toBe('disagrees');
      pass(3_600e6);
      expect(clock.now()).toBe('disagrees');
      jump(-micros);
      expect(clock.now()).toBeTypeOf('number');
    }
  });

  test('small corrections over months never add up to a disagreement', () => {
    const { sources, pass, jump } = handClocks();
    const clock = new ShardClock(sources);
    for (let day = 0; day < 365; day++) {
      pass(86_400e6);
      jump(1_000_000);
      expect(clock.now()).toBeTypeOf('number');
    }
  });

  test('is trusted again where the clock of the database agrees', () => {
    const { sources, jump, at } = handClocks();
    const clock = new ShardClock(sources);
    jump(60e6);
    expect(clock.agreeWith(at.wall - 60e6)).toBe(false);
    expect(clock.now()).toBe('disagrees');
    expect(clock.agreeWith(at.wall + 1e6)).toBe(true);
    expect(clock.now()).toBe(at.wall);
  });
});

test('the system clock has microseconds and stays within 3 ms of the wall clock', () => {
  const now = createClock();
  const times = Array.from({ length: 1000 }, () => now());
  expect(times.some((time) => time % 1000 !== 0)).toBe(true);
  expect(times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0) - 2000)).toBe(true);
  expect(Math.abs(now() / 1000 - Date.now())).toBeLessThan(3);
});

test('times are RFC 3339 with microseconds', () => {
  expect(formatMicros(1_700_000_000_000_042)).toBe('2023-11-14T22:13:20.000042Z');
});
