-- Folds of the log: balances, holds, and what lists and statements are looked up by. All of it can be thrown away and
-- made again from `log`; fold_step() is the only writer.

-- How far each fold has come: everything up to and including `position` is in it.
CREATE TABLE fold (
  name       text PRIMARY KEY,
  position   int8 NOT NULL,
  updated_at timestamptz NOT NULL
);
INSERT INTO fold VALUES ('balances', 0, now());

-- A merchant's ledger in one environment.
CREATE TABLE book (
  book        int4 PRIMARY KEY,
  sequence    int8 NOT NULL,                     -- of its last folded record
  opened_at   timestamptz NOT NULL,
  merchant    text NOT NULL,
  environment text NOT NULL
);

-- Codes of currencies by number: ISO 4217's own numbers, then the operator's from 1001 in the order they came.
CREATE TABLE currency (
  number   int2 PRIMARY KEY,
  exponent int2 NOT NULL,
  code     text NOT NULL UNIQUE
);
INSERT INTO currency (code, number, exponent) VALUES
  ('AED', 784, 2), ('AFN', 971, 2), ('ALL', 8, 2), ('AMD', 51, 2), ('AOA', 973, 2), ('ARS', 32, 2), ('AUD', 36, 2),
  ('AWG', 533, 2), ('AZN', 944, 2), ('BAM', 977, 2), ('BBD', 52, 2), ('BDT', 50, 2), ('BGN', 975, 2), ('BHD', 48, 3),
  ('BIF', 108, 0), ('BMD', 60, 2), ('BND', 96, 2), ('BOB', 68, 2), ('BOV', 984, 2), ('BRL', 986, 2), ('BSD', 44, 2),
  ('BTN', 64, 2), ('BWP', 72, 2), ('BYN', 933, 2), ('BZD', 84, 2), ('CAD', 124, 2), ('CDF', 976, 2), ('CHE', 947, 2),
  ('CHF', 756, 2), ('CHW', 948, 2), ('CLF', 990, 4), ('CLP', 152, 0), ('CNY', 156, 2), ('COP', 170, 2),
  ('COU', 970, 2), ('CRC', 188, 2), ('CUP', 192, 2), ('CVE', 132, 2), ('CZK', 203, 2), ('DJF', 262, 0),
  ('DKK', 208, 2), ('DOP', 214, 2), ('DZD', 12, 2), ('EGP', 818, 2), ('ERN', 232, 2), ('ETB', 230, 2),
  ('EUR', 978, 2), ('FJD', 242, 2), ('FKP', 238, 2), ('GBP', 826, 2), ('GEL', 981, 2), ('GHS', 936, 2),
  ('GIP', 292, 2), ('GMD', 270, 2), ('GNF', 324, 0), ('GTQ', 320, 2), ('GYD', 328, 2), ('HKD', 344, 2),
  ('HNL', 340, 2), ('HTG', 332, 2), ('HUF', 348, 2), ('IDR', 360, 2), ('ILS', 376, 2), ('INR', 356, 2),
  ('IQD', 368, 3), ('IRR', 364, 2), ('ISK', 352, 0), ('JMD', 388, 2), ('JOD', 400, 3), ('JPY', 392, 0),
  ('KES', 404, 2), ('KGS', 417, 2), ('KHR', 116, 2), ('KMF', 174, 0), ('KPW', 408, 2), ('KRW', 410, 0),
  ('KWD', 414, 3), ('KYD', 136, 2), ('KZT', 398, 2), ('LAK', 418, 2), ('LBP', 422, 2), ('LKR', 144, 2),
  ('LRD', 430, 2), ('LSL', 426, 2), ('LYD', 434, 3), ('MAD', 504, 2), ('MDL', 498, 2), ('MGA', 969, 2),
  ('MKD', 807, 2), ('MMK', 104, 2), ('MNT', 496, 2), ('MOP', 446, 2), ('MRU', 929, 2), ('MUR', 480, 2),
  ('MVR', 462, 2), ('MWK', 454, 2), ('MXN', 484, 2), ('MXV', 979, 2), ('MYR', 458, 2), ('MZN', 943, 2),
  ('NAD', 516, 2), ('NGN', 566, 2), ('NIO', 558, 2), ('NOK', 578, 2), ('NPR', 524, 2), ('NZD', 554, 2),
  ('OMR', 512, 3), ('PAB', 590, 2), ('PEN', 604, 2), ('PGK', 598, 2), ('PHP', 608, 2), ('PKR', 586, 2),
  ('PLN', 985, 2), ('PYG', 600, 0), ('QAR', 634, 2), ('RON', 946, 2), ('RSD', 941, 2), ('RUB', 643, 2),
  ('RWF', 646, 0), ('SAR', 682, 2), ('SBD', 90, 2), ('SCR', 690, 2), ('SDG', 938, 2), ('SEK', 752, 2),
  ('SGD', 702, 2), ('SHP', 654, 2), ('SLE', 925, 2), ('SOS', 706, 2), ('SRD', 968, 2), ('SSP', 728, 2),
  ('STN', 930, 2), ('SVC', 222, 2), ('SYP', 760, 2), ('SZL', 748, 2), ('THB', 764, 2), ('TJS', 972, 2),
  ('TMT', 934, 2), ('TND', 788, 3), ('TOP', 776, 2), ('TRY', 949, 2), ('TTD', 780, 2), ('TWD', 901, 2),
  ('TZS', 834, 2), ('UAH', 980, 2), ('UGX', 800, 0), ('USD', 840, 2), ('USN', 997, 2), ('UYI', 940, 0),
  ('UYU', 858, 2), ('UYW', 927, 4), ('UZS', 860, 2), ('VED', 926, 2), ('VES', 928, 2), ('VND', 704, 0),
  ('VUV', 548, 0), ('WST', 882, 2), ('XAD', 396, 2), ('XAF', 950, 0), ('XAG', 961, 0), ('XAU', 959, 0),
  ('XBA', 955, 0), ('XBB', 956, 0), ('XBC', 957, 0), ('XBD', 958, 0), ('XCD', 951, 2), ('XCG', 532, 2),
  ('XDR', 960, 0), ('XOF', 952, 0), ('XPD', 964, 0), ('XPF', 953, 0), ('XPT', 962, 0), ('XSU', 994, 0),
  ('XTS', 963, 0), ('XUA', 965, 0), ('XXX', 999, 0), ('YER', 886, 2), ('ZAR', 710, 2), ('ZMW', 967, 2),
  ('ZWG', 924, 2);

-- Counters as of the cursor of `balances`. A free part of each page keeps updates on the page (HOT), off the indexes.
CREATE TABLE account (
  debits_posted   int8 NOT NULL DEFAULT 0,
  credits_posted  int8 NOT NULL DEFAULT 0,
  debits_pending  int8 NOT NULL DEFAULT 0,
  credits_pending int8 NOT NULL DEFAULT 0,
  version         int8 NOT NULL DEFAULT 0,       -- records that changed a counter
  tail_debits_posted   int8 NOT NULL DEFAULT 0,  -- the counters before the first record of `tail`
  tail_credits_posted  int8 NOT NULL DEFAULT 0,
  tail_debits_pending  int8 NOT NULL DEFAULT 0,
  tail_credits_pending int8 NOT NULL DEFAULT 0,
  tail_effective_from  timestamptz,              -- as effective_from of entry_block
  tail            int8[] NOT NULL DEFAULT '{}',  -- newest end of the statement, not in entry_block yet
  min_balance     int8,                          -- null: no limit
  max_balance     int8,
  config_version  int8 NOT NULL,
  config_position int8 NOT NULL,                 -- the record that opened or last changed it
  opened_position int8 NOT NULL,
  opened_at       timestamptz NOT NULL,
  number          int4 PRIMARY KEY,
  book            int4 NOT NULL,
  currency        int2 NOT NULL,
  open            boolean NOT NULL,
  has_metadata    boolean NOT NULL,
  normal_balance  text NOT NULL CHECK (normal_balance IN ('credit', 'debit')),
  name            text COLLATE "C" NOT NULL,
  UNIQUE (book, name)
) WITH (fillfactor = 45);

-- Records that changed, closed or reopened an account: its settings in the past.
CREATE TABLE account_setting (
  position int8 NOT NULL,
  account  int4 NOT NULL,
  PRIMARY KEY (account, position)
);

-- Transactions that still hold money.
CREATE TABLE hold (
  position   int8 PRIMARY KEY,
  expires_at timestamptz,
  remaining  numeric NOT NULL,                   -- over all legs; 0 closes it
  book       int4 NOT NULL
);
CREATE INDEX hold_by_book ON hold (book, position);

-- An account's statement: up to 128 records that changed it, and how it stood before the first of them.
CREATE TABLE entry_block (
  first_position  int8 NOT NULL,
  last_position   int8 NOT NULL,
  version_before  int8 NOT NULL,
  debits_posted   int8 NOT NULL,                 -- all four before first_position
  credits_posted  int8 NOT NULL,
  debits_pending  int8 NOT NULL,
  credits_pending int8 NOT NULL,
  effective_from  timestamptz,                   -- earliest effective_at of its back-dated records; null: none is
  account         int4 NOT NULL,
  positions       int8[] NOT NULL,
  PRIMARY KEY (account, first_position)
);
CREATE INDEX entry_block_backdated ON entry_block (account, first_position) WHERE effective_from IS NOT NULL;

-- The whole statement. Its newest end stands in the account's own row, which is written in any case, so that a step
-- writes a block of an account's only when many records have come together.
CREATE VIEW statement_block AS
  SELECT e.account, e.first_position, e.last_position, e.version_before, e.debits_posted, e.credits_posted, e.debits_pending,
         e.credits_pending, e.effective_from, e.positions
    FROM entry_block e
  UNION ALL
  SELECT a.number, a.tail[1], a.tail[cardinality(a.tail)], a.version - cardinality(a.tail), a.tail_debits_posted,
         a.tail_credits_posted, a.tail_debits_pending, a.tail_credits_pending, a.tail_effective_from, a.tail
    FROM account a WHERE cardinality(a.tail) > 0;

-- Where a book's sequences stand: positions[1] is that of first_sequence, and so on without a gap.
CREATE TABLE book_block (
  first_sequence int8 NOT NULL,
  book           int4 NOT NULL,
  positions      int8[] NOT NULL,
  PRIMARY KEY (book, first_sequence)
);

-- Transactions by reference and by the string values at the top of their metadata. Hashes collide; readers look at the row.
CREATE TABLE tag (
  hash     int8 NOT NULL,
  position int8 NOT NULL,
  book     int4 NOT NULL,
  PRIMARY KEY (book, hash, position)
);

CREATE FUNCTION tag_of_reference(value text) RETURNS int8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN hashtextextended(value, 1);
CREATE FUNCTION tag_of_metadata(key text, value text) RETURNS int8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN hashtextextended(value, hashtextextended(key, 2));

-- Strings at the top of a JSON object; nothing where Postgres cannot read an escape in it.
CREATE FUNCTION metadata_tags(metadata json) RETURNS SETOF int8 LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN QUERY
    SELECT tag_of_metadata(e.key, e.value #>> '{}') FROM json_each(metadata) e WHERE json_typeof(e.value) = 'string';
EXCEPTION WHEN data_exception THEN
  RETURN;
END $$;

-- All legs of a record as rows. Leg 0 stands in columns, the others six numbers each in more_legs.
CREATE FUNCTION more_legs_of(more_legs int8[])
  RETURNS TABLE (leg int2, debit int4, credit int4, currency int2, amount int8, released int8)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
  SELECT more_legs[i]::int2, more_legs[i + 1]::int4, more_legs[i + 2]::int4, more_legs[i + 3]::int2,
         more_legs[i + 4], more_legs[i + 5]
    FROM generate_series(1, cardinality(more_legs), 6) AS i;
END;

-- Folds the next records: whole batches, at most max_records unless one batch alone is longer. Does nothing where
-- another session is folding. Answers what it folded, (from_position, to_position], and the end of the log.
CREATE FUNCTION fold_step(max_records int4, OUT from_position int8, OUT to_position int8, OUT head int8)
  LANGUAGE plpgsql
  -- Every join here is from few rows to a primary key; sizes differ so much from step to step that a plan must not stay.
  SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_custom_plan
  SET max_parallel_workers_per_gather = 0 SET work_mem = '128MB'
  -- Steps that a crash loses are taken again: the cursor is in the same transaction.
  SET synchronous_commit = off
AS $$
DECLARE
  part record;
BEGIN
  SELECT coalesce((SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1), 0) INTO head;
  SELECT f.position INTO from_position FROM fold f WHERE f.name = 'balances' FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    SELECT f.position INTO from_position FROM fold f WHERE f.name = 'balances';
    to_position := from_position;
    RETURN;
  END IF;
  to_position := CASE
    WHEN head <= from_position + max_records THEN head
    ELSE coalesce(
      (SELECT max(b.prev) FROM batch b WHERE b.prev > from_position AND b.prev <= from_position + max_records),
      (SELECT b.last FROM batch b WHERE b.prev = from_position))
  END;
  IF to_position <= from_position THEN
    to_position := from_position;
    RETURN;
  END IF;

  SELECT * INTO part FROM fold_read(from_position, to_position);
  IF part.has & 1 <> 0 THEN PERFORM fold_config(from_position, to_position); END IF;
  PERFORM fold_books(part.books);
  IF part.has & 4 = 0 THEN PERFORM fold_plain(part.debits, part.credits);
  ELSE PERFORM fold_changes(from_position, to_position);
  END IF;
  IF part.has & 2 <> 0 THEN PERFORM fold_holds(from_position, to_position); END IF;
  IF part.has & 8 <> 0 THEN PERFORM fold_tags(from_position, to_position); END IF;
  UPDATE fold SET position = to_position, updated_at = clock_timestamp() WHERE name = 'balances';
END $$;

-- Records of one book, or that debit or credit one account, in order of position.
CREATE TYPE fold_group AS (
  key       int4,                                -- number of the book or account
  sequence  int8,                                -- of the last of them
  amount    int8,
  positions int8[],
  amounts   int8[]
);

-- The one look at all records of a step, since looking is the dearest thing here: by book, and by account on either side,
-- these as far as they are plain (one leg, posted at once, not back-dated). And what else they have. Bits: 1 configuration,
-- 2 holds, 4 changes that are not plain, 8 tags.
-- Hashing keeps the order in which rows come, and they come by the index on position: nothing is sorted.
CREATE FUNCTION fold_read(after_position int8, to_position int8,
                          OUT has int4, OUT books fold_group[], OUT debits fold_group[], OUT credits fold_group[])
  LANGUAGE plpgsql SET enable_sort = off AS $$
BEGIN
  SELECT bit_or(g.has), array_agg(ROW(g.book, g.sequence, NULL, g.positions, NULL)::fold_group) FILTER (WHERE g.which = 3 AND g.sequence > 0),
         array_agg(ROW(g.debit, NULL, g.amount::int8, g.positions, g.amounts)::fold_group) FILTER (WHERE g.which = 5 AND g.debit > 0),
         array_agg(ROW(g.credit, NULL, g.amount::int8, g.positions, g.amounts)::fold_group) FILTER (WHERE g.which = 6 AND g.credit > 0)
    INTO has, books, debits, credits
    FROM (SELECT GROUPING(l.book, l.debit, l.credit) AS which, l.book, l.debit, l.credit, max(l.sequence) AS sequence,
                 array_agg(l.position) FILTER (WHERE l.sequence > 0) AS positions, sum(l.amount) AS amount,
                 array_agg(l.amount) AS amounts, bit_or(l.has) AS has
            FROM (SELECT l.position, l.book, l.sequence, l.amount, CASE WHEN l.kind = 1 THEN l.debit END AS debit,
                         CASE WHEN l.kind = 1 THEN l.credit END AS credit,
                         CASE WHEN l.kind = 1 AND l.more_legs IS NULL AND l.effective_at IS NULL AND l.reference IS NULL
                                   AND l.metadata IS NULL THEN 0
                              ELSE CASE WHEN l.kind >= 9 THEN 1 WHEN l.kind BETWEEN 2 AND 6 THEN 6
                                        WHEN l.kind = 7 OR l.more_legs IS NOT NULL OR l.effective_at IS NOT NULL THEN 4 ELSE 0 END
                                   + CASE WHEN l.reference IS NOT NULL OR l.metadata IS NOT NULL THEN 8 ELSE 0 END END AS has
                    FROM log l WHERE l.position > after_position AND l.position <= to_position ORDER BY l.position) l
           GROUP BY GROUPING SETS ((l.book), (l.debit), (l.credit))) g;
END $$;

-- Where the books' sequences stand.
CREATE FUNCTION fold_books(books fold_group[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO book_block (book, first_sequence, positions)
    SELECT p.key, p.sequence - cardinality(p.positions) + i, p.positions[i:i + 127]
      FROM unnest(books) p, generate_series(1, cardinality(p.positions), 128) AS i;
  UPDATE book SET sequence = b.sequence FROM unnest(books) AS b WHERE book.book = b.key;
END $$;

-- Books, currencies, accounts and their settings.
CREATE FUNCTION fold_config(after_position int8, to_position int8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO book (book, sequence, opened_at, merchant, environment)
    SELECT l.book, 0, l.recorded_at, l.details ->> 'merchant', l.details ->> 'environment'
      FROM log l WHERE l.position > after_position AND l.position <= to_position AND l.kind = 15;

  INSERT INTO currency (number, exponent, code)
    SELECT (SELECT greatest(1000, max(c.number)) FROM currency c) + row_number() OVER (ORDER BY fresh.first_position, fresh.place),
           fresh.exponent, fresh.code
      FROM (SELECT DISTINCT ON (c.entry ->> 'code') c.entry ->> 'code' AS code, (c.entry ->> 'exponent')::int2 AS exponent,
                   l.position AS first_position, c.place
              FROM log l, json_array_elements(l.details -> 'customCurrencies') WITH ORDINALITY AS c(entry, place)
             WHERE l.position > after_position AND l.position <= to_position AND l.kind = 16
             ORDER BY c.entry ->> 'code', l.position, c.place) fresh
     WHERE NOT EXISTS (SELECT FROM currency known WHERE known.code = fresh.code);

  INSERT INTO account (number, book, name, currency, normal_balance, open, has_metadata, min_balance, max_balance,
                       config_version, config_position, opened_position, opened_at)
    SELECT l.debit, l.book, d.name, d.currency, d.normal_balance, d.open, d.metadata IS NOT NULL, d.min_balance,
           d.max_balance, d.config_version, l.position, l.position, l.recorded_at
      FROM log l, json_to_record(l.details) AS d(name text, currency int2, normal_balance text, open boolean,
                                                 metadata text, min_balance int8, max_balance int8, config_version int8)
     WHERE l.position > after_position AND l.position <= to_position AND l.kind = 9
     ORDER BY l.book, d.name;

  INSERT INTO account_setting (account, position)
    SELECT l.debit, l.position
      FROM log l WHERE l.position > after_position AND l.position <= to_position AND l.kind BETWEEN 10 AND 12;

  UPDATE account a
     SET open = d.open, has_metadata = d.metadata IS NOT NULL, min_balance = d.min_balance, max_balance = d.max_balance,
         config_version = d.config_version, config_position = c.position
    FROM (SELECT DISTINCT ON (l.debit) l.debit, l.position, l.details
            FROM log l
           WHERE l.position > after_position AND l.position <= to_position AND l.kind BETWEEN 10 AND 12
           ORDER BY l.debit, l.position DESC) c,
         json_to_record(c.details) AS d(open boolean, metadata text, min_balance int8, max_balance int8, config_version int8)
   WHERE a.number = c.debit;
END $$;

-- Counters and statements where all changes are plain: from what was grouped by side, an account's row is written once,
-- and blocks of its statement are cut from the arrays.
CREATE FUNCTION fold_plain(debits fold_group[], credits fold_group[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH grouped AS (
    SELECT coalesce(d.key, c.key) AS account, coalesce(d.amount, 0) AS dp, coalesce(c.amount, 0) AS cp,
           d.key IS NOT NULL AND c.key IS NOT NULL AS is_mixed,
           CASE WHEN c.key IS NULL THEN d.positions WHEN d.key IS NULL THEN c.positions
                ELSE (SELECT array_agg(p ORDER BY p) FROM unnest(d.positions || c.positions) AS p) END AS positions,
           -- Where it is on both sides, what a record debits is below zero.
           CASE WHEN c.key IS NULL THEN d.amounts WHEN d.key IS NULL THEN c.amounts
                ELSE (SELECT array_agg(m.amount ORDER BY m.position)
                        FROM (SELECT u.position, -u.amount AS amount FROM unnest(d.positions, d.amounts) AS u(position, amount)
                               UNION ALL
                              SELECT u.position, u.amount FROM unnest(c.positions, c.amounts) AS u(position, amount)) m)
                END AS amounts
      FROM unnest(debits) d FULL JOIN unnest(credits) c ON c.key = d.key
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
              CASE WHEN cardinality(a.tail) = 0 AND cardinality(g.positions) > 96 THEN g.amounts END AS amounts
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

-- Counters and statements where there are holds, captures, several legs and the like among the changes. `grouped` has one row for each account, with its records as arrays: an account's row is
-- written once, and blocks of its statement are cut from the arrays, without a look at records again.
-- Hashing keeps the order in which rows come, and they come by the index on position: nothing is sorted.
CREATE FUNCTION fold_changes(after_position int8, to_position int8) RETURNS void
  LANGUAGE plpgsql SET enable_sort = off AS $$
BEGIN
  -- Twice read is cheaper than once read and kept.
  WITH plain AS NOT MATERIALIZED (
    SELECT l.position, l.debit, l.credit, l.amount
      FROM log l
     WHERE l.position > after_position AND l.position <= to_position AND l.kind = 1
       AND l.more_legs IS NULL AND l.effective_at IS NULL
     ORDER BY l.position
  ), moved AS MATERIALIZED (
    SELECT l.position, l.debit, l.credit, l.more_legs, l.kind, l.effective_at,
           CASE WHEN l.kind IN (1, 3, 7) THEN coalesce(l.amount, 0) ELSE 0 END AS posted,
           CASE WHEN l.kind IN (2, 5) THEN coalesce(l.amount, 0)
                WHEN l.kind IN (3, 4, 6) THEN -coalesce(l.amount, 0) - coalesce(l.released, 0)
                ELSE 0 END AS pending
      FROM log l
     WHERE l.position > after_position AND l.position <= to_position AND l.kind BETWEEN 1 AND 7
       AND NOT (l.kind = 1 AND l.more_legs IS NULL AND l.effective_at IS NULL)
  ), leg AS (
    SELECT m.position, m.effective_at, m.debit, m.credit, m.posted, m.pending FROM moved m WHERE m.more_legs IS NOT NULL
    UNION ALL
    SELECT m.position, m.effective_at, g.debit, g.credit, CASE WHEN m.kind IN (1, 3, 7) THEN g.amount ELSE 0 END,
           CASE WHEN m.kind IN (2, 5) THEN g.amount WHEN m.kind IN (3, 4, 6) THEN -g.amount - g.released ELSE 0 END
      FROM moved m, more_legs_of(m.more_legs) g WHERE m.more_legs IS NOT NULL
  ), change AS (
    -- One leg: its two accounts differ, so each gets one row as it is. (Three times faster than VALUES beside each row.)
    SELECT p.debit AS account, p.position, p.amount AS dp, 0::int8 AS cp, 0::int8 AS dh, 0::int8 AS ch,
           NULL::timestamptz AS effective_at
      FROM plain p
    UNION ALL
    SELECT p.credit, p.position, 0, p.amount, 0, 0, NULL FROM plain p
    UNION ALL
    SELECT m.debit, m.position, m.posted, 0, m.pending, 0, CASE WHEN m.posted > 0 THEN m.effective_at END
      FROM moved m WHERE m.more_legs IS NULL
    UNION ALL
    SELECT m.credit, m.position, 0, m.posted, 0, m.pending, CASE WHEN m.posted > 0 THEN m.effective_at END
      FROM moved m WHERE m.more_legs IS NULL
    UNION ALL
    -- Several legs: an account that stands on more than one of them still changes once.
    SELECT s.account, s.position, sum(s.dp)::int8, sum(s.cp)::int8, sum(s.dh)::int8, sum(s.ch)::int8,
           CASE WHEN sum(s.dp + s.cp) > 0 THEN min(s.effective_at) END
      FROM (SELECT g.debit AS account, g.position, g.effective_at, g.posted AS dp, 0::int8 AS cp, g.pending AS dh, 0::int8 AS ch
              FROM leg g
             UNION ALL
            SELECT g.credit, g.position, g.effective_at, 0, g.posted, 0, g.pending FROM leg g) s
     GROUP BY s.account, s.position
  ), grouped AS (
    SELECT c.account, sum(c.dp)::int8 AS dp, sum(c.cp)::int8 AS cp,
           sum(c.dh)::int8 AS dh, sum(c.ch)::int8 AS ch, min(c.effective_at) AS effective_from, array_agg(c.position) AS positions,
           array_agg(c.dp) AS dps, array_agg(c.cp) AS cps, array_agg(c.dh) AS dhs, array_agg(c.ch) AS chs,
           array_agg(c.effective_at) AS effectives
      FROM change c GROUP BY c.account
  ), updated AS (
    UPDATE account a
       SET debits_posted = a.debits_posted + g.dp, credits_posted = a.credits_posted + g.cp,
           debits_pending = a.debits_pending + g.dh, credits_pending = a.credits_pending + g.ch,
           version = a.version + cardinality(g.positions),
           tail = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN '{}'
                       ELSE a.tail || (SELECT array_agg(p ORDER BY p) FROM unnest(g.positions) AS p) END,
           tail_debits_posted = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.debits_posted + g.dp
                                     ELSE a.tail_debits_posted END,
           tail_credits_posted = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.credits_posted + g.cp
                                      ELSE a.tail_credits_posted END,
           tail_debits_pending = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.debits_pending + g.dh
                                      ELSE a.tail_debits_pending END,
           tail_credits_pending = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN a.credits_pending + g.ch
                                       ELSE a.tail_credits_pending END,
           tail_effective_from = CASE WHEN cardinality(a.tail) + cardinality(g.positions) > 32 THEN NULL
                                      ELSE least(a.tail_effective_from, g.effective_from) END
      FROM grouped g WHERE a.number = g.account
    -- Where all records are in the account's row, nothing is left to write: no arrays are kept.
    RETURNING a.number AS account, cardinality(a.tail) = 0 AS is_cut, cardinality(g.positions) AS records,
              g.effective_from,
              CASE WHEN cardinality(a.tail) = 0 THEN g.positions END AS positions,
              CASE WHEN cardinality(a.tail) = 0 THEN g.dps END AS dps,
              CASE WHEN cardinality(a.tail) = 0 THEN g.cps END AS cps,
              CASE WHEN cardinality(a.tail) = 0 THEN g.dhs END AS dhs,
              CASE WHEN cardinality(a.tail) = 0 THEN g.chs END AS chs,
              CASE WHEN cardinality(a.tail) = 0 THEN g.effectives END AS effectives
  ), busy AS MATERIALIZED (
    -- Accounts with more records than a block takes. The statement sees every account as it was before it.
    SELECT u.account, u.records, o.positions, o.dps, o.cps, o.dhs, o.chs, o.effectives,
           a.version, a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending
      FROM updated u JOIN account a ON a.number = u.account,
           LATERAL (SELECT array_agg(e.position ORDER BY e.position) AS positions, array_agg(e.dp ORDER BY e.position) AS dps,
                           array_agg(e.cp ORDER BY e.position) AS cps, array_agg(e.dh ORDER BY e.position) AS dhs,
                           array_agg(e.ch ORDER BY e.position) AS chs, array_agg(e.effective_at ORDER BY e.position) AS effectives
                      FROM unnest(u.positions, u.dps, u.cps, u.dhs, u.chs, u.effectives) AS e(position, dp, cp, dh, ch, effective_at)) o
     WHERE u.is_cut AND u.records > 96
  ), piece AS (
    SELECT b.account, i AS first, b.positions[i:i + 127] AS positions, s.dp, s.cp, s.dh, s.ch, s.effective_from,
           b.version, b.debits_posted, b.credits_posted, b.debits_pending, b.credits_pending
      FROM busy b, generate_series(1, b.records, 128) AS i,
           LATERAL (SELECT sum(m.dp) AS dp, sum(m.cp) AS cp, sum(m.dh) AS dh, sum(m.ch) AS ch, min(m.effective_at) AS effective_from
                      FROM unnest(b.dps[i:i + 127], b.cps[i:i + 127], b.dhs[i:i + 127], b.chs[i:i + 127], b.effectives[i:i + 127])
                           AS m(dp, cp, dh, ch, effective_at)) s
  )
  INSERT INTO entry_block (account, first_position, last_position, version_before, debits_posted, credits_posted,
                           debits_pending, credits_pending, effective_from, positions)
    -- What stood in the account's row, and with it the new records if they are few.
    SELECT b.account, b.positions[1], b.positions[cardinality(b.positions)], b.version, b.debits_posted, b.credits_posted,
           b.debits_pending, b.credits_pending, b.effective_from, b.positions
      FROM (SELECT u.account, a.version - cardinality(a.tail) AS version, a.tail_debits_posted AS debits_posted,
                   a.tail_credits_posted AS credits_posted, a.tail_debits_pending AS debits_pending,
                   a.tail_credits_pending AS credits_pending,
                   CASE WHEN u.records > 96 THEN a.tail
                        ELSE a.tail || (SELECT array_agg(p ORDER BY p) FROM unnest(u.positions) AS p) END AS positions,
                   CASE WHEN u.records > 96 THEN a.tail_effective_from
                        ELSE least(a.tail_effective_from, u.effective_from) END AS effective_from
              FROM updated u JOIN account a ON a.number = u.account
             -- OFFSET keeps the list from being made again wherever it is named.
             WHERE u.is_cut OFFSET 0) b
     WHERE cardinality(b.positions) > 0
    UNION ALL
    SELECT p.account, p.positions[1], p.positions[cardinality(p.positions)], p.version + p.first - 1, p.debits_posted + p.dp,
           p.credits_posted + p.cp, p.debits_pending + p.dh, p.credits_pending + p.ch, p.effective_from, p.positions
      FROM (SELECT p.account, p.first, p.positions, p.effective_from,
                   (sum(p.dp) OVER earlier - p.dp)::int8 AS dp, (sum(p.cp) OVER earlier - p.cp)::int8 AS cp,
                   (sum(p.dh) OVER earlier - p.dh)::int8 AS dh, (sum(p.ch) OVER earlier - p.ch)::int8 AS ch,
                   p.version, p.debits_posted, p.credits_posted, p.debits_pending, p.credits_pending
              FROM piece p WINDOW earlier AS (PARTITION BY p.account ORDER BY p.first)) p;
END $$;

CREATE FUNCTION fold_holds(after_position int8, to_position int8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH change AS MATERIALIZED (
    SELECT CASE WHEN l.kind = 2 THEN l.position ELSE l.parent END AS position, bool_or(l.kind = 2) AS opened,
           min(l.book) AS book, min(l.expires_at) FILTER (WHERE l.kind = 2) AS expires_at,
           sum(CASE WHEN l.kind IN (2, 5) THEN 1 ELSE -1 END
               * (coalesce(l.amount, 0)::numeric + coalesce(l.released, 0) + coalesce(m.rest, 0))) AS rest
      FROM log l
      LEFT JOIN LATERAL (SELECT sum(g.amount::numeric + g.released) AS rest FROM more_legs_of(l.more_legs) g) m ON true
     WHERE l.position > after_position AND l.position <= to_position AND l.kind BETWEEN 2 AND 6
     GROUP BY 1
  ), closed AS (
    DELETE FROM hold h USING change c WHERE h.position = c.position AND h.remaining + c.rest = 0
  ), changed AS (
    UPDATE hold h SET remaining = h.remaining + c.rest
      FROM change c WHERE h.position = c.position AND h.remaining + c.rest <> 0
  )
  INSERT INTO hold (position, book, expires_at, remaining)
    SELECT c.position, c.book, c.expires_at, c.rest FROM change c WHERE c.opened AND c.rest <> 0;
END $$;

CREATE FUNCTION fold_tags(after_position int8, to_position int8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tag (book, hash, position)
    SELECT l.book, tag_of_reference(l.reference), l.position
      FROM log l
     WHERE l.position > after_position AND l.position <= to_position AND l.kind BETWEEN 1 AND 7 AND l.reference IS NOT NULL
     ORDER BY 1, 2;
  INSERT INTO tag (book, hash, position)
    SELECT DISTINCT l.book, t.hash, l.position
      FROM log l, metadata_tags(l.metadata) AS t(hash)
     WHERE l.position > after_position AND l.position <= to_position AND l.kind BETWEEN 1 AND 7 AND l.metadata IS NOT NULL
     ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
END $$;

-- Views for people. Amounts are integers of minor units; times are UTC as the session shows them.

CREATE FUNCTION kind_name(kind int2) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (ARRAY['posted', 'pending', 'capture', 'void', 'increment', 'expiry', 'reversal', 'refused', 'account_opened',
                'account_changed', 'account_closed', 'account_reopened', 'account_confirmed', 'batch', 'merchant_opened',
                'configured'])[kind];

-- Also of accounts that were opened after the fold's cursor.
CREATE FUNCTION account_name(account_number int4) RETURNS text LANGUAGE sql STABLE
  RETURN coalesce((SELECT a.name FROM account a WHERE a.number = account_number),
                  (SELECT l.details ->> 'name' FROM log l WHERE l.kind = 9 AND l.debit = account_number LIMIT 1));

-- Every transaction, newest last; actions are transactions of their own and name their parent.
CREATE VIEW transactions AS
  SELECT l.position, b.merchant, b.environment, l.book, l.sequence, kind_name(l.kind) AS kind, l.parent,
         CASE WHEN l.kind = 2
              THEN coalesce((SELECT a.details #>> '{parent_state,status}' FROM log a
                              WHERE a.parent = l.position AND a.kind BETWEEN 3 AND 6 ORDER BY a.position DESC LIMIT 1), 'pending')
              ELSE 'posted' END AS status,
         l.recorded_at, coalesce(l.effective_at, l.recorded_at) AS effective_at, l.expires_at,
         coalesce(l.flags & 1, 0) = 1 AS forced, l.key, l.reference, l.description, l.metadata
    FROM log l LEFT JOIN book b USING (book)
   WHERE l.kind BETWEEN 1 AND 7;

-- Every leg of every transaction, with names.
CREATE VIEW legs AS
  SELECT l.position, l.book, l.sequence, kind_name(l.kind) AS kind, l.parent, g.leg, account_name(g.debit) AS debit,
         account_name(g.credit) AS credit, c.code AS currency, g.amount, g.released, l.recorded_at,
         coalesce(l.effective_at, l.recorded_at) AS effective_at
    FROM log l
   CROSS JOIN LATERAL (SELECT coalesce(l.leg, 0::int2) AS leg, l.debit, l.credit, l.currency, coalesce(l.amount, 0) AS amount,
                              coalesce(l.released, 0) AS released
                       UNION ALL
                       SELECT m.* FROM more_legs_of(l.more_legs) m) g
    LEFT JOIN currency c ON c.number = g.currency
   WHERE l.kind BETWEEN 1 AND 7;

-- Balances as of the fold's cursor, signed as each account's normal balance has it.
CREATE VIEW balances AS
  SELECT b.merchant, b.environment, a.book, a.name, c.code AS currency, a.normal_balance,
         CASE WHEN a.open THEN 'open' ELSE 'closed' END AS status,
         s.posted, s.pending_in, s.pending_out, s.posted - s.pending_out AS available,
         a.min_balance, a.max_balance, a.version, a.config_version, a.opened_at, a.number
    FROM account a
    JOIN book b USING (book)
    LEFT JOIN currency c ON c.number = a.currency
   CROSS JOIN LATERAL (
     SELECT CASE WHEN a.normal_balance = 'credit' THEN a.credits_posted - a.debits_posted
                 ELSE a.debits_posted - a.credits_posted END AS posted,
            CASE WHEN a.normal_balance = 'credit' THEN a.credits_pending ELSE a.debits_pending END AS pending_in,
            CASE WHEN a.normal_balance = 'credit' THEN a.debits_pending ELSE a.credits_pending END AS pending_out) s;

-- Idempotency keys and what became of them; `code` is a number of the error table, null for success.
CREATE VIEW keys AS
  SELECT l.book, l.key, l.position, l.sequence, kind_name(l.kind) AS kind, nullif(l.code, 0) AS code, l.recorded_at
    FROM log l WHERE l.key IS NOT NULL;

-- The last record at or before a time; 0 where there is none. Recorded times never go back, so halving finds it.
CREATE FUNCTION position_at(at timestamptz) RETURNS int8 LANGUAGE plpgsql STABLE AS $$
DECLARE
  low int8 := 0;
  high int8 := coalesce((SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1), 0);
  middle int8;
BEGIN
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF (SELECT l.recorded_at FROM log l WHERE l.position = middle) <= at THEN low := middle; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN low;
END $$;

-- Where a folded sequence of a book stands in the log; null for one that is not.
CREATE FUNCTION position_of(of_book int4, of_sequence int8) RETURNS int8 LANGUAGE sql STABLE AS $$
  SELECT b.positions[of_sequence - b.first_sequence + 1]
    FROM book_block b WHERE b.book = of_book AND b.first_sequence <= of_sequence ORDER BY b.first_sequence DESC LIMIT 1
$$;

-- A book's place in its own count as of a position that is folded.
CREATE FUNCTION sequence_at(of_book int4, upto int8) RETURNS int8 LANGUAGE plpgsql STABLE AS $$
DECLARE
  low int8 := 0;
  high int8 := coalesce((SELECT b.sequence FROM book b WHERE b.book = of_book), 0);
  middle int8;
BEGIN
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF position_of(of_book, middle) <= upto THEN low := middle; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN low;
END $$;
