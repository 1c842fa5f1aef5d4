/** How an import shows how far it is: a bar at a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress';
import type { CommandIo } from '../io.js';

export interface ProgressShown {
  /** @param bytes of the file that are settled */
  update(bytes: number, lines: number): void;
  note(text: string): void;
  end(): void;
}

const LINE_EVERY_MS = 5000;

export function showProgress(io: CommandIo, totalBytes: number): ProgressShown {
  return io.stderr.isTTY === true ? bar(io, totalBytes) : plainLines(io, totalBytes);
}

function bar(io: CommandIo, totalBytes: number): ProgressShown {
  const format = 'importing {bar} {percentage} % | {lines} lines | {rate}/s | {eta_formatted} left';
  const shown = new SingleBar({ format, stream: io.stderr, hideCursor: true, clearOnComplete: false });
  const startedAt = Date.now();
  shown.start(totalBytes, 0, { lines: 0, rate: 0 });
  return {
    update: (bytes, lines) =>
      shown.update(bytes, { lines: lines.toLocaleString('en'), rate: rateOf(lines, startedAt) }),
    note: (text) => void io.stderr.write(`\n${text}\n`),
    end: () => shown.stop(),
  };
}

function plainLines(io: CommandIo, totalBytes: number): ProgressShown {
  const startedAt = Date.now();
  let shownAt = startedAt;
  return {
    update: (bytes, lines) => {
      if (Date.now() - shownAt < LINE_EVERY_MS) return;
      shownAt = Date.now();
      const percent = totalBytes === 0 ? 100 : Math.floor((bytes / totalBytes) * 100);
      io.stderr.write(`${percent} % | ${lines.toLocaleString('en')} lines | ${rateOf(lines, startedAt)}/s\n`);
    },
    note: (text) => void io.stderr.write(`${text}\n`),
    end: () => undefined,
  };
}

const rateOf = (lines: number, startedAt: number): string =>
  Math.round((lines * 1000) / Math.max(1, Date.now() - startedAt)).toLocaleString('en');
