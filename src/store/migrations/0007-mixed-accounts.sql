-- As in 0002, but what an account that stands on both sides of some records has is merged once. Pulled up into the UPDATE,
-- the merging was done wherever its result is named: ten times, which was half of what a step took.
CREATE OR REPLACE FUNCTION fold_plain(debits fold_group[], credits fold_group[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH grouped AS (
    SELECT coalesce(d.key, c.key) AS account, coalesce(d.amount, 0) AS dp, coalesce(c.amount, 0) AS cp,
           d.key IS NOT NULL AND c.key IS NOT NULL AS is_mixed,
           CASE WHEN c.key IS NULL THEN d.positions WHEN d.key IS NULL THEN c.positions
                ELSE (SELECT array_agg(p ORDER BY p) FROM unnest(d.positions || c.positions) AS p) END AS positions,
           d.positions AS debit_positions, d.amounts AS debit_amounts, c.positions AS credit_positions, c.amounts AS credit_amounts
      -- OFFSET keeps the positions from being sorted again wherever they are named, which is in ten places.
      FROM unnest(debits) d FULL JOIN unnest(credits) c ON c.key = d.key OFFSET 0
  ), updated AS (
    UPDATE account a
       SET debits_posted = a.debits_posted + g.dp, credits_posted = a.credits_posted + g.cp,
           version = a.version + cardinality(g.positions),
           tail = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN '{}' ELSE a.tail || g.positions END,
           tail_debits_posted = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.debits_posted + g.dp
                                     ELSE a.tail_debits_posted END,
           tail_credits_posted = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.credits_posted + g.cp
                                      ELSE a.tail_credits_posted END,
           tail_debits_pending = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.debits_pending
                                      ELSE a.tail_debits_pending END,
           tail_credits_pending = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.credits_pending
                                       ELSE a.tail_credits_pending END,
           tail_effective_from = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN NULL
                                      ELSE a.tail_effective_from END
      FROM grouped g WHERE a.number = g.account
    -- Where all records are in the account's row, nothing is left to write: no arrays are kept.
    RETURNING a.number AS account, cardinality(a.tail) = 0 AS is_cut, cardinality(g.positions) AS records, g.is_mixed, g.dp > 0 AS is_debited,
              CASE WHEN cardinality(a.tail) = 0 THEN g.positions END AS positions,
              CASE WHEN cardinality(a.tail) <> 0 OR cardinality(g.positions) <= 96 THEN NULL
                   WHEN NOT g.is_mixed THEN coalesce(g.debit_amounts, g.credit_amounts)
                   -- Where it is on both sides, what a record debits is below zero.
                   ELSE (SELECT array_agg(m.amount ORDER BY m.position)
                           FROM (SELECT u.position, -u.amount AS amount
                                   FROM unnest(g.debit_positions, g.debit_amounts) AS u(position, amount)
                                  UNION ALL
                                 SELECT u.position, u.amount
                                   FROM unnest(g.credit_positions, g.credit_amounts) AS u(position, amount)) m)
                   END AS amounts
  ), piece AS MATERIALIZED (
    -- Of accounts with more records than a block takes. The statement sees every account as it was before it.
    -- Kept, so that what is sorted by account are pieces and not whole arrays.
    SELECT u.account, i AS first, u.positions[i:i + 127] AS positions,
           CASE WHEN u.is_mixed THEN m.dp WHEN u.is_debited THEN m.amount ELSE 0 END AS dp,
           CASE WHEN u.is_mixed THEN m.cp WHEN u.is_debited THEN 0 ELSE m.amount END AS cp,
           a.version, a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending
      FROM updated u JOIN account a ON a.number = u.account,
           generate_series(1, u.records, 128) AS i,
           LATERAL (SELECT sum(n.amount) AS amount, NULL::numeric AS dp, NULL::numeric AS cp
                      FROM (SELECT unnest(u.amounts[i:i + 127]) AS amount) n WHERE NOT u.is_mixed HAVING NOT u.is_mixed
                    UNION ALL
                    SELECT NULL, coalesce(-sum(n.amount) FILTER (WHERE n.amount < 0), 0),
                           coalesce(sum(n.amount) FILTER (WHERE n.amount > 0), 0)
                      FROM (SELECT unnest(u.amounts[i:i + 127]) AS amount) n WHERE u.is_mixed HAVING u.is_mixed) m
     WHERE u.is_cut AND u.records > 96
  )
  INSERT INTO entry_block (account, first_position, last_position, version_before, debits_posted, credits_posted,
                           debits_pending, credits_pending, effective_from, positions)
    -- What stood in the account's row, and with it the new records if they are few.
    SELECT b.account, b.positions[1], b.positions[cardinality(b.positions)], b.version, b.debits_posted, b.credits_posted,
           b.debits_pending, b.credits_pending, b.effective_from, b.positions
      FROM (SELECT u.account, a.version - cardinality(a.tail) AS version, a.tail_debits_posted AS debits_posted,
                   a.tail_credits_posted AS credits_posted, a.tail_debits_pending AS debits_pending,
                   a.tail_credits_pending AS credits_pending, a.tail_effective_from AS effective_from,
                   CASE WHEN u.records > 96 THEN a.tail ELSE a.tail || u.positions END AS positions
              FROM updated u JOIN account a ON a.number = u.account
             -- OFFSET keeps the list from being made again wherever it is named.
             WHERE u.is_cut OFFSET 0) b
     WHERE cardinality(b.positions) > 0
    UNION ALL
    SELECT p.account, p.positions[1], p.positions[cardinality(p.positions)], p.version + p.first - 1, p.debits_posted + p.dp,
           p.credits_posted + p.cp, p.debits_pending, p.credits_pending, NULL, p.positions
      FROM (SELECT p.account, p.first, p.positions, (sum(p.dp) OVER earlier - p.dp)::int8 AS dp,
                   (sum(p.cp) OVER earlier - p.cp)::int8 AS cp, p.version, p.debits_posted, p.credits_posted,
                   p.debits_pending, p.credits_pending
              FROM piece p WINDOW earlier AS (PARTITION BY p.account ORDER BY p.first)) p;
END $$;
