/**
 * What a run of the bench has come to, as `--json` writes it: one schema, from which the type, the check of a file that is
 * read again and docs/bench.schema.json are made.
 */
import Type from 'typebox';

export const closed = { additionalProperties: false } as const;
export const number = (description: string) => Type.Number({ description });
export const count = (description: string) => Type.Integer({ minimum: 0, description });
export const perRound = (description: string) => Type.Array(Type.Number(), { description });

const Machine = Type.Object(
  {
    cpus: count('Processors that the bench may use.'),
    model: Type.String({ description: 'What the processor calls itself.' }),
    memory: count('GiB.'),
    node: Type.String(),
    platform: Type.String({ description: 'System, release, architecture.' }),
    commit: Type.String({ description: 'Of the program that was measured, or "unknown".' }),
    loadBefore: number('Load average of the minute before the run: above about 0.5, others were at work.'),
  },
  { ...closed, description: 'Where it ran. Figures of two machines are not compared.' },
);

export const Latencies = Type.Object(
  { p50: Type.Number(), p90: Type.Number(), p99: Type.Number(), p999: Type.Number(), max: Type.Number() },
  { ...closed, description: 'Milliseconds, in a closed loop: of a saturated engine.' },
);

export const Cpu = Type.Record(Type.String(), Type.Number(), {
  description: 'µs of CPU a transaction, by thread, database session and load generator.',
});

const Thread = Type.Object(
  {
    gcPausesPerSecond: number('Of one thread.'),
    gcShare: number('Of its time that the garbage collector held it up, 0 to 1.'),
    gcP99Ms: number('Of its pauses.'),
    gcMaxMs: Type.Number(),
    loopP50Ms: number('How late its event loop came to a timer.'),
    loopP99Ms: Type.Number(),
    loopMaxMs: Type.Number(),
  },
  closed,
);

/** What a load cost beside the processor's time. */
const held = {
  walBytesPerTransaction: number('Written to the databases’ WAL while it ran; folds that came later are not in it.'),
  switchesPerTransaction: Type.Record(Type.String(), Type.Number(), {
    description: 'Context switches, by thread and database session.',
  }),
  threads: Type.Record(Type.String(), Thread, { description: 'By role: fronts, workers, folds, main.' }),
};

export const foldLag = {
  foldLagMs: number('How old the first record was that the folds had not reached when the load ended, ms.'),
  foldLagRecords: number('How many records that were.'),
};

const Single = Type.Object(
  {
    tps: count('Transactions a second, durable; one a request. Median of the rounds.'),
    ratioToFront: number(
      'Of what the same driver gets from the bare front. Median of the ratios of neighbouring rounds.',
    ),
    driver: Type.Enum(['wrk', 'autocannon']),
    connections: count('A closed loop on each.'),
    front: count('Answers a second of the bare front. Median.'),
    rowsPerCommit: count('Records that a commit had.'),
    ...foldLag,
    rounds: Type.Object(
      {
        engine: perRound('Transactions a second.'),
        front: perRound('Answers a second.'),
        ratio: perRound('engine / front'),
      },
      closed,
    ),
    latencyMs: Latencies,
    cpuMicrosPerTransaction: Cpu,
    ...held,
  },
  closed,
);

const Batch = Type.Object(
  {
    tps: count('Transactions a second, durable. Median of the rounds.'),
    ratioToCopy: number(
      'Of bare COPY of the same rows, one COPY a commit. Median of the ratios of neighbouring rounds.',
    ),
    ratioToCopyInPieces: number('The same, of bare COPY in pieces as the engine sends them.'),
    driver: Type.Enum(['wrk', 'autocannon', 'stream']),
    connections: count('A closed loop on each.'),
    transactions: count('In a request, or in a frame of the stream.'),
    copy: count('Rows a second.'),
    copyInPieces: count('Rows a second.'),
    rowsPerCommit: count('Records that a commit had.'),
    ...foldLag,
    rounds: Type.Object(
      {
        engine: perRound('Transactions a second.'),
        copy: perRound('Rows a second.'),
        ratio: perRound('engine / copy'),
        copyInPieces: perRound('Rows a second.'),
        ratioInPieces: perRound('engine / copyInPieces'),
      },
      closed,
    ),
    latencyMs: Latencies,
    cpuMicrosPerTransaction: Cpu,
    ...held,
  },
  closed,
);

const Ordinary = Type.Object(
  {
    tps: count('Transactions a second of the ordinary way. Median.'),
    ratio: number('How many times as many the engine does. Median of the ratios of neighbouring rounds.'),
    rounds: Type.Object({ ordinary: perRound('Transactions a second.'), ratio: perRound('engine / ordinary') }, closed),
  },
  closed,
);

const Pgbench = Type.Object(
  {
    tps: count('Transactions a second of pgbench’s TPC-B: scale 10, 20 sessions. Median.'),
    ratio: number('How many times as many the engine does. Median of the ratios of neighbouring rounds.'),
  },
  { ...closed, description: 'On the engine’s first server, in a database of its own.' },
);

/** A measurement by the bench's own generator. */
const timed = {
  seconds: number('That were measured, warm-up cut off.'),
  connections: count(
    'In a closed loop all of them are busy; in an open loop this many stand ready, and more are made when answers are late.',
  ),
  requests: count('Intended in that time.'),
  errors: count('Answers that were not expected, connections lost, requests given up or unanswered.'),
  p50Ms: number('ms; in an open loop from the intended start of a request to its whole answer.'),
  p90Ms: Type.Number(),
  p99Ms: Type.Number(),
  p999Ms: Type.Number(),
  maxMs: Type.Number(),
  histogram: Type.String({ description: 'All of these latencies in µs: an HDR histogram, compressed, in base64.' }),
};

const OpenLoop = Type.Object(
  {
    ...timed,
    offeredPerSecond: number('Requests a second, at intended times of a Poisson process, whether or not answers come.'),
    achievedPerSecond: number('Expected answers a second.'),
    generatorLagP99Ms: number(
      'How late the generator itself was to send, though a connection was free; part of the latency.',
    ),
    ...foldLag,
  },
  { ...closed, description: 'Latency without coordinated omission.' },
);

const LagSample = Type.Object({ second: Type.Number(), records: Type.Number(), ms: Type.Number() }, closed);

const ClosedLoop = Type.Object(
  {
    ...timed,
    tps: number('Transactions a second, durable. Reads and replays are none.'),
    requestsPerSecond: number('Expected answers a second.'),
    frontPerSecond: number('The same requests, generator and connections against the bare front; 0: not measured.'),
    ...foldLag,
    foldLag: Type.Array(LagSample, { description: 'While it ran.' }),
    cpuMicrosPerTransaction: Cpu,
  },
  closed,
);

const Workload = Type.Object(
  {
    name: Type.String(),
    title: Type.String({ description: 'What it is.' }),
    seed: Type.Integer(),
    merchants: count('Whose books are written.'),
    accounts: count('Of all of them.'),
    transactionsPerRequest: count(''),
    preparedInSeconds: number('Making merchants and accounts.'),
    closed: Type.Array(ClosedLoop),
    open: Type.Array(OpenLoop),
  },
  closed,
);

const Growth = Type.Object(
  {
    stored: count('Transactions in the log before it.'),
    tps: count('Single transactions a second, as in `single`.'),
    walBytesPerTransaction: Type.Union([Type.Number(), Type.Null()], {
      description: 'Of the batches that made the log so long, all folds done; null: there were none.',
    }),
    diskBytesPerTransaction: Type.Union([Type.Number(), Type.Null()], {
      description: 'Tables and indexes of the engine beyond what they were before the first transaction.',
    }),
    residentBytes: count('Of the engine, its databases apart.'),
  },
  closed,
);

const Stages = Type.Record(Type.String(), Type.Record(Type.String(), Type.Record(Type.String(), Type.Number())), {
  description:
    'µs a transaction by load, thread and stage, from profiles by the clock of another engine; empty: not measured.',
});

const Memory = Type.Object(
  {
    count: count('Of accounts, and of keys.'),
    nameCharacters: count(''),
    account: number('Bytes.'),
    key: number('Bytes of a remembered key.'),
  },
  { ...closed, description: 'Of the state machine: heap and external memory after full collections.' },
);

const Disk = Type.Object(
  {
    syncsPerSecond: count('Pages of 8 KiB, each written and synced (fdatasync) before the next.'),
    p50Ms: Type.Number(),
    p99Ms: Type.Number(),
  },
  { ...closed, description: 'The disk under the databases, before the load: what a COMMIT that is alone waits for.' },
);

export const ResultsSchema = Type.Object(
  {
    version: Type.Literal(1),
    suite: Type.Enum(['quick', 'long', 'workloads', 'growth']),
    at: Type.String({ description: 'When it began, RFC 3339, UTC.' }),
    seconds: number('That it took.'),
    machine: Machine,
    disk: Disk,
    single: Type.Union([Single, Type.Null()], { description: 'By wrk where it is installed, else by autocannon.' }),
    singleByDriver: Type.Record(Type.String(), Single),
    batch: Type.Union([Batch, Type.Null()]),
    stream: Type.Union([Batch, Type.Null()], {
      description: 'By the bench’s own driver; latencies are those of whole frames.',
    }),
    ordinary: Type.Union([Ordinary, Type.Null()]),
    pgbench: Type.Union([Pgbench, Type.Null()], { description: 'null: not installed, or left out.' }),
    latency: Type.Union([OpenLoop, Type.Null()], { description: 'Single transactions in an open loop.' }),
    workloads: Type.Array(Workload),
    growth: Type.Array(Growth, { description: 'How speed changes as the log grows; empty: not measured.' }),
    stages: Stages,
    answered: count('Transactions that were answered as posted.'),
    dropped: count(
      'Transactions of requests that a driver dropped at the end of a round: posted or not, nobody was told.',
    ),
    stored: count('Transactions in the log.'),
    refused: count('Remembered refusals in the log.'),
    agrees: Type.Boolean({ description: 'All that was answered is stored, and no more than answered and dropped.' }),
    ...foldLag,
    verify: Type.String({ description: '"clean", the first check that failed, or why it was not done.' }),
    memory: Type.Union([Memory, Type.Null()]),
  },
  { ...closed, title: 'Millrace bench', description: 'What a run of the bench has come to.' },
);

export type Results = Type.Static<typeof ResultsSchema>;
export type SingleFigures = Type.Static<typeof Single>;
export type BatchFigures = Type.Static<typeof Batch>;
export type OrdinaryFigures = Type.Static<typeof Ordinary>;
export type OpenLoopFigures = Type.Static<typeof OpenLoop>;
export type ClosedLoopFigures = Type.Static<typeof ClosedLoop>;
export type WorkloadFigures = Type.Static<typeof Workload>;
export type MachineFigures = Type.Static<typeof Machine>;
export type ThreadFigures = Type.Static<typeof Thread>;
export type Stages = Type.Static<typeof Stages>;
export type DiskFigures = Type.Static<typeof Disk>;
export type LagSample = Type.Static<typeof LagSample>;
