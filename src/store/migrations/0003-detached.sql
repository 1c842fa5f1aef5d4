-- Partitions of the log whose records stand in files. What every start and every reading needs stays in the table: the
-- records of configuration, books and accounts (kinds 9 to 12, 15 and 16).
CREATE TABLE detached (
  partition      int4 PRIMARY KEY,               -- without a gap from 0 on
  first_position int8 NOT NULL,
  end_position   int8 NOT NULL,                  -- exclusive
  last_at        timestamptz NOT NULL,           -- recorded time of its last record
  records        int8 NOT NULL,                  -- in the file: all of the partition
  file           text NOT NULL,                  -- where it was written to
  sha256         text NOT NULL,                  -- of the file
  chain          text NOT NULL,                  -- SHA-256 over the chain of the file before, this file's hash and its bounds
  detached_at    timestamptz NOT NULL DEFAULT now()
);

-- The first position that is not in a file.
CREATE FUNCTION attached_from() RETURNS int8 LANGUAGE sql STABLE AS $$
  SELECT coalesce(max(d.end_position), 1) FROM detached d
$$;

-- As before, but looks at attached records only. For a time before them it says the end of what is detached.
CREATE OR REPLACE FUNCTION position_at(at timestamptz) RETURNS int8 LANGUAGE plpgsql STABLE AS $$
DECLARE
  low int8 := attached_from() - 1;
  high int8 := coalesce((SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1), 0);
  middle int8;
BEGIN
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF (SELECT l.recorded_at FROM log l WHERE l.position = middle) <= at THEN low := middle; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN low;
END $$;
