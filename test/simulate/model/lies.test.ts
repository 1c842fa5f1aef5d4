import { describe, expect, test } from 'vitest';
import type { PostRequest } from '../../../src/engine/wire/messages.js';
import type { Answered, History, LogRow, SimulatedCommand } from '../history.js';
import { judge } from './judge.js';
import { Direct } from './support/direct.js';

/** A history that can be written in. */
type Forged = {
  -readonly [K in keyof History]: History[K] extends readonly (infer T)[]
    ? { -readonly [F in keyof T]: T[F] }[]
    : History[K];
};

const EUR = { currency: 978, currencyCode: 'EUR' };
const SECOND = 1_000_000;

function posting(debit: string, credit: string, amount: number, more: Partial<PostRequest> = {}): SimulatedCommand {
  return {
    type: 'post',
    legs: [{ debit, credit, amount, ...EUR }],
    pending: false,
    expiresIn: 0,
    effectiveAt: 0,
    openAccounts: true,
    dryRun: false,
    reference: null,
    description: null,
    metadata: null,
    extras: null,
    ...more,
  };
}

const capture = (parent: number, amount: bigint): SimulatedCommand => ({
  type: 'capture',
  parent,
  amount,
  legs: [],
  final: false,
  force: false,
  dryRun: false,
  reference: null,
  description: null,
  metadata: null,
});

/** Numbers of the operations below. */
const Asked = {
  deposit: 0,
  retry: 1,
  hold: 2,
  capture: 3,
  refused: 4,
  dry: 5,
  balance: 6,
  unknown: 7,
  last: 8,
} as const;

/** A short honest day: a deposit and its retry, a hold that is captured in part and expires, a refusal, reads. */
function honest(): Forged {
  const direct = new Direct({}, [1]);
  const ask = (key: string | null, command: SimulatedCommand): Answered['answer'] => {
    const answer = direct.ask({ book: 1, key, command });
    direct.commit();
    return answer;
  };
  ask('deposit', posting('external/in', 'wallet', 100));
  ask('deposit', posting('external/in', 'wallet', 100));
  const hold = ask('hold', posting('wallet', 'shop', 60, { pending: true, expiresIn: 5 * SECOND }));
  ask('capture', capture(hold.type === 'recorded' ? hold.position : 0, 20n));
  ask('too much', posting('wallet', 'shop', 50));
  ask(null, posting('wallet', 'shop', 40, { dryRun: true }));
  ask(null, { type: 'read_account', account: 'wallet' });
  ask('nobody', posting('nobody', 'shop', 1, { openAccounts: false }));
  direct.now += 6 * SECOND;
  ask('last', posting('wallet', 'shop', 1));
  return structuredClone(direct.history()) as Forged;
}

const answerTo = (history: Forged, operation: number): { -readonly [K in keyof Answered]: Answered[K] } => {
  const found = history.answers.find((one) => one.operation === operation);
  if (found === undefined) throw new Error(`operation ${operation} has no answer`);
  return found;
};

const rowOf = (history: Forged, key: string): { -readonly [K in keyof LogRow]: LogRow[K] } => {
  const found = history.log.find((row) => row.key === key);
  if (found === undefined) throw new Error(`nothing is recorded under ${key}`);
  return found;
};

function tell(history: Forged, operation: number, lie: object): void {
  const told = answerTo(history, operation);
  told.answer = { ...told.answer, ...lie } as Answered['answer'];
}

function setLeg(row: { legs: LogRow['legs'] }, lie: Partial<LogRow['legs'][number]>): void {
  row.legs = row.legs.map((leg) => ({ ...leg, ...lie }));
}

const LIES: readonly (readonly [what: string, rule: string, forge: (history: Forged) => void])[] = [
  [
    'an answer that left before its commit',
    'durable_before_answered',
    (one) => {
      const batch = one.batches[0];
      if (batch !== undefined) batch.step = answerTo(one, Asked.deposit).step + 0.5;
    },
  ],
  ['a success that is not in the log', 'answered_is_there', (one) => tell(one, Asked.last, { position: 99 })],
  [
    "another's record as one's own",
    'answered_is_there',
    (one) => tell(one, Asked.last, { position: rowOf(one, 'capture').position }),
  ],
  ['another sequence than the recorded one', 'answered_as_recorded', (one) => tell(one, Asked.hold, { sequence: 77 })],
  ['another time than the recorded one', 'answered_as_recorded', (one) => tell(one, Asked.hold, { recordedAt: 5 })],
  ['success for a refusal', 'answered_as_recorded', (one) => tell(one, Asked.refused, { code: null })],
  [
    'a retry that is told that it is new',
    'once',
    (one) => tell(one, Asked.retry, { ...answerTo(one, Asked.deposit).answer }),
  ],
  [
    'a retry that is told of another payload',
    'once',
    (one) => {
      const told = answerTo(one, Asked.retry);
      if (told.replay !== null) told.replay = { ...told.replay, samePayload: false };
    },
  ],
  [
    'a retry that gets the outcome of another key',
    'once',
    (one) => {
      const told = answerTo(one, Asked.last);
      told.answer = { type: 'replay', position: rowOf(one, 'hold').position, fingerprint: '' };
      told.replay = { row: null, sameKey: true, samePayload: true };
    },
  ],
  [
    'an outcome of none for what is recorded',
    'none_means_none',
    (one) => {
      answerTo(one, Asked.last).answer = { type: 'unavailable', code: 'overloaded', retryAfterSeconds: 1 };
    },
  ],
  [
    'a record that nobody asked for',
    'asked_for',
    (one) => {
      rowOf(one, 'last').key = 'made up';
    },
  ],
  [
    'the same key recorded twice',
    'once',
    (one) => {
      rowOf(one, 'last').key = 'hold';
    },
  ],
  ['an amount that was not asked for', 'outcome', (one) => setLeg(rowOf(one, 'last'), { amount: 2n })],
  [
    'debit and credit changed over',
    'outcome',
    (one) => {
      const [leg] = rowOf(one, 'last').legs;
      if (leg !== undefined) setLeg(rowOf(one, 'last'), { debit: leg.credit, credit: leg.debit });
    },
  ],
  [
    'a refusal where there were funds',
    'outcome',
    (one) => {
      Object.assign(rowOf(one, 'last'), { kind: 8, code: 'insufficient_funds', legs: [], effectiveAt: 0 });
    },
  ],
  [
    'a refusal of another code',
    'outcome',
    (one) => {
      rowOf(one, 'too much').code = 'balance_limit_exceeded';
    },
  ],
  [
    'a hold that lives longer than it was asked to',
    'outcome',
    (one) => {
      rowOf(one, 'hold').expiresAt += 1;
    },
  ],
  [
    'a capture of another state than its parent has',
    'outcome',
    (one) => {
      const row = rowOf(one, 'capture');
      row.details = (row.details ?? '').replace('"20"', '"21"');
    },
  ],
  [
    'an expiry that keeps some of the hold',
    'expiry',
    (one) => {
      const row = one.log.find(({ kind }) => kind === 6);
      if (row !== undefined) setLeg(row, { released: 39n });
    },
  ],
  [
    'an expiry before its time',
    'expiry_due',
    (one) => {
      rowOf(one, 'hold').expiresAt += 60 * SECOND;
      const command = one.operations[Asked.hold]?.command as { expiresIn: number };
      command.expiresIn += 60 * SECOND;
      tell(one, Asked.hold, { expiresAt: rowOf(one, 'hold').expiresAt });
    },
  ],
  [
    'a dry run that promises what would be refused',
    'dry_run',
    (one) => {
      const { command } = one.operations[Asked.dry] ?? {};
      if (command?.type === 'post') Object.assign(command.legs[0] ?? {}, { amount: 41 });
    },
  ],
  [
    'a dry run that is refused without a reason',
    'dry_run',
    (one) => tell(one, Asked.dry, { code: 'insufficient_funds', records: [] }),
  ],
  [
    'an unknown account that is known',
    'refusal',
    (one) => {
      const { command } = one.operations[Asked.unknown] ?? {};
      if (command?.type === 'post') Object.assign(command.legs[0] ?? {}, { debit: 'wallet' });
    },
  ],
  [
    'a refusal that should have been remembered',
    'remembered',
    (one) => tell(one, Asked.unknown, { code: 'insufficient_funds' }),
  ],
  [
    'a read of a state that never was',
    'read_is_a_state',
    (one) => {
      const { answer } = answerTo(one, Asked.balance);
      if (answer.type === 'account' && answer.account !== null) {
        tell(one, Asked.balance, { account: { ...answer.account, creditsPosted: 101n } });
      }
    },
  ],
  [
    'a read that says that there is no account',
    'read_is_a_state',
    (one) => tell(one, Asked.balance, { account: null }),
  ],
  [
    'a read of the future',
    'no_dirty_reads',
    (one) => tell(one, Asked.balance, { sequence: rowOf(one, 'last').sequence }),
  ],
  ['a read older than what was told before', 'reads_not_older', (one) => tell(one, Asked.balance, { sequence: 1 })],
  [
    'an answer of another kind',
    'answers_match',
    (one) => {
      answerTo(one, Asked.balance).answer = { ...answerTo(one, Asked.last).answer };
    },
  ],
  [
    'two answers to one request',
    'answers_match',
    (one) => {
      answerTo(one, Asked.unknown).operation = Asked.dry;
    },
  ],
  [
    'a sequence with a gap',
    'sequence_gapless',
    (one) => {
      rowOf(one, 'last').sequence += 1;
    },
  ],
  [
    'time that goes back',
    'time_forward',
    (one) => {
      rowOf(one, 'last').recordedAt -= 60 * SECOND;
    },
  ],
  [
    'a clock that runs ahead',
    'clock_trusted',
    (one) => {
      rowOf(one, 'last').recordedAt += 60 * SECOND;
    },
  ],
  [
    'a batch that overlaps another',
    'log_gapless',
    (one) => {
      const last = one.batches.at(-1);
      if (last !== undefined) last.prev -= 1;
    },
  ],
  [
    'a commit of an earlier epoch',
    'one_owner',
    (one) => {
      const last = one.batches.at(-1);
      if (last !== undefined) last.epoch = 0;
    },
  ],
  [
    'two owners of an epoch',
    'one_owner',
    (one) => {
      const last = one.batches.at(-1);
      if (last !== undefined) last.engine = 1;
    },
  ],
  [
    'a decision whose records stand in two commits',
    'unit_whole',
    (one) => {
      const [first, second] = one.batches;
      if (first !== undefined && second !== undefined) {
        first.last -= 1;
        second.prev -= 1;
      }
    },
  ],
  [
    'a balance that is not the fold of the log',
    'balances',
    (one) => {
      const { final } = one;
      one.final = { ...final, accounts: final.accounts.map((state) => ({ ...state, version: state.version + 1 })) };
    },
  ],
  [
    'a fold that is not that of the log',
    'balances',
    (one) => {
      const { final } = one;
      one.final = { ...final, folded: final.folded.slice(1) };
    },
  ],
  [
    'memory that is ahead of the log',
    'memory_is_the_log',
    (one) => {
      one.final = { ...one.final, memoryHead: one.final.memoryHead + 1 };
    },
  ],
  [
    'a replay that comes to something else',
    'replay_is_the_same',
    (one) => {
      one.final = { ...one.final, replayDigest: 'another' };
    },
  ],
  [
    'an engine that decides by the settings of the one before it',
    'configured',
    (one) => {
      const [first] = one.settings;
      if (first !== undefined) one.settings = [first, { ...first, holdDefault: 1 }];
      const last = one.batches.at(-1);
      if (last !== undefined) Object.assign(last, { engine: 1, epoch: 2 });
    },
  ],
  [
    'batches that are sealed with nothing',
    'sealed',
    (one) => {
      const rows = one.batches.map(() => ({ digest: new Uint8Array(32), copied: NO_ROWS }));
      one.seals = { logId: 1, hashKey: new Uint8Array(16), rows };
    },
  ],
  [
    'a statement that ends too early',
    'statement',
    (one) =>
      read(
        one,
        { type: 'read_statement', account: 'wallet', kind: null, limit: 9, fresh: true },
        { type: 'statement', reached: one.log.at(-1)?.sequence ?? 0, entries: [], complete: true },
      ),
  ],
  [
    'a statement of an account that is said not to be there',
    'statement',
    (one) =>
      read(
        one,
        { type: 'read_statement', account: 'wallet', kind: null, limit: 9, fresh: true },
        { type: 'statement', reached: one.log.at(-1)?.sequence ?? 0, entries: null, complete: true },
      ),
  ],
  [
    'a list that leaves out an account',
    'list',
    (one) =>
      read(
        one,
        { type: 'list_accounts', prefix: 'wal', limit: 9, fresh: true },
        { type: 'accounts', reached: one.log.at(-1)?.sequence ?? 0, accounts: [], complete: true },
      ),
  ],
];

/** A COPY of nothing: its header and its end. */
const NO_ROWS = Buffer.concat([Buffer.alloc(19), Buffer.of(255, 255)]);

/** Asks after all else, and is told a lie. */
function read(history: Forged, command: SimulatedCommand, answer: Answered['answer']): void {
  const step = Math.max(...history.answers.map((one) => one.step)) + 1;
  const { length: operation } = history.operations;
  const at = history.answers.at(-1)?.at ?? 0;
  const asked = { number: operation, client: 0, book: 1, key: null, route: 'GET', command, engine: 0, repeats: null };
  history.operations.push({ step, at, ...asked });
  history.answers.push({ step: step + 1, at, operation, answer, replay: null, delivered: true });
}

describe('the judge', () => {
  test('has nothing to say of an honest history', () => {
    expect(judge(honest() as History)).toEqual([]);
  });

  test.each(LIES)('complains about %s, by rule %s', (_, rule, forge) => {
    const history = honest();
    forge(history);
    expect(judge(history as History).map((complaint) => complaint.rule)).toContain(rule);
  });

  test('says at which step and what either side says', () => {
    const history = honest();
    tell(history, Asked.last, { position: 99 });
    const complaint = judge(history as History).find(({ rule }) => rule === 'answered_is_there');
    expect(complaint).toMatchObject({
      step: answerTo(history, Asked.last).step,
      said: 'operation 8 (key last): recorded at position 99',
      expected: 'in the log there is no record',
    });
  });
});
