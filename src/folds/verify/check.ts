/** The form of a check: one statement that looks at rows and names the first that is wrong. */

export interface Check {
  readonly name: string;
  /** What it proves, for a person. */
  readonly title: string;
  /** Query of how many rows are looked at: one row, one column. */
  readonly rows: string;
  /** `name AS (query)` parts before `lies`. */
  readonly parts: readonly string[];
  /** Query of rows that are wrong: position, book, account (a number), message. */
  readonly lies: string;
}

/** The end of the log that is verified: the same for all checks. The statement's only parameter. */
export const HEAD = '$1::int8';
/** The fold's cursor, as of the statement. */
export const CURSOR = `(SELECT f.position FROM fold f WHERE f.name = 'balances')`;

/** One statement: how many rows, and the first lie, or nulls. */
export function statementOf(check: Check): string {
  // HEAD is named once outside too, so that every statement takes the parameter.
  const parts = [
    ...check.parts,
    `lies (position, book, account, message) AS (${check.lies})`,
    'first_lie AS (SELECT * FROM lies ORDER BY position NULLS LAST, book, account, message LIMIT 1)',
  ];
  return `WITH ${parts.join(', ')}
    SELECT (${check.rows}) AS rows, b.position, b.book, b.message, coalesce(account_name(b.account), b.account::text) AS account
      FROM (SELECT ${HEAD} AS head) one LEFT JOIN first_lie b ON true`;
}

/** All legs of transactions up to a position, one row each. */
export const legsUpTo = (end: string): string => `
  SELECT l.position, l.book, l.kind, l.parent, l.recorded_at, l.expires_at, coalesce(l.flags & 1, 0) = 1 AS forced,
         coalesce(l.leg, 0::int2) AS leg, l.debit, l.credit, l.currency, coalesce(l.amount, 0) AS amount,
         coalesce(l.released, 0) AS released
    FROM log l WHERE l.position <= ${end} AND l.kind BETWEEN 1 AND 7
  UNION ALL
  SELECT l.position, l.book, l.kind, l.parent, l.recorded_at, l.expires_at, coalesce(l.flags & 1, 0) = 1,
         m.leg, m.debit, m.credit, m.currency, m.amount, m.released
    FROM log l, more_legs_of(l.more_legs) m
   WHERE l.position <= ${end} AND l.kind BETWEEN 1 AND 7 AND l.more_legs IS NOT NULL`;

const posted = (of: string): string => `CASE WHEN ${of}.kind IN (1, 3, 7) THEN coalesce(${of}.amount, 0) ELSE 0 END`;
const pending = (of: string): string =>
  `CASE WHEN ${of}.kind IN (2, 5) THEN coalesce(${of}.amount, 0)
        WHEN ${of}.kind IN (3, 4, 6) THEN -coalesce(${of}.amount, 0) - coalesce(${of}.released, 0) ELSE 0 END`;
const sumWhere = (side: string, amount: string): string => `coalesce(sum(${amount}) FILTER (WHERE ${side}), 0)::int8`;
const FORCED = 'coalesce(l.flags & 1, 0) = 1';

/**
 * What each record up to a position did to each account, one row for both: dp, cp posted; dh, ch pending. Records of one
 * leg, which are most, need no grouping: its accounts differ (the check of legs says so).
 */
export const changesUpTo = (end: string): string => `
  SELECT l.debit AS account, l.position, l.kind, l.book, ${FORCED} AS forced, ${posted('l')} AS dp, 0::int8 AS cp,
         ${pending('l')} AS dh, 0::int8 AS ch
    FROM log l WHERE l.position <= ${end} AND l.kind BETWEEN 1 AND 7 AND l.more_legs IS NULL
  UNION ALL
  SELECT l.credit, l.position, l.kind, l.book, ${FORCED}, 0, ${posted('l')}, 0, ${pending('l')}
    FROM log l WHERE l.position <= ${end} AND l.kind BETWEEN 1 AND 7 AND l.more_legs IS NULL
  UNION ALL
  SELECT CASE WHEN s.debits THEN g.debit ELSE g.credit END, l.position, l.kind, l.book, ${FORCED},
         ${sumWhere('s.debits', posted('g'))}, ${sumWhere('NOT s.debits', posted('g'))},
         ${sumWhere('s.debits', pending('g'))}, ${sumWhere('NOT s.debits', pending('g'))}
    FROM log l,
         LATERAL (SELECT l.kind, l.debit, l.credit, l.amount, l.released
                  UNION ALL
                  SELECT l.kind, m.debit, m.credit, m.amount, m.released FROM more_legs_of(l.more_legs) m) g,
         (VALUES (true), (false)) AS s(debits)
   WHERE l.position <= ${end} AND l.kind BETWEEN 1 AND 7 AND l.more_legs IS NOT NULL
   GROUP BY 1, l.position, l.kind, l.book, l.flags`;

/** Settings of accounts in the order in which records said them; number 1 is the opening. */
export const settingsUpTo = (end: string): string => `
  SELECT l.debit AS account, l.position, l.kind, l.book, l.recorded_at, d.*,
         row_number() OVER (PARTITION BY l.debit ORDER BY l.position) AS number
    FROM log l,
         json_to_record(l.details) AS d(name text, currency int2, normal_balance text, min_balance int8, max_balance int8,
                                        config_version int8, open boolean, metadata text)
   WHERE l.position <= ${end} AND l.kind BETWEEN 9 AND 12`;

export const countLog = (end: string, where = 'true'): string =>
  `SELECT count(*) FROM log l WHERE l.position <= ${end} AND ${where}`;
