/** The log by itself: order, gaps, and what must stand before what. */
import { type Check, countLog, HEAD, legsUpTo, settingsUpTo } from './check.js';

const batches: Check = {
  name: 'batches',
  title: 'batches follow each other without a gap, and no record stands outside of them',
  rows: `SELECT count(*) FROM batch b WHERE b.prev < ${HEAD}`,
  parts: [],
  lies: `
    SELECT b.prev, NULL::int4, NULL::int4, format('a batch begins after %s where the one before it ends at %s', b.prev, b.last_before)
      FROM (SELECT b.prev, coalesce(lag(b.last) OVER (ORDER BY b.prev), 0) AS last_before FROM batch b WHERE b.prev < ${HEAD}) b
     WHERE b.prev <> b.last_before
    UNION ALL
    SELECT l.position, l.book, NULL, 'a record stands beyond the end of the last batch'
      FROM log l WHERE l.position > (SELECT max(b.last) FROM batch b) OR l.position < 1`,
};

const order: Check = {
  name: 'log',
  title: 'positions are gapless, recorded times never go back, nothing is effective in the future',
  rows: countLog(HEAD),
  parts: [
    `placed AS (SELECT l.position, l.book, l.recorded_at, l.effective_at, lag(l.position, 1, 0::int8) OVER w AS position_before,
                       lag(l.recorded_at) OVER w AS recorded_before, lead(l.position) OVER w AS position_after
                  FROM log l WHERE l.position <= ${HEAD} WINDOW w AS (ORDER BY l.position))`,
  ],
  lies: `
    SELECT p.position, p.book, NULL::int4,
           CASE WHEN p.position = p.position_before THEN 'the position stands twice'
                WHEN p.position <> p.position_before + 1 THEN format('the record before it is %s: records are missing', p.position_before)
                WHEN p.recorded_at < p.recorded_before THEN 'it was recorded before the record before it'
                WHEN p.effective_at > p.recorded_at THEN 'it is effective after it was recorded'
                ELSE 'the log ends here, before the last batch does' END
      FROM placed p
     WHERE p.position <> p.position_before + 1 OR p.recorded_at < p.recorded_before OR p.effective_at > p.recorded_at
        OR (p.position_after IS NULL AND p.position <> ${HEAD})
    UNION ALL
    SELECT ${HEAD}, NULL, NULL, 'the log is empty where batches are not'
     WHERE ${HEAD} > 0 AND NOT EXISTS (SELECT FROM log l WHERE l.position <= ${HEAD})`,
};

const sequences: Check = {
  name: 'sequences',
  title: `every merchant's sequence is gapless, from the opening of the book on`,
  rows: countLog(HEAD, 'l.book > 0'),
  parts: [
    `placed AS (SELECT l.position, l.book, l.sequence, l.kind,
                       lag(l.sequence) OVER (PARTITION BY l.book ORDER BY l.position) AS sequence_before
                  FROM log l WHERE l.position <= ${HEAD} AND l.book > 0)`,
  ],
  lies: `
    SELECT p.position, p.book, NULL::int4,
           CASE WHEN p.kind = 15 THEN 'the book is opened where it has records already, or not with sequence 0'
                WHEN p.sequence_before IS NULL THEN 'the book has a record before it is opened'
                ELSE format('sequence %s follows %s', p.sequence, p.sequence_before) END
      FROM placed p
     WHERE CASE WHEN p.sequence_before IS NULL THEN p.kind <> 15 OR p.sequence <> 0
                ELSE p.kind = 15 OR p.sequence <> p.sequence_before + 1 END
    UNION ALL
    SELECT p.position, p.book, NULL, 'the merchant has a book in this environment already'
      FROM (SELECT l.position, l.book, row_number() OVER (PARTITION BY l.details ->> 'merchant', l.details ->> 'environment' ORDER BY l.position) AS n
              FROM log l WHERE l.position <= ${HEAD} AND l.kind = 15) p WHERE p.n > 1
    UNION ALL
    SELECT l.position, l.book, NULL, 'a record without a book has a sequence, or is not about configuration'
      FROM log l WHERE l.position <= ${HEAD} AND l.book <= 0 AND (l.sequence <> 0 OR l.kind <> 16)`,
};

const accounts: Check = {
  name: 'accounts',
  title: 'accounts are numbered and named once, and their settings follow each other',
  rows: countLog(HEAD, 'l.kind BETWEEN 9 AND 12'),
  parts: [
    `setting AS MATERIALIZED (${settingsUpTo(HEAD)})`,
    `opening AS MATERIALIZED (SELECT s.*, row_number() OVER (ORDER BY s.position) AS place,
                                     row_number() OVER (PARTITION BY s.book, s.name ORDER BY s.position) AS of_name
                                FROM setting s WHERE s.kind = 9)`,
  ],
  lies: `
    SELECT o.position, o.book, o.account,
           CASE WHEN o.of_name > 1 THEN 'an account of this name was opened before' ELSE 'accounts are not numbered in order' END
      FROM opening o WHERE o.of_name > 1 OR o.place <> o.account
    UNION ALL
    SELECT s.position, s.book, s.account,
           CASE WHEN s.kind = 9 THEN 'the account is opened twice' WHEN b.account IS NULL THEN 'the account was never opened'
                WHEN s.config_version <> b.config_version + 1 THEN format('config_version %s follows %s', s.config_version, b.config_version)
                ELSE 'what may not change of an account has changed' END
      FROM setting s LEFT JOIN setting b ON b.account = s.account AND b.number = s.number - 1
     WHERE CASE WHEN s.number = 1 THEN s.kind <> 9
                ELSE s.kind = 9 OR s.config_version <> b.config_version + 1
                  OR (s.book, s.name, s.currency, s.normal_balance) IS DISTINCT FROM (b.book, b.name, b.currency, b.normal_balance)
                  OR s.open <> CASE s.kind WHEN 11 THEN false WHEN 12 THEN true ELSE b.open END END`,
};

const legs: Check = {
  name: 'legs',
  title: `every leg moves an amount between two open accounts of its book and currency`,
  rows: `SELECT count(*) + coalesce(sum(cardinality(l.more_legs) / 6), 0) FROM log l WHERE l.position <= ${HEAD} AND l.kind BETWEEN 1 AND 7`,
  parts: [
    `opened AS MATERIALIZED (SELECT l.debit AS account, l.position, l.book, (l.details ->> 'currency')::int2 AS currency
                               FROM log l WHERE l.position <= ${HEAD} AND l.kind = 9)`,
    `judged AS (
      SELECT g.position, g.book, coalesce(g.debit, g.credit) AS account,
             CASE WHEN d.account IS NULL OR c.account IS NULL THEN 'an account of the leg was never opened'
                  WHEN d.account = c.account THEN 'the leg has one account on both sides'
                  WHEN d.position > g.position OR c.position > g.position THEN 'an account of the leg was opened later'
                  WHEN d.book <> g.book OR c.book <> g.book THEN 'an account of the leg belongs to another book'
                  WHEN d.currency IS DISTINCT FROM g.currency OR c.currency IS DISTINCT FROM g.currency
                    THEN 'the currency of the leg is not that of its accounts'
                  WHEN g.kind IN (1, 2, 5, 7) AND (g.amount <= 0 OR g.released <> 0) THEN 'the leg moves no amount'
                  WHEN g.kind IN (4, 6) AND (g.amount <> 0 OR g.released <= 0) THEN 'the leg releases no amount'
                  WHEN g.kind = 3 AND (g.amount < 0 OR g.released < 0 OR g.amount + g.released::numeric = 0)
                    THEN 'the leg captures no amount' END AS message
        FROM (${legsUpTo(HEAD)}) g LEFT JOIN opened d ON d.account = g.debit LEFT JOIN opened c ON c.account = g.credit)`,
  ],
  lies: `
    SELECT j.position, j.book, j.account, j.message FROM judged j WHERE j.message IS NOT NULL
    UNION ALL
    SELECT l.position, l.book, NULL, 'the legs beyond the first are not six numbers each'
      FROM log l WHERE l.position <= ${HEAD} AND cardinality(l.more_legs) % 6 <> 0`,
};

/** A key that comes again after its window is new; the window is that of the configuration in force at its record. */
const keys: Check = {
  name: 'keys',
  title: 'within its window, every idempotency key has one outcome',
  rows: countLog(HEAD, 'l.key IS NOT NULL'),
  parts: [
    `repeated AS MATERIALIZED (SELECT l.book, hashtextextended(l.key, 0) AS hash FROM log l
                                WHERE l.position <= ${HEAD} AND l.key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1)`,
    `keyed AS (SELECT l.position, l.book, l.key, l.recorded_at,
                      lag(l.recorded_at) OVER w AS recorded_before, lag(l.position) OVER w AS position_before
                 FROM log l JOIN repeated r ON r.book = l.book AND r.hash = hashtextextended(l.key, 0)
                WHERE l.position <= ${HEAD} AND l.key IS NOT NULL WINDOW w AS (PARTITION BY l.book, l.key ORDER BY l.position))`,
    `configured AS MATERIALIZED (SELECT l.position, (l.details ->> 'keyWindow')::float8 * interval '1 microsecond' AS key_window
                                   FROM log l WHERE l.position <= ${HEAD} AND l.kind = 16)`,
  ],
  lies: `
    SELECT k.position, k.book, NULL::int4, format('key %s has an outcome at position %s already', k.key, k.position_before)
      FROM keyed k
     WHERE k.recorded_at < k.recorded_before + (SELECT c.key_window FROM configured c WHERE c.position <= k.position_before
                                                 ORDER BY c.position DESC LIMIT 1)`,
};

export const LOG_CHECKS: readonly Check[] = [batches, order, sequences, accounts, legs, keys];
