/** Exit codes of the `millrace` command, for scripts; `millrace --help` prints them. */
export const ExitCode = {
  ok: 0,
  /** What was asked for is not so: verify found a lie, an import had rejects. */
  failed: 1,
  /** A mistake in the command line or the configuration. */
  usage: 2,
  /** Something that is needed is missing or taken: port in use, folder held, database away. */
  unavailable: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
