-- The log of a shard and the fence before it. Everything else in this database is a fold of `log`.

-- What this database is. One row.
CREATE TABLE shard (
  only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  log_id          int4 NOT NULL,                -- never used again, part of every public id
  incarnation     int4 NOT NULL DEFAULT 1,      -- raised by a restore to a point in time
  name            text NOT NULL,                -- as the configuration calls it
  slots           int4multirange NOT NULL,      -- of 0..16383; a configuration that differs is refused at start
  hash_key        bytea NOT NULL,               -- 16 secret bytes: key hashes and fingerprints
  partition_records int8 NOT NULL,              -- records a partition of the log, fixed at creation
  created_at      timestamptz NOT NULL DEFAULT now()
);

-- Restores to a point in time, each a new incarnation. Positions after the point are given again; ids are not, since they
-- say in which incarnation their record was written.
CREATE TABLE restore (
  incarnation    int4 PRIMARY KEY,
  after_position int8 NOT NULL,                 -- the last one that stayed
  restored_at    timestamptz NOT NULL DEFAULT now()
);

-- Who owns the shard. The only authority on epochs; changes only when the epoch rises. One row.
CREATE TABLE fence (
  log_id int4 PRIMARY KEY,
  epoch  int8 NOT NULL,
  owner  uuid NOT NULL
);

-- One row a batch, appended by its own transaction. `last` is taken from the fence row under FOR SHARE, so that a stale
-- owner (or a missing fence) makes it NULL and the transaction aborts; `prev` makes a gap or a second writer collide.
CREATE TABLE batch (
  prev  int8 PRIMARY KEY,
  last  int8 NOT NULL CHECK (last > prev),
  epoch int8 NOT NULL,
  hash  int8 NOT NULL,                           -- running hash of the records, checked by recovery
  digest bytea NOT NULL,                         -- SHA-256 of this row, its records and the digest before it
  marks bytea NOT NULL                           -- two bytes a record, by which verify names one that was altered
);
-- Nothing in them is worth a try to compress.
ALTER TABLE batch ALTER COLUMN digest SET STORAGE PLAIN, ALTER COLUMN marks SET STORAGE EXTERNAL;

-- To be called once after a restore, before an engine starts on it. The number is one that no other restore of the same
-- backup has: tokens, cursors and ids of what is gone must be known by every ledger that is made from it.
CREATE FUNCTION begin_incarnation() RETURNS int4 LANGUAGE sql SET search_path FROM CURRENT AS $$
  WITH risen AS (
    UPDATE shard SET incarnation = greatest(incarnation + 1, extract(epoch FROM now())::int4 - 1700000000)
    RETURNING incarnation
  )
  INSERT INTO restore (incarnation, after_position)
  SELECT incarnation, coalesce((SELECT max(last) FROM batch), 0) FROM risen
  RETURNING incarnation
$$;

-- The log. Leg 0 stands in columns; legs 1.. in more_legs, six numbers each: leg, debit, credit, currency, amount, released.
CREATE TABLE log (
  position     int8 NOT NULL,
  sequence     int8 NOT NULL,
  recorded_at  timestamptz NOT NULL,
  fingerprint  int8,
  amount       int8,
  released     int8,
  parent       int8,
  effective_at timestamptz,                      -- null: recorded_at
  expires_at   timestamptz,
  book         int4 NOT NULL,
  debit        int4,
  credit       int4,
  kind         int2 NOT NULL,
  currency     int2,
  code         int2,
  flags        int2,
  leg          int2,                             -- null: 0
  more_legs    int8[],
  details      json,
  key          text,
  reference    text,
  description  text,
  metadata     json
) PARTITION BY RANGE (position);

-- Partitions log_p0, log_p1, … are made by the writer before it needs them, each with these:
--   UNIQUE (position)
--   (parent, position) WHERE parent IS NOT NULL      the actions of a transaction
--   (debit) WHERE kind = 9                           where an account was opened
--   (position) WHERE kind = 16                       changes of configuration: a start reads them all

-- What each partition holds; dates are filled when it closes.
CREATE TABLE log_partition (
  number         int4 PRIMARY KEY,
  first_position int8 NOT NULL,
  end_position   int8 NOT NULL,                  -- exclusive
  first_at       timestamptz,
  last_at        timestamptz,
  closed         boolean NOT NULL DEFAULT false,
  keys_indexed   boolean NOT NULL DEFAULT false  -- its keys stand in key_bucket and key_filter
);

-- Keys of closed partitions, written in bulk: (hash 16 bytes, position offset 4 bytes) repeated, sorted by hash.
CREATE TABLE key_bucket (
  partition int4 NOT NULL,
  bucket    int4 NOT NULL,
  entries   bytea NOT NULL,
  PRIMARY KEY (partition, bucket)
);
CREATE TABLE key_filter (
  partition int4 PRIMARY KEY,
  keys      int4 NOT NULL,
  buckets   int4 NOT NULL,
  bits      bytea NOT NULL,                      -- Bloom filter
  by_book   json NOT NULL,                       -- how many keys of each book are forgotten when
  last_expires_at timestamptz NOT NULL           -- when the last of them is forgotten
);
