/**
 * Who reads what a command writes may go away: `millrace verify | head`, a terminal that is closed, a collector of logs that
 * dies. Node tells by an `error` event of the stream, which ends the process by a stack trace where nobody hears it.
 */

/** Of a program that a broken pipe has ended, as shells say it: 128 and the number of SIGPIPE. */
const BROKEN_PIPE = 141;

let isNeeded = false;

/** Ends the command quietly when its readers go away: whatever else it would say is for nobody. */
export function endWithReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isNeeded) return;
      // EIO: of a terminal that was closed.
      if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(BROKEN_PIPE);
      throw error;
    });
  }
}

/** From now on the process goes on without them: money does not wait for a log. */
export function outliveReaders(): void {
  isNeeded = true;
}
