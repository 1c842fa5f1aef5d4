/** What the records did: limits at each record's place, holds, captures, reversals. All from the log. */
import { type Check, changesUpTo, countLog, HEAD, legsUpTo, settingsUpTo } from './check.js';

/**
 * The settings in force at a record are found by counting: as many settings records of the account stand before it.
 * Captures, voids, expiries and forced reversals are not judged, nor are accounts that a record does not make worse.
 */
const limits: Check = {
  name: 'limits',
  title: 'limits held at every record, by the limits in force there; closed accounts rested',
  rows: 'SELECT count(*) FROM placed',
  parts: [
    `setting AS MATERIALIZED (${settingsUpTo(HEAD)})`,
    // Accounts that nothing was ever asked of, as those of the outside world, cannot break anything.
    `bound AS MATERIALIZED (
      SELECT s.account, bool_or(s.number = 1 AND s.normal_balance = 'credit') AS is_credit
        FROM setting s GROUP BY s.account HAVING bool_or(s.min_balance IS NOT NULL OR s.max_balance IS NOT NULL OR NOT s.open OR s.kind = 11))`,
    // Sums of whole numbers are several times cheaper than sums of numeric; each of these fits.
    `stream AS (
      SELECT c.account, c.position, c.kind, c.forced, 0 AS settings, CASE WHEN b.is_credit THEN c.cp - c.dp ELSE c.dp - c.cp END AS posted,
             CASE WHEN b.is_credit THEN c.ch ELSE c.dh END AS pending_in, CASE WHEN b.is_credit THEN c.dh ELSE c.ch END AS pending_out
        FROM (${changesUpTo(HEAD)}) c JOIN bound b USING (account)
      UNION ALL
      SELECT s.account, s.position, s.kind, false, 1, 0, 0, 0 FROM setting s JOIN bound b USING (account))`,
    `placed AS MATERIALIZED (
      SELECT s.account, s.position, s.kind, s.forced, s.posted::numeric - s.pending_out AS available_change,
             s.posted::numeric + s.pending_in AS expected_change, sum(s.settings) OVER w AS number,
             sum(s.posted) OVER w - sum(s.pending_out) OVER w AS available, sum(s.posted) OVER w + sum(s.pending_in) OVER w AS expected
        FROM stream s WINDOW w AS (PARTITION BY s.account ORDER BY s.position ROWS UNBOUNDED PRECEDING))`,
    `judged AS (
      SELECT p.position, c.book, p.account,
             CASE WHEN p.kind <= 7 AND NOT c.open THEN 'the account is closed and was moved'
                  WHEN p.kind IN (1, 2, 5, 7) AND NOT p.forced AND p.available_change < 0 AND p.available < c.min_balance
                    THEN format('available falls to %s, below min_balance %s', p.available, c.min_balance)
                  WHEN p.kind IN (1, 2, 5, 7) AND NOT p.forced AND p.expected_change > 0 AND p.expected > c.max_balance
                    THEN format('posted and pending_in rise to %s, above max_balance %s', p.expected, c.max_balance)
                  WHEN p.kind = 11 AND (p.available <> 0 OR p.expected <> 0) THEN 'the account is closed with a balance or holds'
             END AS message
        FROM placed p JOIN setting c ON c.account = p.account AND c.number = p.number)`,
  ],
  lies: 'SELECT j.position, j.book, j.account, j.message FROM judged j WHERE j.message IS NOT NULL',
};

const ACTIONS = 'l.kind BETWEEN 3 AND 7';

/** Of actions and of what they act on: most records are neither. */
const LEGS_OF_ACTIONS = [
  `acted AS MATERIALIZED (SELECT DISTINCT l.parent AS position FROM log l WHERE l.position <= ${HEAD} AND ${ACTIONS})`,
  `leg AS MATERIALIZED (
    SELECT g.* FROM (${legsUpTo(HEAD)}) g WHERE g.kind BETWEEN 3 AND 7 OR g.position IN (SELECT a.position FROM acted a))`,
];

const holds: Check = {
  name: 'holds',
  title: 'captures and releases stay within what is held, reversals within what was posted, leg by leg',
  rows: 'SELECT count(*) FROM placed',
  parts: [
    ...LEGS_OF_ACTIONS,
    `parent AS MATERIALIZED (SELECT g.* FROM leg g JOIN acted a USING (position) WHERE g.kind IN (1, 2))`,
    `placed AS MATERIALIZED (
      SELECT a.*, p.position AS parent_position, p.kind AS parent_kind, p.book AS parent_book, p.expires_at AS parent_expires_at,
             CASE WHEN a.kind = 7 THEN p.credit ELSE p.debit END AS expected_debit,
             CASE WHEN a.kind = 7 THEN p.debit ELSE p.credit END AS expected_credit, p.currency AS parent_currency,
             CASE WHEN p.kind = 2 THEN p.amount ELSE 0 END
               + sum(CASE WHEN a.kind = 5 THEN a.amount ELSE 0 END) OVER w
               - sum(CASE WHEN a.kind IN (3, 4, 6) THEN a.amount::numeric + a.released ELSE 0 END) OVER w AS remaining,
             CASE WHEN p.kind = 1 THEN p.amount ELSE 0 END
               + sum(CASE WHEN a.kind = 3 THEN a.amount ELSE 0 END) OVER w
               - sum(CASE WHEN a.kind = 7 THEN a.amount ELSE 0 END) OVER w AS reversible
        FROM leg a LEFT JOIN parent p ON p.position = a.parent AND p.leg = a.leg
       WHERE a.kind BETWEEN 3 AND 7 WINDOW w AS (PARTITION BY a.parent, a.leg ORDER BY a.position ROWS UNBOUNDED PRECEDING))`,
    `judged AS (
      SELECT p.position, p.book, p.debit AS account,
             CASE WHEN p.parent_position IS NULL THEN format('it acts on leg %s of %s, which is not there', p.leg, p.parent)
                  WHEN p.parent_position > p.position THEN 'it acts on a later record'
                  WHEN p.parent_book <> p.book THEN 'it acts on a transaction of another book'
                  WHEN p.kind <> 7 AND p.parent_kind <> 2 THEN 'it acts on a transaction that held nothing'
                  WHEN (p.debit, p.credit, p.currency) IS DISTINCT FROM (p.expected_debit, p.expected_credit, p.parent_currency)
                    THEN 'its accounts or currency are not those of the leg that it acts on'
                  WHEN p.remaining < 0 THEN format('it takes %s more than the leg held', -p.remaining)
                  WHEN p.reversible < 0 THEN format('it reverses %s more than was posted', -p.reversible)
                  WHEN p.kind = 5 AND p.remaining <= p.amount THEN 'it adds to a hold that was closed'
                  WHEN p.kind = 6 AND p.recorded_at < p.parent_expires_at THEN 'the hold expires before its time'
                  WHEN p.kind IN (3, 4, 5) AND p.recorded_at >= p.parent_expires_at THEN 'it acts on a hold that was due to expire'
             END AS message
        FROM placed p)`,
  ],
  lies: `
    SELECT j.position, j.book, j.account, j.message FROM judged j WHERE j.message IS NOT NULL
    UNION ALL
    SELECT l.position, l.book, NULL, 'its parent is no transaction of its book'
      FROM log l LEFT JOIN log p ON p.position = l.parent
     WHERE l.position <= ${HEAD} AND l.kind = 8 AND l.parent > 0 AND (p.position IS NULL OR p.book <> l.book OR p.position > l.position)`,
};

const states: Check = {
  name: 'states',
  title: 'the state of the parent that every action tells is the fold of the actions',
  rows: countLog(HEAD, ACTIONS),
  parts: [
    ...LEGS_OF_ACTIONS,
    `action AS MATERIALIZED (
      SELECT g.parent, g.position, g.book, g.kind, sum(CASE WHEN g.kind = 3 THEN g.amount ELSE 0 END) AS captured,
             sum(CASE WHEN g.kind = 5 THEN g.amount WHEN g.kind = 7 THEN 0 ELSE -g.amount::numeric - g.released END) AS held,
             sum(CASE WHEN g.kind = 7 THEN 0 ELSE g.released END) AS released
        FROM leg g WHERE g.kind BETWEEN 3 AND 7 GROUP BY g.parent, g.position, g.book, g.kind)`,
    `parent AS MATERIALIZED (SELECT g.position, g.kind, sum(g.amount) AS amount FROM leg g
                              WHERE g.position IN (SELECT a.position FROM acted a) GROUP BY g.position, g.kind)`,
    `placed AS (
      SELECT a.position, a.book, a.kind, p.kind AS parent_kind, sum(a.captured) OVER w AS captured,
             p.amount + sum(a.held) OVER w AS remaining,
             max(CASE WHEN a.released > 0 THEN a.position * 8 + a.kind END) OVER w % 8 AS last_release
        FROM action a JOIN parent p ON p.position = a.parent
      WINDOW w AS (PARTITION BY a.parent ORDER BY a.position ROWS UNBOUNDED PRECEDING))`,
    `told AS (
      SELECT p.position, p.book, l.details #>> '{parent_state,status}' AS told,
             CASE WHEN p.parent_kind = 1 THEN 'posted'
                  WHEN p.remaining > 0 THEN CASE WHEN p.captured > 0 THEN 'partially_captured' ELSE 'pending' END
                  WHEN p.captured > 0 THEN 'captured' WHEN p.last_release = 6 THEN 'expired' ELSE 'voided' END AS status
        FROM placed p JOIN log l USING (position))`,
  ],
  lies: `
    SELECT t.position, t.book, NULL::int4, format('it tells that its parent is %s, which is %s', coalesce(t.told, 'nothing'), t.status)
      FROM told t WHERE t.told IS DISTINCT FROM t.status`,
};

export const MONEY_CHECKS: readonly Check[] = [limits, holds, states];
