-- Purpose: every change of a division: renamed, recoded, merged, split, created, abolished.
-- Grain: one row per change and pair of old and new division.
-- Units: weight and confidence from 0 to 1.
-- Population: none.
-- Privacy: divisions, no persons.
SELECT
  edge_id,
  level,
  event,
  old_code,
  old_name,
  new_code,
  new_name,
  weight,
  method,
  evidence,
  confidence,
  code_reused,
  snapshot_before,
  snapshot_after,
  substr(coalesce(new_code, old_code), 1, 6) AS county_code
FROM registry.division_successor
