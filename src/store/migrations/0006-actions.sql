-- The actions on transactions may stand in any later partition, so each is looked into. With these parameters known the
-- planner plans each of them at every call, for ten times what the looking takes; one plan for all parameters is kept
-- instead, until there is a new partition.
CREATE FUNCTION actions_on(parents int8[], after int8) RETURNS SETOF log LANGUAGE plpgsql STABLE ROWS 10
  SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY SELECT * FROM log l
    WHERE l.parent = ANY (parents) AND l.position > after AND l.kind BETWEEN 3 AND 7;
END $$;
