/** How long and how often things are measured. */

export interface Settings {
  /** Of front and engine, and of engine and COPY, in turn. */
  readonly rounds: number;
  readonly autocannonRounds: number;
  /** In how many of the rounds the ordinary way is loaded too. */
  readonly ordinaryRounds: number;
  /** In how many of the rounds COPY is measured in pieces too. */
  readonly piecesRounds: number;
  /** Seconds of one measurement of single transactions by a driver; whole ones, as wrk wants them. */
  readonly durationS: number;
  /** Of the stream and COPY, in turn; 0: it is left out. */
  readonly streamRounds: number;
  /** Of the bare front, which is steadier than the engine. */
  readonly frontS: number;
  readonly batchS: number;
  readonly ordinaryS: number;
  /** Of pgbench, beside each of the rounds where it is installed; 0: it is left out. */
  readonly pgbenchS: number;
  readonly autocannonS: number;
  readonly copyS: number;
  readonly warmUpS: number;
  /** Of syncing the disk. */
  readonly diskS: number;
  /** Of profiles of each load, on an engine of their own; 0: there are none. */
  readonly profileS: number;
  readonly latency: OpenLoopSettings;
  readonly workloads: WorkloadSettings;
  /** How long the folds may take to catch up before a limit is measured. */
  readonly foldWaitMs: number;
  readonly verifyMaxMs: number;
  /** The bench gives up after this. */
  readonly allMaxMs: number;
}

interface OpenLoopSettings {
  /** Requests a second, well below what a small machine can do: latency is measured, not saturation. */
  readonly rate: number;
  readonly warmUpS: number;
  readonly durationS: number;
  /** Added up exactly. */
  readonly repeats: number;
}

interface WorkloadSettings {
  readonly durationS: number;
  readonly warmUpS: number;
}

export const LONG: Settings = {
  rounds: 5,
  autocannonRounds: 5,
  ordinaryRounds: 5,
  piecesRounds: 5,
  streamRounds: 5,
  durationS: 8,
  frontS: 8,
  batchS: 8,
  ordinaryS: 8,
  pgbenchS: 8,
  autocannonS: 8,
  copyS: 8,
  warmUpS: 4,
  diskS: 3,
  profileS: 5,
  latency: { rate: 5_000, warmUpS: 3, durationS: 20, repeats: 3 },
  workloads: { durationS: 10, warmUpS: 3 },
  foldWaitMs: 60_000,
  verifyMaxMs: 900_000,
  allMaxMs: 4 * 3_600_000,
};

export const QUICK: Settings = {
  rounds: 2,
  autocannonRounds: 1,
  ordinaryRounds: 1,
  piecesRounds: 1,
  streamRounds: 0,
  durationS: 2,
  frontS: 1,
  batchS: 1,
  ordinaryS: 1,
  // Making its tables alone takes a second.
  pgbenchS: 0,
  autocannonS: 1,
  copyS: 1,
  warmUpS: 0.5,
  diskS: 0.4,
  profileS: 0,
  latency: { rate: 5_000, warmUpS: 0.5, durationS: 2, repeats: 1 },
  workloads: { durationS: 3, warmUpS: 1 },
  foldWaitMs: 800,
  verifyMaxMs: 40_000,
  allMaxMs: 180_000,
};
