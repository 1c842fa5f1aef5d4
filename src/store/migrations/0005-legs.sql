-- The numbers of a record's legs are stored compressed where they are many, and packed where they are few; each subscript
-- into what is stored unpacks all of it. Joined to nothing they are unpacked once a record: OFFSET 0 keeps the planner from
-- putting the expression back in at each subscript.
CREATE OR REPLACE FUNCTION more_legs_of(more_legs int8[])
  RETURNS TABLE (leg int2, debit int4, credit int4, currency int2, amount int8, released int8)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
  SELECT numbers[i]::int2, numbers[i + 1]::int4, numbers[i + 2]::int4, numbers[i + 3]::int2, numbers[i + 4], numbers[i + 5]
    FROM (SELECT more_legs || '{}' AS numbers OFFSET 0) unpacked, generate_series(1, cardinality(numbers), 6) AS i;
END;
