/** The folded tables against the log, up to the fold's cursor as of each statement. */
import { type Check, CURSOR, changesUpTo, legsUpTo, settingsUpTo } from './check.js';

const zeroSum: Check = {
  name: 'zero-sum',
  title: 'debits equal credits in every currency, posted and pending',
  rows: 'SELECT count(*) FROM account',
  parts: [],
  lies: `
    SELECT NULL::int8, NULL::int4, NULL::int4,
           format('%s: debits posted %s, credits %s; debits pending %s, credits %s', coalesce(c.code, s.currency::text), s.dp, s.cp, s.dh, s.ch)
      FROM (SELECT a.currency, sum(a.debits_posted) AS dp, sum(a.credits_posted) AS cp, sum(a.debits_pending) AS dh,
                   sum(a.credits_pending) AS ch FROM account a GROUP BY a.currency) s
      LEFT JOIN currency c ON c.number = s.currency
     WHERE s.dp <> s.cp OR s.dh <> s.ch`,
};

const counters: Check = {
  name: 'counters',
  title: 'every account stands as the fold of its legs and settings',
  rows: 'SELECT count(*) FROM account',
  parts: [
    `setting AS MATERIALIZED (${settingsUpTo(CURSOR)})`,
    `expected AS (
      SELECT DISTINCT ON (s.account) s.account, s.book, s.name, s.currency, s.normal_balance, s.open,
             s.metadata IS NOT NULL AS has_metadata, s.min_balance, s.max_balance, s.config_version, s.position
        FROM setting s ORDER BY s.account, s.number DESC)`,
    `moved AS (SELECT c.account, count(*) AS version, sum(c.dp) AS dp, sum(c.cp) AS cp, sum(c.dh) AS dh, sum(c.ch) AS ch
                 FROM (${changesUpTo(CURSOR)}) c GROUP BY c.account)`,
    `compared AS (
      SELECT e.account, a.number, coalesce(e.book, a.book) AS book, e.position,
             CASE WHEN a.number IS NULL THEN 'the account is missing' WHEN e.account IS NULL THEN 'the account was never opened'
                  WHEN (a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending, a.version)
                       IS DISTINCT FROM (coalesce(m.dp, 0)::int8, coalesce(m.cp, 0)::int8, coalesce(m.dh, 0)::int8,
                                         coalesce(m.ch, 0)::int8, coalesce(m.version, 0))
                    THEN format('counters are %s/%s posted, %s/%s pending, version %s; the legs make %s/%s, %s/%s, %s',
                                a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending, a.version,
                                coalesce(m.dp, 0), coalesce(m.cp, 0), coalesce(m.dh, 0), coalesce(m.ch, 0), coalesce(m.version, 0))
                  WHEN (a.book, a.name, a.currency, a.normal_balance, a.open, a.has_metadata, a.min_balance, a.max_balance,
                        a.config_version, a.config_position)
                       IS DISTINCT FROM (e.book, e.name, e.currency, e.normal_balance, e.open, e.has_metadata, e.min_balance,
                                         e.max_balance, e.config_version, e.position)
                    THEN 'its settings are not those of its last record' END AS message
        FROM expected e FULL JOIN account a ON a.number = e.account LEFT JOIN moved m ON m.account = e.account)`,
  ],
  lies: `SELECT c.position, c.book, coalesce(c.account, c.number), c.message FROM compared c WHERE c.message IS NOT NULL`,
};

const openHolds: Check = {
  name: 'open-holds',
  title: 'the table of holds is what is still pending',
  rows: 'SELECT count(*) FROM hold',
  parts: [
    `expected AS (
      SELECT CASE WHEN g.kind = 2 THEN g.position ELSE g.parent END AS position,
             sum(CASE WHEN g.kind IN (2, 5) THEN g.amount::numeric ELSE -g.amount::numeric - g.released END) AS remaining,
             min(g.book) AS book, min(CASE WHEN g.kind = 2 THEN g.expires_at END) AS expires_at
        FROM (${legsUpTo(CURSOR)}) g WHERE g.kind BETWEEN 2 AND 6 GROUP BY 1)`,
  ],
  lies: `
    SELECT coalesce(h.position, e.position), coalesce(h.book, e.book), NULL::int4,
           CASE WHEN h.position IS NULL THEN format('the hold is missing; it holds %s', e.remaining)
                WHEN e.position IS NULL THEN 'the hold is of nothing that is pending'
                ELSE format('the hold says that %s remain of book %s until %s; its records say %s, %s, %s', h.remaining, h.book,
                            h.expires_at, e.remaining, e.book, e.expires_at) END
      FROM hold h FULL JOIN (SELECT * FROM expected WHERE remaining <> 0) e ON e.position = h.position
     WHERE (h.remaining, h.book, h.expires_at) IS DISTINCT FROM (e.remaining, e.book, e.expires_at)`,
};

/**
 * The records and the beginnings of the statement's blocks are sorted into one row, once: so each record finds its block
 * without a join of all records with all lines. Only what differs is looked at line by line.
 */
const statements: Check = {
  name: 'statements',
  title: 'every statement lists the records that changed its account, with the counters before them',
  rows: 'SELECT coalesce(sum(cardinality(e.positions)), 0) FROM statement_block e',
  parts: [
    `placed AS (
      SELECT s.account, s.position, s.dp, s.cp, s.dh, s.ch, s.begins,
             max(CASE WHEN s.begins THEN s.position END) OVER
               (PARTITION BY s.account ORDER BY s.position, s.begins DESC ROWS UNBOUNDED PRECEDING) AS first_position
        FROM (SELECT c.account, c.position, c.dp, c.cp, c.dh, c.ch, false AS begins FROM (${changesUpTo(CURSOR)}) c
               UNION ALL
              SELECT e.account, e.first_position, 0, 0, 0, 0, true FROM statement_block e) s)`,
    `made AS (
      SELECT p.account, p.first_position, count(*) AS records, sum(p.dp) AS dp, sum(p.cp) AS cp, sum(p.dh) AS dh, sum(p.ch) AS ch,
             array_agg(p.position) AS positions
        FROM placed p WHERE NOT p.begins GROUP BY p.account, p.first_position)`,
    `running AS (
      SELECT m.account, m.first_position, m.positions, sum(m.records) OVER w - m.records AS version, sum(m.dp) OVER w - m.dp AS dp,
             sum(m.cp) OVER w - m.cp AS cp, sum(m.dh) OVER w - m.dh AS dh, sum(m.ch) OVER w - m.ch AS ch
        FROM made m WINDOW w AS (PARTITION BY m.account ORDER BY m.first_position NULLS FIRST ROWS UNBOUNDED PRECEDING))`,
    `compared AS MATERIALIZED (
      SELECT coalesce(e.account, r.account) AS account, e.first_position,
             CASE WHEN e.positions IS DISTINCT FROM r.positions THEN e.positions END AS listed,
             CASE WHEN e.positions IS DISTINCT FROM r.positions THEN r.positions END AS made,
             CASE WHEN (e.version_before, e.debits_posted, e.credits_posted, e.debits_pending, e.credits_pending)
                       IS DISTINCT FROM (r.version, r.dp, r.cp, r.dh, r.ch)
                  THEN format('the statement says version %s and %s/%s, %s/%s before the record; the legs make %s and %s/%s, %s/%s',
                              e.version_before, e.debits_posted, e.credits_posted, e.debits_pending, e.credits_pending, r.version,
                              r.dp, r.cp, r.dh, r.ch)
                  WHEN e.positions[1] <> e.first_position OR e.positions[cardinality(e.positions)] <> e.last_position
                  THEN 'the block of the statement does not begin or end as it says' END AS message
        FROM statement_block e FULL JOIN running r ON r.account = e.account AND r.first_position = e.first_position)`,
  ],
  lies: `
    SELECT least(d.listed, d.made), a.book, d.account,
           CASE WHEN d.made < d.listed OR d.listed IS NULL THEN 'the statement lacks the record'
                ELSE 'the statement has a record that did not change the account, or has it twice' END
      FROM (SELECT c.account, u.listed, u.made
              FROM compared c,
                   LATERAL (SELECT p.listed, p.made
                              FROM unnest(c.listed, (SELECT array_agg(m ORDER BY m) FROM unnest(c.made) AS m)) WITH ORDINALITY
                                     AS p(listed, made, place)
                             WHERE p.listed IS DISTINCT FROM p.made ORDER BY p.place LIMIT 1) u
             WHERE c.listed IS NOT NULL OR c.made IS NOT NULL) d
      LEFT JOIN account a ON a.number = d.account
    UNION ALL
    SELECT c.first_position, NULL, c.account, c.message FROM compared c WHERE c.first_position IS NOT NULL AND c.message IS NOT NULL
    UNION ALL
    SELECT e.first_position, NULL, e.account, 'the statement has a record that did not change the account, or has it twice'
      FROM statement_block e GROUP BY e.account, e.first_position HAVING count(*) > 1`,
};

const books: Check = {
  name: 'books',
  title: 'lists know every record of every book by its sequence',
  rows: 'SELECT count(*) FROM listed',
  parts: [
    `listed AS MATERIALIZED (
      SELECT b.book, b.first_sequence + p.place - 1 AS sequence, p.position
        FROM book_block b, unnest(b.positions) WITH ORDINALITY AS p(position, place))`,
  ],
  lies: `
    SELECT coalesce(s.position, l.position), coalesce(s.book, l.book), NULL::int4,
           CASE WHEN s.position IS NULL THEN 'lists lack the record' ELSE 'lists have the record at a place where it is not' END
      FROM listed s
      FULL JOIN (SELECT l.book, l.sequence, l.position FROM log l WHERE l.position <= ${CURSOR} AND l.sequence > 0) l
        ON l.position = s.position AND l.book = s.book AND l.sequence = s.sequence
     WHERE s.position IS NULL OR l.position IS NULL
    UNION ALL
    SELECT NULL, coalesce(b.book, l.book), NULL, format('the book says sequence %s, its records %s', b.sequence, l.sequence)
      FROM book b
      FULL JOIN (SELECT l.book, max(l.sequence) AS sequence FROM log l WHERE l.position <= ${CURSOR} AND l.book > 0 GROUP BY l.book) l
        ON l.book = b.book
     WHERE b.sequence IS DISTINCT FROM l.sequence`,
};

const tags: Check = {
  name: 'tags',
  title: 'every reference and every string of metadata can be looked up',
  rows: 'SELECT count(*) FROM tag',
  parts: [
    `expected AS (
      SELECT l.book, tag_of_reference(l.reference) AS hash, l.position
        FROM log l WHERE l.position <= ${CURSOR} AND l.kind BETWEEN 1 AND 7 AND l.reference IS NOT NULL
      UNION
      SELECT l.book, t.hash, l.position
        FROM log l, metadata_tags(l.metadata) AS t(hash)
       WHERE l.position <= ${CURSOR} AND l.kind BETWEEN 1 AND 7 AND l.metadata IS NOT NULL)`,
  ],
  lies: `
    SELECT coalesce(t.position, e.position), coalesce(t.book, e.book), NULL::int4,
           CASE WHEN t.position IS NULL THEN 'a tag of the record is missing' ELSE 'the record has a tag that it should not' END
      FROM tag t FULL JOIN expected e ON e.book = t.book AND e.hash = t.hash AND e.position = t.position
     WHERE t.position IS NULL OR e.position IS NULL`,
};

const cursor: Check = {
  name: 'cursor',
  title: 'the fold ends at the end of a batch',
  rows: 'SELECT count(*) FROM fold',
  parts: [],
  lies: `
    SELECT f.position, NULL::int4, NULL::int4, 'the fold says that it has come here, which is no end of a batch'
      FROM fold f
     WHERE f.name = 'balances' AND f.position > 0
       AND NOT EXISTS (SELECT FROM batch b WHERE b.last = f.position)`,
};

export const FOLD_CHECKS: readonly Check[] = [cursor, zeroSum, counters, openHolds, statements, books, tags];
